// Memory that is neither initialised nor copied behind one's back.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <new>

#include "large_memory.h"

namespace surprisal {

struct FreeDelete {
  void operator()(void* memory) const { std::free(memory); }
};

template <typename T>
using HeapPointer = std::unique_ptr<T[], FreeDelete>;

/// Room for `count` numbers, aligned to a cache line; many of them in huge pages. Throws std::bad_alloc.
template <typename T>
HeapPointer<T> aligned_array(std::size_t count) {
  if (count > (std::numeric_limits<std::size_t>::max() - huge_page_bytes) / sizeof(T)) throw std::bad_alloc();
  const bool large = count * sizeof(T) >= large_bytes;
  const std::size_t unit = large ? huge_page_bytes : 64;
  const std::size_t bytes = (count * sizeof(T) + unit - 1) / unit * unit;
  void* const memory = std::aligned_alloc(unit, bytes == 0 ? unit : bytes);
  if (memory == nullptr) throw std::bad_alloc();
  if (large) advise_huge_pages(memory, bytes);
  return HeapPointer<T>(static_cast<T*>(memory));
}

/// An array whose numbers are not touched before they are written: pages come into being on the thread that fills them.
template <typename T>
struct HeapArray {
  HeapPointer<T> data;
  std::size_t length = 0;

  HeapArray() = default;
  explicit HeapArray(std::size_t count) : data(aligned_array<T>(count)), length(count) {}

  T& operator[](std::size_t i) { return data[i]; }
  const T& operator[](std::size_t i) const { return data[i]; }
};

/// Room that is used again and again and only ever grows. What it held is lost when it does.
template <typename T>
class Room {
 public:
  /// Throws std::bad_alloc.
  T* at_least(std::size_t count) {
    if (count > size_) {
      size_ = 0;
      numbers_.reset();
      numbers_ = aligned_array<T>(count);
      size_ = count;
    }
    return numbers_.get();
  }

  T* get() { return numbers_.get(); }
  const T* get() const { return numbers_.get(); }

 private:
  HeapPointer<T> numbers_;
  std::size_t size_ = 0;
};

}  // namespace surprisal
