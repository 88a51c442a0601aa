// The QUESTS descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "environments.h"

namespace surprisal {

struct QuestsOptions {
  std::size_t k;         // neighbours, 1 or more
  double cutoff;         // r_c, Å
  double tie_tolerance;  // τ, Å
  bool x1;
  bool x2;

  std::size_t columns() const { return (x1 ? k : 0) + (x2 ? k - 1 : 0); }
};

/// Writes [X1 | X2] of every atom: out (atoms×columns) row-major, 1/Å.
///
///     X1_j = w(r_ij)/r_ij,   w(r) = (1 − (r/r_c)²)²
///     X2_m = (1/k) Σ_j  m-th largest of { √(w_ij w_il)/r_jl : l ≠ j }
///
/// over the k nearest neighbours; zeros where there are fewer. Where the k-th and the (k+1)-th lie within τ of each other,
/// X2 is the mean over every way to choose among those within τ of the k-th.
/// Throws Error INVALID_CELL, INVALID_POSITIONS, COINCIDENT_ATOMS, ABORTED.
template <typename T>
void quests_descriptors(const StructureBatch& batch, const QuestsOptions& options, Isa isa, unsigned threads, Task& task,
                        T* out);

/// One structure to be described a part at a time: its atoms are sorted for the neighbour search once.
class QuestsFrame {
 public:
  /// The batch holds one structure, and outlives this.
  QuestsFrame(const StructureBatch& batch, const QuestsOptions& options) : batch_(batch), options_(options) {}

  /// Describes the atoms at places `first` to `end` (exclusive) of the order in which they were sorted, as
  /// quests_descriptors does: out ((end−first)×columns), and which atoms these are. Not for several threads at a time.
  /// Throws what quests_descriptors throws.
  template <typename T>
  void describe(std::size_t first, std::size_t end, Isa isa, unsigned threads, Task& task, T* out,
                std::uint32_t* atoms);

 private:
  StructureBatch batch_;
  QuestsOptions options_;
  std::unique_ptr<CellGrid> grid_;
};

}  // namespace surprisal
