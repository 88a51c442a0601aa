// The innermost loops of kernel sums, compiled once for each instruction set from kernel_tiles.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

namespace surprisal {

/// Rows of one leaf, the smallest unit of references. A leaf fills two vectors of the widest instruction set, in either
/// precision; it does not depend on the instruction set in use, so neither do the borders of leaves.
template <typename T>
constexpr std::size_t leaf_rows = 128 / sizeof(T);

/// Numbers that hold the sum of one query between leaves, one for each lane of the widest vector.
template <typename T>
constexpr std::size_t sum_lanes = 64 / sizeof(T);

/// The length of a row that is moved to a centre: its numbers, filled up with zeros to whole vectors of the widest
/// instruction set.
template <typename T>
constexpr std::size_t query_stride_of(std::size_t columns) {
  return (columns + sum_lanes<T> - 1) / sum_lanes<T> * sum_lanes<T>;
}

/// How a tile gets what times a factor is its exponents.
enum class TileForm {
  /// (a·b − |a|²/2) − |b|²/2, of rows about a centre near both, in units of h/√log₂e: one multiply-add for each number.
  product,
  /// −|a − b|², of the rows as they were given: a subtraction more, and right wherever the rows lie.
  difference,
};

/// One leaf of references against some of the queries at hand.
template <typename T>
struct LeafSums {
  TileForm form;
  std::size_t columns;
  const T* rows;             // [dimension][leaf_rows]
  const T* half_norms;       // (leaf_rows) |b|²/2 by centre_rows_*; form product alone
  const T* weights;          // (leaf_rows), or null
  const std::uint32_t* ids;  // (leaf_rows) which row of the references each is; where some are left out, else null

  const T* queries;            // (·×query_stride) row-major, about the same centre as the rows
  std::size_t query_stride;
  const T* query_half_norms;   // (·) form product alone
  const std::uint32_t* starts; // (·) of each query, the ids that do not count: starts … ends (exclusive)
  const std::uint32_t* ends;
  const std::uint32_t* list;   // (count) which queries
  std::size_t count;

  const T* factors;  // (bandwidth_count) above 0: times what a tile gets, the exponents of a bandwidth
  std::size_t bandwidth_count;

  T* row_sums;  // [bandwidth][·][sum_lanes], kernels are added; their total is the query's sum
  std::size_t row_sum_stride;
  T* column_sums;  // [bandwidth][leaf_rows], kernels are added, or null; without weights and ids alone
  std::size_t column_sum_stride;
};

/// Rows to be moved to a centre.
template <typename T>
struct CentreRows {
  const T* rows;  // (·×stride) row-major
  std::size_t stride;  // query_stride_of the columns; what fills them up is 0, in rows and centre alike
  const std::uint32_t* list;  // (count)
  std::size_t count;
  const T* centre;  // (stride)
  T scale;
  T* centred;     // (·×stride)
  T* half_norms;  // (·)
};

/// One leaf against some queries, for sums relative to the nearest reference so far, in float64.
struct RelativeSums {
  std::size_t columns;
  const double* rows;    // [dimension][relative_rows]
  const double* weights;  // (relative_rows), 0 for what does not count
  const std::uint32_t* ids;  // or null, as above

  const double* queries;  // (·×query_stride) row-major
  std::size_t query_stride;
  const std::uint32_t* starts;
  const std::uint32_t* ends;
  const std::uint32_t* list;
  std::size_t count;

  const double* bandwidths;
  std::size_t bandwidth_count;
  double* nearest;  // (·) smallest squared distance so far, infinity at first
  double* sums;     // [bandwidth][·], 0 at first
  std::size_t sum_stride;
};

/// Rows of one leaf of relative sums.
constexpr std::size_t relative_rows = 32;

/// Queries that are told to be far or near together, by their box; then each by itself.
constexpr std::size_t bound_group = 16;

/// Queries against the box of a node: which of them cannot be told to be far.
struct BoundCheck {
  std::size_t dimensions;
  const float* low;  // (dimensions) of the box
  const float* high;
  const float* query_low;  // [group][dimension][bound_group], the intervals that surely hold the coordinates of the queries
  const float* query_high;
  const float* limits;           // [group][bound_group] squared distances; below 0 for what stands there beyond the queries
  float least_limit;             // for all of them, where theirs is smaller
  const std::uint32_t* groups;   // (group_count) which runs of bound_group queries to look at
  std::size_t group_count;
};

struct KernelTiles {
  /// For every query of the list: Σ_j w_j exp₂(factor_b · what the form gives) over the rows that count is added to its row_sums.
  void (*add_leaf_f32)(const LeafSums<float>&);
  void (*add_leaf_f64)(const LeafSums<double>&);

  /// Rows of a list about a centre, times a scale, and |a|²/2 of each by the very same operations as the products of the
  /// tiles, so that the exponent of two equal rows is 0 to the last bit. Row list[i] goes to row list[i] of `centred`. A
  /// row that is so far that its products could overflow becomes one whose every exponent is far below 0.
  void (*centre_rows_f32)(const CentreRows<float>&);
  void (*centre_rows_f64)(const CentreRows<double>&);

  /// Totals in float64 of the lanes of the listed queries, [·][sum_lanes] → (·); the lanes are 0 afterwards.
  void (*take_sums_f32)(float* lanes, const std::uint32_t* list, std::size_t count, double* totals);
  void (*take_sums_f64)(double* lanes, const std::uint32_t* list, std::size_t count, double* totals);

  /// One more leaf of Σ_j w_j exp(−(d²_j − d²_nearest)/2h²), differences in float64; what was summed before is scaled
  /// whenever a nearer reference turns up.
  void (*add_relative)(const RelativeSums&);

  /// Lists the queries whose distance to the box may be below their limit, ascending; returns how many. `list` has room
  /// for group_count · bound_group numbers. What is near to a box is near to every box around that one, bit for bit.
  std::size_t (*near_queries)(const BoundCheck&, std::uint32_t* list);

  /// Squared distances from differences of `count` queries, each a row of its own, to the rows of one leaf
  /// [dimension][leaf_rows]: squares [query][leaf_rows], and the smallest of each query (NaN not looked at).
  void (*leaf_squares)(const float* const* queries, std::size_t count, std::size_t columns, const float* rows,
                       float* squares, float* smallest);

  /// Those of either precision by one name. (Not for the files of one instruction set: the linker could keep its copy.)
  void add_leaf(const LeafSums<float>& work) const { add_leaf_f32(work); }
  void add_leaf(const LeafSums<double>& work) const { add_leaf_f64(work); }
  void centre_rows(const CentreRows<float>& work) const { centre_rows_f32(work); }
  void centre_rows(const CentreRows<double>& work) const { centre_rows_f64(work); }
  void take_sums(float* lanes, const std::uint32_t* list, std::size_t count, double* totals) const {
    take_sums_f32(lanes, list, count, totals);
  }
  void take_sums(double* lanes, const std::uint32_t* list, std::size_t count, double* totals) const {
    take_sums_f64(lanes, list, count, totals);
  }
};

}  // namespace surprisal
