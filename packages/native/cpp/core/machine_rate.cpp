#include "machine_rate.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

#include "heap_array.h"
#include "machine_loops.h"
#include "thread_pool.h"

namespace surprisal {
namespace {

constexpr std::size_t slice_numbers = std::size_t{1} << 18;  // 2 MiB

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count();
}

/// What `loop` counts, per second of all threads together.
template <typename T>
double rate_of(double (*loop)(std::size_t, T*), T first, T second, std::size_t rounds, unsigned threads, Task& task) {
  std::vector<double> counts(threads * rate_items);
  const double seconds = seconds_of([&] {
    parallel_for(counts.size(), threads, task, [&](std::size_t item) {
      T sink[2] = {first, second};
      counts[item] = loop(rounds, sink);
      task.advance(1);
    });
  });
  double total = 0;
  for (const double count : counts) total += count;
  return total / seconds;
}

}  // namespace

double multiply_add_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task) {
  const MachineLoops& loops = machine_loops(isa);
  return single ? rate_of<float>(loops.multiply_add_f32, 0.999f, 1e-3f, rounds, threads, task)
                : rate_of<double>(loops.multiply_add_f64, 0.999, 1e-3, rounds, threads, task);
}

double exponential_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task) {
  const MachineLoops& loops = machine_loops(isa);
  return single ? rate_of<float>(loops.exponentials_f32, 0.1f, 0.999f, rounds, threads, task)
                : rate_of<double>(loops.exponentials_f64, 0.1, 0.999, rounds, threads, task);
}

std::size_t memory_slices(std::size_t count) { return (count + slice_numbers - 1) / slice_numbers; }

double memory_rate(MemoryPattern pattern, std::size_t count, std::size_t passes, Isa isa, unsigned threads, Task& task) {
  const MachineLoops& loops = machine_loops(isa);
  const std::size_t arrays = pattern == MemoryPattern::read ? 1 : pattern == MemoryPattern::copy ? 2 : 3;
  HeapArray<double> a(count), b(arrays > 1 ? count : 0), c(arrays > 2 ? count : 0);
  std::vector<double> sums(memory_slices(count));
  const auto pass = [&](const std::function<void(std::size_t, std::size_t, std::size_t)>& work) {
    parallel_for(memory_slices(count), threads, task, [&](std::size_t slice) {
      const std::size_t start = slice * slice_numbers;
      work(slice, start, std::min(slice_numbers, count - start));
      task.advance(1);
    });
  };
  // Pages come into being here.
  pass([&](std::size_t, std::size_t start, std::size_t length) {
    std::fill_n(&a[start], length, 1.0);
    if (arrays > 1) std::fill_n(&b[start], length, 1.0);
    if (arrays > 2) std::fill_n(&c[start], length, 1.0);
  });
  const double seconds = seconds_of([&] {
    for (std::size_t i = 0; i < passes; ++i) {
      pass([&](std::size_t slice, std::size_t start, std::size_t length) {
        if (pattern == MemoryPattern::read) sums[slice] = loops.read(&a[start], length);
        if (pattern == MemoryPattern::copy) loops.copy(&a[start], &b[start], length);
        if (pattern == MemoryPattern::triad) loops.triad(&a[start], &b[start], &c[start], 0.5, length);
      });
    }
  });
  return static_cast<double>(arrays) * sizeof(double) * static_cast<double>(count) * static_cast<double>(passes) / seconds;
}

}  // namespace surprisal
