#include "large_memory.h"

#include <sys/mman.h>

#include <cstdint>

namespace surprisal {
namespace {

constexpr std::size_t huge_page = huge_page_bytes;

std::size_t whole_pages(std::size_t bytes) { return (bytes + huge_page - 1) / huge_page * huge_page; }

}  // namespace

void* take_large_memory(std::size_t bytes) {
  if (bytes == 0 || bytes > SIZE_MAX / 2) return nullptr;
  const std::size_t length = whole_pages(bytes);
  // Huge pages begin at multiples of themselves: what lies before and behind goes back.
  void* const taken = mmap(nullptr, length + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
  if (taken == MAP_FAILED) return nullptr;
  char* const from = static_cast<char*>(taken);
  const std::size_t before = (huge_page - reinterpret_cast<std::uintptr_t>(from) % huge_page) % huge_page;
  if (before > 0) munmap(from, before);
  if (before < huge_page) munmap(from + before + length, huge_page - before);
  advise_huge_pages(from + before, length);
  return from + before;
}

void advise_huge_pages(void* memory, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  // A system without them refuses, and gives small ones.
  madvise(memory, bytes, MADV_HUGEPAGE);
#else
  static_cast<void>(memory);
  static_cast<void>(bytes);
#endif
}

void give_large_memory(void* memory, std::size_t bytes) { munmap(memory, whole_pages(bytes)); }

}  // namespace surprisal
