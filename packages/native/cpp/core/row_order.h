// Rows in the order of their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "heap_array.h"
#include "task.h"

namespace surprisal {

enum class RowOrder {
  sorted,    ///< they lie in order already
  found,     ///< `rows` says where they come from
  repeated,  ///< two rows have one id: `repeated` is the second of them
  sparse,    ///< the ids lie too far apart to be counted; somebody else must sort them
};

struct OrderedRows {
  RowOrder order = RowOrder::sorted;
  std::size_t repeated = 0;
  /// (count) the row that comes at each place, and its id.
  HeapArray<std::uint32_t> rows;
  HeapArray<double> ids;
};

/// The order of rows by their ids, whole numbers. Fewer than 2^32 − 1 of them.
OrderedRows order_rows(const double* ids, std::size_t count, Task& task);

/// out[i] = values[rows[i]] for rows of `bytes` bytes each, where every rows[i] is below `count`; others are passed over.
void gather_rows(const unsigned char* values, std::size_t bytes, const std::uint32_t* rows, std::size_t count, unsigned threads,
                 Task& task, unsigned char* out);

}  // namespace surprisal
