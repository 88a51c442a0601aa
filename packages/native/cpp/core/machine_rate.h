// What this machine can do at best, to hold the kernels against.
#pragma once

#include <cstddef>

#include "cpu.h"
#include "task.h"

namespace surprisal {

/// Fused multiply-adds per second of all threads together, in float32 or float64, operands in registers.
double multiply_add_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task);

}  // namespace surprisal
