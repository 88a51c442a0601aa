// Atoms of one frame sorted into bins, for any cell and any mix of periodic axes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "environment_loops.h"
#include "structure_batch.h"

namespace surprisal {

/// What lies around one bin: every atom image that can be within the cutoff of an atom of that bin.
struct Surroundings {
  std::vector<double> x, y, z;          // padded to a multiple of environment_lanes
  std::vector<double> squared;          // room for their distances
  std::vector<std::uint32_t> atom;      // place in the grid's order
  std::vector<std::int32_t> image;      // (count×3) translation, in vectors of the grid's basis
  std::size_t count = 0;
};

/// A linked-cell grid. Linear in the number of atoms: only occupied bins exist, so a fragment far away costs nothing.
///
/// The periodic cell vectors are first made short (pairwise reduction), so that a skewed description of a lattice costs
/// as much as a compact one. An axis that is not periodic runs along a unit vector perpendicular to the periodic ones.
class CellGrid {
 public:
  /// Throws Error INVALID_CELL if periodic vectors are zero or linearly dependent.
  CellGrid(const StructureBatch& batch, std::size_t frame, double cutoff);

  std::size_t bins() const { return bin_starts_.size() - 1; }
  std::size_t bin_start(std::size_t bin) const { return bin_starts_[bin]; }
  std::size_t bin_end(std::size_t bin) const { return bin_starts_[bin + 1]; }
  std::size_t atoms() const { return order_.size(); }

  /// Atom of the batch at a place in the grid's order.
  std::uint32_t atom(std::size_t place) const { return first_atom_ + order_[place]; }
  double x(std::size_t place) const { return wrapped_[3 * place]; }
  double y(std::size_t place) const { return wrapped_[3 * place + 1]; }
  double z(std::size_t place) const { return wrapped_[3 * place + 2]; }

  void surroundings(std::size_t bin, Surroundings& out) const;

  /// Translation of the image of atom `to` that is a neighbour of `from`, in vectors of the cell as it was given and for
  /// positions as they were given.
  void given_shift(std::size_t from, std::size_t to, const std::int32_t* image, std::int32_t* shift) const;

 private:
  struct Bin {
    std::int64_t at[3];
  };

  void reduce_basis(const double* cell, std::size_t frame);
  void invert_basis();
  std::uint64_t key(const std::int64_t* at) const;

  std::uint32_t first_atom_;
  bool periodic_[3];
  double basis_[9];                // rows; periodic rows are reduced cell vectors
  double inverse_[9];              // fractional = position · inverse
  std::int32_t given_[9];          // reduced periodic row i = Σ_j given_[3i+j] · cell row j
  std::int64_t bin_count_[3];
  std::int64_t reach_[3];          // bins to either side that the cutoff spans

  std::vector<std::uint32_t> order_;     // (atoms) frame's atom at each place
  std::vector<double> wrapped_;          // (atoms×3) in the grid's order, inside the cell along periodic axes
  std::vector<std::int32_t> wraps_;      // (atoms×3) wrapped = given + Σ wraps · basis
  std::vector<std::size_t> bin_starts_;  // (bins+1)
  std::vector<Bin> bin_places_;
  std::unordered_map<std::uint64_t, std::uint32_t> bin_of_key_;
};

}  // namespace surprisal
