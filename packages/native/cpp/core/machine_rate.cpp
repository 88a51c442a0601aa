#include "machine_rate.h"

#include <chrono>
#include <vector>

#include "thread_pool.h"

namespace surprisal {

double multiply_add_rate(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task) {
  const KernelTiles& tiles = kernel_tiles(isa);
  // More items than threads, so that threads that start late do not leave others idle at the end.
  const std::size_t items = std::size_t{threads} * 16;
  std::vector<double> counts(items);
  const auto start = std::chrono::steady_clock::now();
  parallel_for(items, threads, task, [&](std::size_t item) {
    if (single) {
      float sink[2] = {0.999f, 1e-3f};
      counts[item] = tiles.multiply_add_f32(rounds, sink);
    } else {
      double sink[2] = {0.999, 1e-3};
      counts[item] = tiles.multiply_add_f64(rounds, sink);
    }
    task.advance(1);
  });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  double total = 0;
  for (const double count : counts) total += count;
  return total / elapsed.count();
}

}  // namespace surprisal
