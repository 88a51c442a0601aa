// What this machine can do at best, to hold the hot loops against.
#pragma once

#include <cstddef>

#include "cpu.h"
#include "task.h"

namespace surprisal {

/// Items of work for each thread: more than one, so that threads that start late do not leave others idle at the end.
constexpr std::size_t rate_items = 16;

/// Fused multiply-adds per second of all threads together, in float32 or float64, operands in registers.
double multiply_add_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task);

/// Exponentials per second of all threads together, as kernel sums take them, operands in registers.
double exponential_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task);

enum class MemoryPattern {
  read,   // Σ a_i: 8 bytes for each number
  copy,   // a_i = b_i: 16 bytes
  triad,  // a_i = b_i + f c_i: 24 bytes
};

/// Slices into which memory_rate cuts arrays of so many numbers.
std::size_t memory_slices(std::size_t count);

/// Bytes per second that all threads together move between processor and memory, through arrays of `count` numbers each.
/// What a store reads first (its cache line) is not counted. Each of `passes` passes over the arrays is timed, after a
/// first one that is not. Throws std::bad_alloc, Error ABORTED.
double memory_rate(MemoryPattern pattern, std::size_t count, std::size_t passes, Isa isa, unsigned threads, Task& task);

}  // namespace surprisal
