#include "neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace surprisal {

NeighborList neighbor_list(const StructureBatch& batch, double cutoff, bool vectors, Isa isa, unsigned threads,
                           Task& task) {
  NeighborList list;
  list.offsets = HeapArray<double>(batch.atoms() + 1);
  visit_environments(batch, {cutoff, 0, 0, true}, isa, threads, task, [&]() -> EnvironmentVisitor {
    return [&](const Environment& e) { list.offsets[e.atom + std::size_t{1}] = static_cast<double>(e.count); };
  });
  list.offsets[0] = 0;
  for (std::size_t atom = 0; atom < batch.atoms(); ++atom) list.offsets[atom + 1] += list.offsets[atom];

  const auto pairs = static_cast<std::size_t>(list.offsets[batch.atoms()]);
  list.indices = HeapArray<std::uint32_t>(pairs);
  list.shifts = HeapArray<std::int32_t>(3 * pairs);
  list.distances = HeapArray<double>(pairs);
  if (vectors) list.vectors = HeapArray<double>(3 * pairs);
  visit_environments(batch, {cutoff, 0, 0, false}, isa, threads, task, [&]() -> EnvironmentVisitor {
    return [&](const Environment& e) {
      auto to = static_cast<std::size_t>(list.offsets[e.atom]);
      if (e.neighbors.size() != static_cast<std::size_t>(list.offsets[e.atom + std::size_t{1}]) - to) {
        throw Error("INVALID_POSITIONS", "positions in shared memory were changed while neighbours were sought");
      }
      for (const Neighbor& neighbor : e.neighbors) {
        list.indices[to] = neighbor.atom;
        std::copy(neighbor.shift, neighbor.shift + 3, &list.shifts[3 * to]);
        list.distances[to] = std::sqrt(neighbor.squared);
        if (vectors) {
          list.vectors[3 * to] = neighbor.x;
          list.vectors[3 * to + 1] = neighbor.y;
          list.vectors[3 * to + 2] = neighbor.z;
        }
        ++to;
      }
    };
  });
  return list;
}

Nearest nearest_neighbors(const StructureBatch& batch, std::size_t k, double cutoff, Isa isa, unsigned threads,
                          Task& task) {
  Nearest nearest;
  nearest.counts = HeapArray<std::uint32_t>(batch.atoms());
  nearest.gaps = HeapArray<double>(batch.atoms());
  nearest.indices = HeapArray<std::uint32_t>(batch.atoms() * k);
  nearest.distances = HeapArray<double>(batch.atoms() * k);
  visit_environments(batch, {cutoff, k, 0, false}, isa, threads, task, [&]() -> EnvironmentVisitor {
    return [&](const Environment& e) {
      nearest.counts[e.atom] = static_cast<std::uint32_t>(e.count);
      nearest.gaps[e.atom] = e.gap;
      const std::size_t row = std::size_t{e.atom} * k;
      for (std::size_t n = 0; n < k; ++n) {
        const bool there = n < e.neighbors.size();
        nearest.indices[row + n] = there ? e.neighbors[n].atom : std::numeric_limits<std::uint32_t>::max();
        nearest.distances[row + n] =
            there ? std::sqrt(e.neighbors[n].squared) : std::numeric_limits<double>::infinity();
      }
    };
  });
  return nearest;
}

}  // namespace surprisal
