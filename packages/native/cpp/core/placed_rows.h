// Rows as a tree puts them in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "row_tree.h"

namespace surprisal {

/// The row at each place of a tree.
///
/// Neighbours in that order come from anywhere in memory, and processors cannot guess where the next row is: whoever goes
/// through places tells them with `expect`, `places_ahead` before. (Rows are not copied in order: of few rows the copy takes
/// as long as it saves, of many it takes memory, and saves no time that matters.)
template <typename Raw>
class PlacedRows {
 public:
  PlacedRows() = default;

  /// `rows` and the order of `tree` must outlive it.
  PlacedRows(const Raw* rows, std::size_t columns, const RowTree& tree)
      : rows_(rows), columns_(columns), order_(tree.order.data()), count_(tree.rows) {}

  std::size_t columns() const { return columns_; }
  /// Which of the rows as they were given stands at a place.
  std::uint32_t id(std::size_t place) const { return order_[place]; }
  const Raw* at(std::size_t place) const { return rows_ + std::size_t{order_[place]} * columns_; }

  /// Has the caches fetch the beginning of the row at a place, if there is that place.
  static constexpr std::size_t places_ahead = 8;
  void expect(std::size_t place) const {
    if (place >= count_) return;
    const char* const first = reinterpret_cast<const char*>(at(place));
    const std::size_t bytes = std::min(columns_ * sizeof(Raw), most_bytes);
    for (std::size_t offset = 0; offset < bytes; offset += cache_line) __builtin_prefetch(first + offset);
    __builtin_prefetch(first + bytes - 1);
  }

 private:
  static constexpr std::size_t cache_line = 64;
  static constexpr std::size_t most_bytes = 16 * cache_line;

  const Raw* rows_ = nullptr;
  std::size_t columns_ = 0;
  const std::uint32_t* order_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace surprisal
