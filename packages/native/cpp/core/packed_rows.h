// Reference rows in the order in which the kernel tiles read them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "heap_array.h"
#include "kernel_tiles.h"
#include "thread_pool.h"

namespace surprisal {

/// n rows of d numbers as [pack][dimension][lane]. The last pack is filled up with rows at infinity.
template <typename T>
struct PackedRows {
  std::size_t rows = 0;
  std::size_t columns = 0;
  HeapPointer<T> data;
  /// One weight for each lane, relative to the largest; null where every weight is 1.
  HeapPointer<T> weights;
  /// The same in float64, for sums in which only small weights count.
  HeapPointer<double> exact_weights;
  /// ln of the largest weight.
  double log_scale = 0;
  /// Which rows these are, ascending; empty where there are no weights, and so all of them.
  std::vector<std::size_t> kept;

  std::size_t packs() const { return (rows + pack_rows<T> - 1) / pack_rows<T>; }

  /// Where a row stands, or the first that is kept after it: how many are kept before it.
  std::size_t place_of(std::size_t row) const {
    if (kept.empty()) return row;
    return static_cast<std::size_t>(std::lower_bound(kept.begin(), kept.end(), row) - kept.begin());
  }
};

/// Packs row-major rows on all threads. Rows of weight 0 are left out: they can neither add nor be the nearest.
/// Throws std::bad_alloc, Error ABORTED.
template <typename T>
PackedRows<T> pack(const T* rows, std::size_t count, std::size_t columns, const double* weights, unsigned threads,
                   Task& task) {
  constexpr std::size_t lanes = pack_rows<T>;
  constexpr std::size_t packs_at_once = 64;
  PackedRows<T> packed;
  std::vector<std::size_t>& kept = packed.kept;
  if (weights != nullptr) {
    for (std::size_t row = 0; row < count; ++row) {
      if (weights[row] != 0) kept.push_back(row);
    }
  }
  packed.columns = columns;
  packed.rows = weights == nullptr ? count : kept.size();
  packed.data = aligned_array<T>(packed.packs() * columns * lanes);
  double largest = 1;
  if (weights != nullptr) {
    largest = *std::max_element(weights, weights + count);
    packed.log_scale = std::log(largest);
    packed.weights = aligned_array<T>(packed.packs() * lanes);
    packed.exact_weights = aligned_array<double>(packed.packs() * lanes);
  }
  parallel_for((packed.packs() + packs_at_once - 1) / packs_at_once, threads, task, [&](std::size_t item) {
    const std::size_t end = std::min(packed.packs(), (item + 1) * packs_at_once) * lanes;
    for (std::size_t place = item * packs_at_once * lanes; place < end; ++place) {
      T* const to = packed.data.get() + place / lanes * columns * lanes + place % lanes;
      if (place >= packed.rows) {
        for (std::size_t c = 0; c < columns; ++c) to[c * lanes] = std::numeric_limits<T>::infinity();
      } else {
        const T* const from = rows + (weights == nullptr ? place : kept[place]) * columns;
        for (std::size_t c = 0; c < columns; ++c) to[c * lanes] = from[c];
      }
      if (weights == nullptr) continue;
      const double weight = place >= packed.rows ? 0 : weights[kept[place]] / largest;
      packed.weights[place] = static_cast<T>(weight);
      packed.exact_weights[place] = weight;
    }
  });
  return packed;
}

}  // namespace surprisal
