// Visits the neighbourhood of every atom, on all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "cell_grid.h"
#include "cpu.h"
#include "structure_batch.h"
#include "task.h"

namespace surprisal {

/// Atoms this near (Å) are the same atom twice: no two are nearer than 0.1 Å, and a file that holds an atom and its image
/// rounds either to about this.
constexpr double coincidence = 1e-8;

/// From an atom to a neighbour, Å.
struct Displacement {
  double x, y, z;
};

/// One atom and its neighbours, sorted by distance, then atom, then shift. It is good until the next is looked for.
struct Environment {
  std::uint32_t atom;            // of the batch
  std::size_t row;               // where what is made of it belongs: the atom, or the place in a part of a frame
  std::size_t shown;             // neighbours that were asked for
  std::size_t count;             // all within the cutoff
  double gap;                    // r_{k+1} − r_k in Å, infinity where there are no more than k
  const double* squared;         // (shown) Å²
  const std::uint32_t* hits;     // (shown) which candidates these are
  const Surroundings* around;
  double x, y, z;                // of the atom, as given

  Displacement displacement(std::size_t neighbor) const {
    const Candidates& c = around->candidates;
    const std::size_t i = hits[neighbor];
    return {(c.x[i] - x) + c.tx[i], (c.y[i] - y) + c.ty[i], (c.z[i] - z) + c.tz[i]};
  }

  /// Atom of the batch.
  std::uint32_t neighbor(std::size_t neighbor) const { return around->atoms.get()[hits[neighbor]]; }
};

/// Which neighbours a visitor wants to see.
struct EnvironmentRequest {
  double cutoff;          // Å: neighbours are nearer than this
  std::size_t nearest;    // k; every neighbour within the cutoff where it is 0
  double tie_tolerance;   // Å: those within this of the k-th are seen too
  bool count_only;        // none is shown, only how many there are
};

/// Something that looks at environments. As many are made as threads work at once, each used by one of them at a time.
using EnvironmentVisitor = std::function<void(const Environment&)>;

/// Calls a visitor made by `make_visitor` for every atom of the batch. Units of work: atoms.
/// Throws Error INVALID_CELL, INVALID_POSITIONS, COINCIDENT_ATOMS, ABORTED.
void visit_environments(const StructureBatch& batch, const EnvironmentRequest& request, Isa isa, unsigned threads,
                        Task& task, const std::function<EnvironmentVisitor()>& make_visitor);

/// The same for some atoms of a frame whose grid is there already: those at places `first` to `end` (exclusive) of the
/// grid's order. Rows count from `first`.
void visit_places(const StructureBatch& batch, const CellGrid& grid, std::size_t first, std::size_t end,
                  const EnvironmentRequest& request, Isa isa, unsigned threads, Task& task,
                  const std::function<EnvironmentVisitor()>& make_visitor);

/// COINCIDENT_ATOMS in the words of a person; atoms of the batch.
Error coincident_atoms(const StructureBatch& batch, std::uint32_t a, std::uint32_t b);

}  // namespace surprisal
