// Structures side by side, as plain pointers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace surprisal {

struct StructureBatch {
  const double* positions;         // (atoms×3), Å
  const std::uint32_t* offsets;    // (frames+1), the first atom of each frame
  const double* cells;             // (frames×9), rows are vectors; not looked at along axes that are not periodic
  const unsigned char* pbc;        // (frames×3)
  std::size_t frames;

  std::size_t atoms() const { return offsets[frames]; }
};

}  // namespace surprisal
