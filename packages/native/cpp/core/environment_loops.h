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

  /// Sorts 8 columns of a matrix with rows of `stride` numbers, largest first, all at once, by the comparators (pairs of
  /// rows) of a sorting network.
  void (*sort_columns)(double* matrix, std::size_t stride, const unsigned short* comparators,
                       std::size_t comparator_count);

  /// sums[m] = Σ of row m of a (k×stride) matrix, in one order whatever the instruction set; stride is a multiple of 8.
  void (*sum_rows)(const double* matrix, std::size_t k, std::size_t stride, double* sums);
};

}  // namespace surprisal
