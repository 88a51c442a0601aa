#include "row_order.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "thread_pool.h"

namespace surprisal {
namespace {

/// Rows that one thread takes at a time.
constexpr std::size_t block_rows = 1 << 16;

template <std::size_t bytes>
void gather_block(const unsigned char* values, const std::uint32_t* rows, std::size_t count, std::size_t from, std::size_t to,
                  unsigned char* out) {
  for (std::size_t i = from; i < to; ++i) {
    if (rows[i] < count) std::memcpy(out + i * bytes, values + rows[i] * bytes, bytes);
  }
}

}  // namespace

OrderedRows order_rows(const double* ids, std::size_t count, Task& task) {
  OrderedRows ordered;
  double lowest = std::numeric_limits<double>::infinity();
  double highest = -lowest;
  bool sorted = true;
  for (std::size_t row = 0; row < count; ++row) {
    const double id = ids[row];
    sorted = sorted && id > highest;
    lowest = std::min(lowest, id);
    highest = std::max(highest, id);
  }
  task.throw_if_stopped();
  if (sorted) return ordered;
  const double span = highest - lowest + 1;
  if (!(span <= 4.0 * static_cast<double>(count) + 1024)) {
    ordered.order = RowOrder::sparse;
    return ordered;
  }
  const std::size_t slots = static_cast<std::size_t>(span);
  constexpr std::uint32_t nobody = 0xffffffff;
  HeapArray<std::uint32_t> row_of(slots);
  std::fill(row_of.data.get(), row_of.data.get() + slots, nobody);
  for (std::size_t row = 0; row < count; ++row) {
    // Somebody may change the ids meanwhile; what comes of it is rubbish then, but in its place.
    const double place = ids[row] - lowest;
    const std::size_t slot = place >= 0 && place < span ? static_cast<std::size_t>(place) : 0;
    if (row_of[slot] != nobody) {
      ordered.order = RowOrder::repeated;
      ordered.repeated = row;
      return ordered;
    }
    row_of[slot] = static_cast<std::uint32_t>(row);
  }
  task.throw_if_stopped();
  ordered.order = RowOrder::found;
  ordered.rows = HeapArray<std::uint32_t>(count);
  ordered.ids = HeapArray<double>(count);
  std::size_t next = 0;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    if (row_of[slot] == nobody) continue;
    ordered.rows[next] = row_of[slot];
    ordered.ids[next] = lowest + static_cast<double>(slot);
    ++next;
  }
  return ordered;
}

void gather_rows(const unsigned char* values, std::size_t bytes, const std::uint32_t* rows, std::size_t count, unsigned threads,
                 Task& task, unsigned char* out) {
  const std::size_t blocks = (count + block_rows - 1) / block_rows;
  parallel_for(blocks, threads, task, [&](std::size_t block) {
    const std::size_t from = block * block_rows;
    const std::size_t to = std::min(count, from + block_rows);
    switch (bytes) {
      case 2: return gather_block<2>(values, rows, count, from, to, out);
      case 8: return gather_block<8>(values, rows, count, from, to, out);
      case 24: return gather_block<24>(values, rows, count, from, to, out);
      default:
        for (std::size_t i = from; i < to; ++i) {
          if (rows[i] < count) std::memcpy(out + i * bytes, values + rows[i] * bytes, bytes);
        }
    }
  });
}

}  // namespace surprisal
