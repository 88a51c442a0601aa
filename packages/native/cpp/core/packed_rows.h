// Reference rows in the order in which the kernel tiles read them.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace surprisal {

/// Rows of one pack. A pack fills two vectors of the widest instruction set, in either precision; it does not depend on
/// the instruction set in use, so neither do block borders.
template <typename T>
constexpr std::size_t pack_rows = 128 / sizeof(T);

/// A coordinate that no data have: a lane that holds it is farther from everything than the kernel reaches, and its
/// square still fits float32.
constexpr double padding_coordinate = 1e15;

struct AlignedDelete {
  void operator()(void* memory) const { std::free(memory); }
};

/// Memory aligned to a cache line. Throws std::bad_alloc.
template <typename T>
std::unique_ptr<T[], AlignedDelete> aligned_array(std::size_t count) {
  const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
  void* const memory = std::aligned_alloc(64, bytes == 0 ? 64 : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return std::unique_ptr<T[], AlignedDelete>(static_cast<T*>(memory));
}

/// n rows of d numbers as [pack][dimension][lane]. The last pack is filled up with rows that contribute nothing.
template <typename T>
struct PackedRows {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::unique_ptr<T[], AlignedDelete> data;
  /// One weight for each lane, 0 in the filling; null where every weight is 1.
  std::unique_ptr<T[], AlignedDelete> weights;

  std::size_t packs() const { return (rows + pack_rows<T> - 1) / pack_rows<T>; }
};

/// Packs row-major rows. Rows of weight 0 are left out: they can neither add nor be the nearest.
template <typename T>
PackedRows<T> pack(const T* rows, std::size_t count, std::size_t columns, const double* weights) {
  constexpr std::size_t lanes = pack_rows<T>;
  PackedRows<T> packed;
  packed.columns = columns;
  for (std::size_t row = 0; row < count; ++row) packed.rows += weights == nullptr || weights[row] != 0;
  packed.data = aligned_array<T>(packed.packs() * columns * lanes);
  if (weights != nullptr) packed.weights = aligned_array<T>(packed.packs() * lanes);
  std::size_t place = 0;
  for (std::size_t row = 0; row < count; ++row) {
    if (weights != nullptr && weights[row] == 0) continue;
    T* const to = packed.data.get() + place / lanes * columns * lanes + place % lanes;
    for (std::size_t c = 0; c < columns; ++c) to[c * lanes] = rows[row * columns + c];
    if (weights != nullptr) packed.weights[place] = static_cast<T>(weights[row]);
    ++place;
  }
  for (; place < packed.packs() * lanes; ++place) {
    T* const to = packed.data.get() + place / lanes * columns * lanes + place % lanes;
    for (std::size_t c = 0; c < columns; ++c) to[c * lanes] = static_cast<T>(padding_coordinate);
    if (weights != nullptr) packed.weights[place] = 0;
  }
  return packed;
}

}  // namespace surprisal
