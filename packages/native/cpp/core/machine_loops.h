// What a processor can do at best, compiled once for each instruction set from machine_loops.cpp.
#pragma once

#include <cstddef>

namespace surprisal {

struct MachineLoops {
  /// Rounds of independent multiply-adds in registers; returns how many those were. `sink` holds factor and term, and
  /// receives a number that depends on all of them.
  double (*multiply_add_f32)(std::size_t rounds, float* sink);
  double (*multiply_add_f64)(std::size_t rounds, double* sink);

  /// Rounds of the exponentials that kernel sums take, summed as there; returns how many those were. `sink` holds two
  /// factors above 0, of each exponent (0, −1, −2, …) and of its factor from round to round, and receives the sum.
  double (*exponentials_f32)(std::size_t rounds, float* sink);
  double (*exponentials_f64)(std::size_t rounds, double* sink);

  /// The sum of `count` numbers; their order is that of the vectors.
  double (*read)(const double* from, std::size_t count);
  /// to[i] = from[i]
  void (*copy)(double* to, const double* from, std::size_t count);
  /// to[i] = a[i] + factor · b[i]
  void (*triad)(double* to, const double* a, const double* b, double factor, std::size_t count);
};

}  // namespace surprisal
