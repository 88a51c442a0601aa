// The innermost loops of neighbour search and descriptors, compiled once for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace surprisal {

/// Arrays of candidates are padded to a multiple of this many numbers, and have room for as many more behind their end.
constexpr std::size_t environment_lanes = 8;

/// Atom images around a bin, one array for each component. A position and the way to it from an atom are
///     r = (position − position of the atom) + translation
/// in this order, so that neither bins nor wrapping leave a trace in the last digits.
struct Candidates {
  double *x, *y, *z;     // positions as given; infinite in the padding
  double *sx, *sy, *sz;  // which image, in vectors of the cell as given: whole numbers, seen from the home image
  double *tx, *ty, *tz;  // translation, Å
  std::size_t count;

  std::size_t padded() const { return (count + environment_lanes - 1) / environment_lanes * environment_lanes; }
};

/// The same of all atoms of a grid; each array has room for environment_lanes numbers behind its end.
struct GridAtoms {
  const double *x, *y, *z;
  const double *sx, *sy, *sz;
};

/// Most hits that `sort_hits` takes: its work grows with the square.
constexpr std::size_t most_sorted_hits = 128;

/// Sums over neighbours are made in as many parts, then over the parts in one order, on every instruction set.
template <typename T>
constexpr std::size_t x2_lanes = 64 / sizeof(T);

/// One environment's neighbours in the way of the loops of X2: `padded` is a multiple of x2_lanes. What is behind
/// them has no weight, and lies apart, so that no distance is 0.
template <typename T>
struct NeighborPoints {
  const T *x, *y, *z;    // from the atom, Å
  const T* root_weight;  // √w
  std::size_t padded;
};

struct EnvironmentLoops {
  /// Copies `count` atoms from a place on, moved by an image, behind `at` candidates; may write environment_lanes more.
  void (*gather)(const GridAtoms& atoms, std::size_t from, std::size_t count, const double* image, std::size_t at,
                 Candidates& candidates);

  /// t = (s − home) · cell for all candidates; returns whether any is not 0.
  bool (*translate)(const double* home, const double* cell, Candidates& candidates);

  /// Candidates whose squared distance from (x, y, z) is below `limit`, in their order; returns how many. `translated` is
  /// what translate() said. The arrays have room for environment_lanes more than there are candidates.
  std::size_t (*find_hits)(const Candidates& candidates, bool translated, double x, double y, double z, double limit,
                           double* squared, std::uint32_t* hits);

  /// How many there are, and of these how many at `near` or below.
  void (*count_hits)(const Candidates& candidates, bool translated, double x, double y, double z, double limit,
                     double near, std::size_t* within, std::size_t* at_once);

  /// Sorts up to most_sorted_hits by squared distance, as far as float32 tells them apart: those that it does not stay in
  /// the order in which they came.
  void (*sort_hits)(const double* squared, const std::uint32_t* hits, std::size_t count, double* sorted,
                    std::uint32_t* sorted_hits);

  /// values[l·padded + j] = √w_j √w_l / |v_j − v_l| for l < rows, 0 on the diagonal; rows is a multiple of 8, at most
  /// `padded`.
  void (*pair_values_f32)(const NeighborPoints<float>&, std::size_t rows, float* values);
  void (*pair_values_f64)(const NeighborPoints<double>&, std::size_t rows, double* values);

  /// Sets or clears the last bit of each of `count` numbers, a multiple of environment_lanes; returns whether all of them
  /// are finite (none is negative).
  bool (*mark)(double* values, std::size_t count, bool bit);

  /// sums[c] = Σ_b factor_b · rows[b·width + c] for b < count, where a factor is the sum of four parts, `apart` numbers from
  /// one another; leaves zeros in their places. width and apart are multiples of environment_lanes, apart ≥ count; there
  /// are rows, of any finite numbers, up to the next multiple of 4.
  void (*combine)(double* parts, std::size_t apart, std::size_t count, const double* rows, std::size_t width,
                  double* sums);

  /// Sorts columns of a matrix, largest first, all at once, by the comparators (pairs of rows) of a sorting network.
  /// `columns` is a multiple of environment_lanes, rows are `stride` numbers apart.
  void (*sort_columns_f64)(double* values, std::size_t columns, std::size_t stride, const unsigned short* comparators,
                           std::size_t comparator_count);

  /// sums[m] = Σ of row m of a matrix (rows×padded) when its columns are sorted, largest first. rows is a multiple of 8; up
  /// to 32 of them are sorted in registers, more by the comparators, in place. `parts` has room for rows · x2_lanes.
  void (*sorted_sums_f32)(float* values, std::size_t rows, std::size_t padded, const unsigned short* comparators,
                          std::size_t comparator_count, float* parts, float* sums);
  void (*sorted_sums_f64)(double* values, std::size_t rows, std::size_t padded, const unsigned short* comparators,
                          std::size_t comparator_count, double* parts, double* sums);

  /// X1 and √w from squared distances; count is a multiple of x2_lanes.
  void (*weights_f32)(const double* squared, std::size_t count, double inverse_squared_cutoff, float* root_weight,
                      float* x1);
  void (*weights_f64)(const double* squared, std::size_t count, double inverse_squared_cutoff, double* root_weight,
                      double* x1);
};

}  // namespace surprisal
