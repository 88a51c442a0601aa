#include "neighbors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>

namespace surprisal {
namespace {

// The pairs of one run of atoms, until it is known where they belong.
struct Piece {
  std::vector<std::uint32_t> atoms;
  std::vector<std::size_t> counts;
  std::vector<Neighbor> pairs;
};

}  // namespace

NeighborList neighbor_list(const StructureBatch& batch, double cutoff, bool vectors, Isa isa, unsigned threads,
                           Task& task) {
  std::mutex mutex;
  std::vector<std::unique_ptr<Piece>> pieces;
  visit_environments(batch, {cutoff, 0, 0}, isa, threads, task, [&]() -> EnvironmentVisitor {
    auto owned = std::make_unique<Piece>();
    Piece* const piece = owned.get();
    {
      const std::lock_guard<std::mutex> lock(mutex);
      pieces.push_back(std::move(owned));
    }
    return [piece](const Environment& e) {
      piece->atoms.push_back(e.atom);
      piece->counts.push_back(e.neighbors.size());
      piece->pairs.insert(piece->pairs.end(), e.neighbors.begin(), e.neighbors.end());
    };
  });

  NeighborList list;
  list.offsets.assign(batch.atoms() + 1, 0);
  for (const auto& piece : pieces) {
    for (std::size_t i = 0; i < piece->atoms.size(); ++i) {
      list.offsets[piece->atoms[i] + std::size_t{1}] = static_cast<double>(piece->counts[i]);
    }
  }
  for (std::size_t atom = 0; atom < batch.atoms(); ++atom) list.offsets[atom + 1] += list.offsets[atom];
  const auto pairs = static_cast<std::size_t>(list.offsets.back());
  list.indices.resize(pairs);
  list.shifts.resize(3 * pairs);
  list.distances.resize(pairs);
  if (vectors) list.vectors.resize(3 * pairs);
  for (auto& piece : pieces) {
    const Neighbor* from = piece->pairs.data();
    for (std::size_t i = 0; i < piece->atoms.size(); ++i) {
      auto to = static_cast<std::size_t>(list.offsets[piece->atoms[i]]);
      for (std::size_t n = 0; n < piece->counts[i]; ++n, ++to, ++from) {
        list.indices[to] = from->atom;
        std::copy(from->shift, from->shift + 3, &list.shifts[3 * to]);
        list.distances[to] = std::sqrt(from->squared);
        if (!vectors) continue;
        list.vectors[3 * to] = from->x;
        list.vectors[3 * to + 1] = from->y;
        list.vectors[3 * to + 2] = from->z;
      }
    }
    piece.reset();  // a list may fill half of the memory: do not hold it twice
  }
  return list;
}

Nearest nearest_neighbors(const StructureBatch& batch, std::size_t k, double cutoff, Isa isa, unsigned threads,
                          Task& task) {
  Nearest nearest;
  nearest.counts.resize(batch.atoms());
  nearest.gaps.resize(batch.atoms());
  nearest.indices.assign(batch.atoms() * k, std::numeric_limits<std::uint32_t>::max());
  nearest.distances.assign(batch.atoms() * k, std::numeric_limits<double>::infinity());
  visit_environments(batch, {cutoff, k, 0}, isa, threads, task, [&]() -> EnvironmentVisitor {
    return [&](const Environment& e) {
      nearest.counts[e.atom] = static_cast<std::uint32_t>(e.count);
      nearest.gaps[e.atom] = e.gap;
      const std::size_t row = std::size_t{e.atom} * k;
      for (std::size_t n = 0; n < std::min(k, e.neighbors.size()); ++n) {
        nearest.indices[row + n] = e.neighbors[n].atom;
        nearest.distances[row + n] = std::sqrt(e.neighbors[n].squared);
      }
    };
  });
  return nearest;
}

}  // namespace surprisal
