#include "neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace surprisal {
namespace {

// Which image of a neighbour it is, in vectors of the cell as given.
void write_shift(const Environment& e, std::size_t neighbor, std::int32_t* to) {
  const Candidates& c = e.around->candidates;
  const std::size_t i = e.hits[neighbor];
  const double* const home = e.around->seen_from;
  const double shift[3] = {c.sx[i] - home[0], c.sy[i] - home[1], c.sz[i] - home[2]};
  constexpr double most = std::numeric_limits<std::int32_t>::max();
  for (int axis = 0; axis < 3; ++axis) {
    if (!(std::abs(shift[axis]) <= most)) {
      throw Error("INVALID_POSITIONS", "some atoms lie more than 2^31 cells apart; bring them into the cell");
    }
    to[axis] = static_cast<std::int32_t>(shift[axis]);
  }
}

}  // namespace

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
      const auto first = static_cast<std::size_t>(list.offsets[e.atom]);
      if (e.shown != static_cast<std::size_t>(list.offsets[e.atom + std::size_t{1}]) - first) {
        throw Error("INVALID_POSITIONS", "positions in shared memory were changed while neighbours were sought");
      }
      for (std::size_t n = 0; n < e.shown; ++n) {
        list.indices[first + n] = e.neighbor(n);
        list.distances[first + n] = std::sqrt(e.squared[n]);
        write_shift(e, n, &list.shifts[3 * (first + n)]);
      }
      for (std::size_t n = 0; vectors && n < e.shown; ++n) {
        const Displacement d = e.displacement(n);
        double* const to = &list.vectors[3 * (first + n)];
        to[0] = d.x;
        to[1] = d.y;
        to[2] = d.z;
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
        const bool there = n < e.shown;
        nearest.indices[row + n] = there ? e.neighbor(n) : std::numeric_limits<std::uint32_t>::max();
        nearest.distances[row + n] = there ? std::sqrt(e.squared[n]) : std::numeric_limits<double>::infinity();
      }
    };
  });
  return nearest;
}

}  // namespace surprisal
