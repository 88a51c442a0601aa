// Reference rows in the order and the form in which the kernel tiles read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "heap_array.h"
#include "kernel_tiles.h"
#include "placed_rows.h"
#include "row_tree.h"
#include "task.h"

namespace surprisal {

/// The columns in which rows (one or more, of finite numbers) differ from one another, or others from them; one column where
/// there is none. What is equal everywhere adds nothing to a distance: of molecules with fewer than k neighbours, a third of
/// the columns and more.
class VaryingColumns {
 public:
  VaryingColumns() = default;
  /// Throws std::bad_alloc, Error ABORTED.
  template <typename Raw>
  VaryingColumns(const Raw* rows, std::size_t count, const Raw* others, std::size_t other_count, std::size_t columns,
                 unsigned threads, Task& task);

  std::size_t count() const { return count_; }

  /// Of the numbers of one row, those in columns that vary.
  template <typename Number, typename T>
  void take(const Number* row, T* to) const {
    for (const Stretch& stretch : stretches_) {
      for (std::size_t i = 0; i < stretch.length; ++i) to[i] = static_cast<T>(row[stretch.first + i]);
      to += stretch.length;
    }
  }

 private:
  struct Stretch {
    std::size_t first, length;
  };
  static std::vector<Stretch> stretches_of(const std::vector<unsigned char>& values, unsigned char value);

  std::size_t count_ = 0;
  std::vector<Stretch> stretches_;
};

/// Rows of one leaf after another. Leaves near one another share a centre as long as every row of theirs lies within
/// a radius of it; a leaf that is too wide for that is kept as it was given, for differences.
template <typename T>
struct PackedRows {
  static constexpr std::uint32_t no_centre = 0xffffffff;

  T scale = 1;  // of centred rows: √log₂e / h, rounded; factors of exponents make up for it
  HeapArray<T> rows;                    // [leaf][dimension][leaf_rows]
  HeapArray<T> half_norms;              // [leaf][leaf_rows]; what fills up the last leaf counts for nothing
  HeapArray<T> weights;                 // [leaf][leaf_rows], relative to the largest; empty where every weight is 1
  std::vector<std::uint32_t> ids;       // [leaf][leaf_rows] which row of the references each is
  std::vector<std::uint32_t> centre_of; // (leaves), or no_centre
  std::vector<T> centres;               // [centre][query_stride_of the dimensions]
};

/// Bandwidths within which the rows that share a centre lie of it. A query that matters to them lies within some 7 more,
/// so half norms stay below 15² log₂e / 2 = 162, and an exponent errs by a few roundings of that. Measured over molecules,
/// silicon, graphite and copper, the largest error of a ln s in float32 is 1.1e-5 at 8, and grows with the square: 6e-6 at 6,
/// 2.5e-5 at 13.
constexpr double centred_radius = 8;

/// Packs `rows`, which `tree` puts in order, of each the columns that vary. `bandwidth` is the smallest in use, and `radius` is
/// in bandwidths; where it is 0, no row has a centre. `weights` are of the rows as given, or null. Throws std::bad_alloc,
/// Error ABORTED.
template <typename Raw, typename T>
PackedRows<T> pack_rows(const PlacedRows<Raw>& rows, const VaryingColumns& varying, const RowTree& tree, double bandwidth,
                        double radius, const double* weights, double largest_weight, const KernelTiles& tiles,
                        unsigned threads, Task& task);

}  // namespace surprisal
