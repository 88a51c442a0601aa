// Neighbour lists.
#pragma once

#include <cstdint>
#include <vector>

#include "environments.h"

namespace surprisal {

/// Full neighbour list: pairs of atom i are offsets[i] … offsets[i+1], nearest first.
struct NeighborList {
  std::vector<double> offsets;         // (atoms+1): counts beyond 2^32 stay exact
  std::vector<std::uint32_t> indices;  // (pairs)
  std::vector<std::int32_t> shifts;    // (pairs×3)
  std::vector<double> distances;       // (pairs)
  std::vector<double> vectors;         // (pairs×3), or empty
};

NeighborList neighbor_list(const StructureBatch& batch, double cutoff, bool vectors, Isa isa, unsigned threads,
                           Task& task);

/// The k nearest neighbours of every atom.
struct Nearest {
  std::vector<std::uint32_t> counts;   // (atoms), all within the cutoff
  std::vector<double> gaps;            // (atoms)
  std::vector<std::uint32_t> indices;  // (atoms×k), 0xffffffff past the end of a row
  std::vector<double> distances;       // (atoms×k), infinity past the end of a row
};

Nearest nearest_neighbors(const StructureBatch& batch, std::size_t k, double cutoff, Isa isa, unsigned threads,
                          Task& task);

}  // namespace surprisal
