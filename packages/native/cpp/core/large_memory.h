// Memory for arrays of many megabytes.
#pragma once

#include <cstddef>

namespace surprisal {

/// Memory full of zeros, in huge pages where the system has them: touching as much for the first time page by page takes longer than
/// to fill it, several times as long in a virtual machine. nullptr if there is none.
void* take_large_memory(std::size_t bytes);

/// Gives it back.
void give_large_memory(void* memory, std::size_t bytes);

/// Memory from which on huge pages are worth it.
constexpr std::size_t large_bytes = std::size_t{4} << 20;
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;

/// Asks for huge pages for memory that begins at a multiple of them and was not touched yet.
void advise_huge_pages(void* memory, std::size_t bytes);

}  // namespace surprisal
