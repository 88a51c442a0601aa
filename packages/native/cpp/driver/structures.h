// Structures for the driver to build one after another.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../core/structure_batch.h"

namespace surprisal {

struct Structures {
  std::vector<double> positions;
  std::vector<std::uint32_t> offsets{0};
  std::vector<double> cells;
  std::vector<unsigned char> pbc;

  void add(const std::vector<double>& r, const std::array<double, 9>& cell, const std::array<bool, 3>& periodic) {
    positions.insert(positions.end(), r.begin(), r.end());
    offsets.push_back(offsets.back() + static_cast<std::uint32_t>(r.size() / 3));
    cells.insert(cells.end(), cell.begin(), cell.end());
    for (const bool p : periodic) pbc.push_back(p);
  }

  StructureBatch batch() const {
    return {positions.data(), offsets.data(), cells.data(), pbc.data(), offsets.size() - 1};
  }
};

}  // namespace surprisal
