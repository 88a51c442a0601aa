// The innermost loops of neighbour search and descriptors, compiled once for each instruction set.
#pragma once

#include <cstddef>

namespace surprisal {

/// Arrays that these loops take are padded to a multiple of this many numbers.
constexpr std::size_t environment_lanes = 8;

struct EnvironmentLoops {
  /// Squared distances from (x, y, z) to `count` points, count a multiple of 8.
  void (*squared_distances)(double x, double y, double z, const double* xs, const double* ys, const double* zs,
                            std::size_t count, double* out);

  /// matrix[l·stride + j] = s_j s_l / |v_j − v_l| for l < k, j < stride, 0 on the diagonal; stride is a multiple of 8.
  void (*pair_matrix)(const double* x, const double* y, const double* z, const double* s, std::size_t k,
                      std::size_t stride, double* matrix);

  /// Sorts each column of a (k×stride) matrix, largest first, by the comparators (pairs of rows) of a sorting network,
  /// all columns at once; then sums[m] = Σ of row m, lanes in one fixed order.
  void (*sort_and_sum)(double* matrix, std::size_t k, std::size_t stride, const unsigned short* comparators,
                       std::size_t comparator_count, double* sums);
};

}  // namespace surprisal
