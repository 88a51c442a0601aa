// Neighbour lists.
#pragma once

#include <cstdint>

#include "environments.h"
#include "heap_array.h"

namespace surprisal {

/// Full neighbour list: pairs of atom i are offsets[i] … offsets[i+1], nearest first.
struct NeighborList {
  HeapArray<double> offsets;         // (atoms+1): counts beyond 2^32 stay exact
  HeapArray<std::uint32_t> indices;  // (pairs)
  HeapArray<std::int32_t> shifts;    // (pairs×3)
  HeapArray<double> distances;       // (pairs)
  HeapArray<double> vectors;         // (pairs×3), or empty
};

/// Counts first and fills then, so that the list is the only large thing in memory. Units of work: 2 for each atom.
NeighborList neighbor_list(const StructureBatch& batch, double cutoff, bool vectors, Isa isa, unsigned threads,
                           Task& task);

/// The k nearest neighbours of every atom.
struct Nearest {
  HeapArray<std::uint32_t> counts;   // (atoms), all within the cutoff
  HeapArray<double> gaps;            // (atoms)
  HeapArray<std::uint32_t> indices;  // (atoms×k), 0xffffffff past the end of a row
  HeapArray<double> distances;       // (atoms×k), infinity past the end of a row
};

Nearest nearest_neighbors(const StructureBatch& batch, std::size_t k, double cutoff, Isa isa, unsigned threads,
                          Task& task);

}  // namespace surprisal
