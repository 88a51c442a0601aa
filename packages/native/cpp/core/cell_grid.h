// Atoms of one frame sorted into bins, for any cell and any mix of periodic axes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "environment_loops.h"
#include "structure_batch.h"
#include "task.h"

namespace surprisal {

/// What lies around one bin: every atom image that can be within the cutoff of an atom of that bin.
struct Surroundings {
  std::vector<double> x, y, z;        // about where they lie; padded to a multiple of environment_lanes
  std::vector<double> squared;        // room for their distances
  std::vector<std::uint32_t> atom;    // place in the grid's order
  std::vector<std::int64_t> image;    // (count×3) translation, in vectors of the grid's basis
  std::size_t count = 0;
};

/// From one atom to an image of another.
struct Displacement {
  double x, y, z;         // Å
  double squared;         // Å²
  std::int32_t shift[3];  // image, in vectors of the cell as it was given
};

/// A linked-cell grid. Linear in the number of atoms: only occupied bins exist, so a fragment far away costs nothing.
///
/// The periodic cell vectors are first made short (pairwise reduction), so that a skewed description of a lattice costs
/// as much as a compact one. An axis that is not periodic runs along a unit vector perpendicular to the periodic ones.
class CellGrid {
 public:
  /// Throws Error INVALID_CELL if periodic vectors are zero or linearly dependent, INVALID_POSITIONS, ABORTED.
  CellGrid(const StructureBatch& batch, std::size_t frame, double cutoff, const Task& task);

  std::size_t bins() const { return bin_starts_.size() - 1; }
  std::size_t bin_start(std::size_t bin) const { return bin_starts_[bin]; }
  std::size_t bin_end(std::size_t bin) const { return bin_starts_[bin + 1]; }
  std::size_t atoms() const { return order_.size(); }

  /// Atom of the batch at a place in the grid's order.
  std::uint32_t atom(std::size_t place) const { return first_atom_ + order_[place]; }
  double x(std::size_t place) const { return wrapped_[3 * place]; }
  double y(std::size_t place) const { return wrapped_[3 * place + 1]; }
  double z(std::size_t place) const { return wrapped_[3 * place + 2]; }

  /// The bin that holds a place.
  std::size_t bin_of(std::size_t place) const;

  /// Throws Error ABORTED.
  void surroundings(std::size_t bin, const Task& task, Surroundings& out) const;

  /// Squared distance, with what rounding may add, at which a pair that the surroundings show may be within the cutoff.
  double squared_reach() const { return reach_distance_ * reach_distance_; }

  /// (r_to − r_from) + shift · cell, from positions and cell as they were given, so that neither bins nor wrapping leave a
  /// trace in the last digits and the way back is exactly the opposite. `from` and `to` are places.
  /// Throws Error INVALID_POSITIONS if the shift does not fit 32 bits.
  Displacement displacement(std::size_t from, std::size_t to, const std::int64_t* image) const;

 private:
  /// Numbers of the bins of three axes in one: up to 2^40 bins along each.
  using Key = unsigned __int128;

  struct KeyHash {
    std::size_t operator()(Key key) const {
      const std::uint64_t mixed = static_cast<std::uint64_t>(key) ^ (static_cast<std::uint64_t>(key >> 64) * 0x9e3779b97f4a7c15u);
      return static_cast<std::size_t>((mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93u);
    }
  };

  struct Bin {
    std::int64_t at[3];
  };

  void reduce_basis(std::size_t frame);
  void complete_basis();
  bool shorten(int axis, const double* times, std::size_t frame);
  void invert_basis();
  Key key(const std::int64_t* at) const;

  std::uint32_t first_atom_;
  std::size_t frame_;
  const double* positions_;          // of the frame, as given
  bool periodic_[3];
  double cell_[9];                   // as given; 0 along axes that are not periodic
  double basis_[9];                  // rows; periodic rows are short lattice vectors
  double inverse_[9];                // fractional = position · inverse
  std::int64_t given_[9];            // periodic row i of the basis = Σ_j given_[3i+j] · cell row j
  double reach_distance_;            // the cutoff and a little more, so that rounding hides no neighbour
  std::int64_t bin_count_[3];
  std::int64_t reach_[3];            // bins to either side that the cutoff spans

  std::vector<std::uint32_t> order_;     // (atoms) frame's atom at each place
  std::vector<double> wrapped_;          // (atoms×3) in the grid's order, inside the cell along periodic axes
  std::vector<std::int64_t> wraps_;      // (atoms×3) wrapped = given + Σ wraps · basis
  std::vector<std::size_t> bin_starts_;  // (bins+1)
  std::vector<Bin> bin_places_;
  std::unordered_map<Key, std::uint32_t, KeyHash> bin_of_key_;
};

}  // namespace surprisal
