// Atoms of one frame sorted into bins, for any cell and any mix of periodic axes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "environment_loops.h"
#include "heap_array.h"
#include "structure_batch.h"
#include "task.h"

namespace surprisal {

/// What lies around one bin: every atom image that can be within the cutoff of an atom of that bin. Made to be used again.
struct Surroundings {
  /// Atoms that stand side by side in the grid, all in one image.
  struct Run {
    std::size_t first;  // place in the grid's order
    std::size_t count;
    std::size_t at;     // the first of them among the candidates
    double shift[3];    // image, in vectors of the cell as given
  };

  Candidates candidates;
  std::vector<Run> runs;
  std::size_t own = 0;     // where the atoms of the bin itself begin among the candidates
  double seen_from[3];     // home image of the atom from which the translations lead; NaN where there is none yet
  bool translated = true;  // whether there is a translation that is not 0
  Room<std::uint32_t> atoms;  // of the batch, of which the candidates are images
  Room<double> numbers;       // what the candidates are kept in
};

/// A linked-cell grid. Linear in the number of atoms: where most bins would be empty, only occupied ones exist, so a
/// fragment far away costs nothing.
///
/// The periodic cell vectors are first made short (pairwise reduction), so that a skewed description of a lattice costs
/// as much as a compact one. An axis that is not periodic runs along a unit vector perpendicular to the periodic ones.
/// Bins only say which atoms to look at: what lies where is computed from positions and cell as they were given.
class CellGrid {
 public:
  /// Sorts the atoms of a frame; memory of the frame before is used again.
  /// Throws Error INVALID_CELL if periodic vectors are zero or linearly dependent, INVALID_POSITIONS, ABORTED.
  void build(const StructureBatch& batch, std::size_t frame, double cutoff, unsigned threads, Task& task);

  std::size_t atoms() const { return atoms_; }

  /// Where the atoms of a bin begin and end in the grid's order. A bin may be empty.
  std::size_t bin_start(std::size_t bin) const { return starts_[bin]; }
  std::size_t bin_end(std::size_t bin) const { return starts_[bin + 1]; }

  /// The bin that holds a place.
  std::size_t bin_of(std::size_t place) const;

  /// Atom of the batch at a place in the grid's order.
  std::uint32_t atom(std::size_t place) const { return first_atom_ + order_.get()[place]; }
  double x(std::size_t place) const { return sorted_.get()[place]; }
  double y(std::size_t place) const { return sorted_.get()[stride_ + place]; }
  double z(std::size_t place) const { return sorted_.get()[2 * stride_ + place]; }

  /// Home image of an atom along an axis of the cell as given: where its place inside the cell lies from its position.
  double shift(std::size_t place, int axis) const { return sorted_.get()[(3 + axis) * stride_ + place]; }

  /// Throws Error INVALID_CELL if the cell is skewed beyond all measure, ABORTED, std::bad_alloc.
  void surroundings(std::size_t bin, const EnvironmentLoops& loops, const Task& task, Surroundings& out) const;

  /// Makes the translations of surroundings those that lead from an atom.
  void see_from(std::size_t place, const EnvironmentLoops& loops, Surroundings& around) const;

 private:
  /// Numbers of the bins of three axes in one: up to 2^40 bins along each.
  using Key = unsigned __int128;

  struct Places {
    std::size_t first, end;
  };

  struct Extent {
    double low[3] = {infinity, infinity, infinity};  // of fractional coordinates
    double high[3] = {-infinity, -infinity, -infinity};
    double largest = 0;  // coordinate, Å
    static constexpr double infinity = std::numeric_limits<double>::infinity();
  };

  void reduce_basis(std::size_t frame);
  void complete_basis();
  bool shorten(int axis, const double* times, std::size_t frame);
  void invert_basis();
  void wrap(unsigned threads, Task& task);
  void choose_bins(double cutoff);
  void sort_into_bins(unsigned threads, Task& task);
  void store_sorted(unsigned threads, Task& task);
  template <typename Body>
  void for_atoms(unsigned threads, Task& task, const Body& body) const;
  Key key(std::int64_t a, std::int64_t b, std::int64_t c) const;
  Key key_of(std::size_t atom) const;
  Places places(std::int64_t first, std::int64_t last, std::int64_t b, std::int64_t c) const;

  std::uint32_t first_atom_ = 0;
  std::size_t frame_ = 0;
  std::size_t atoms_ = 0;
  const double* positions_ = nullptr;  // of the frame, as given
  bool periodic_[3];
  double cell_[9];                     // as given; 0 along axes that are not periodic
  double basis_[9];                    // rows; periodic rows are short lattice vectors
  double inverse_[9];                  // fractional = position · inverse
  std::int64_t given_[9];              // periodic row i of the basis = Σ_j given_[3i+j] · cell row j
  Extent extent_;
  std::int64_t bin_count_[3];
  std::int64_t reach_[3];              // bins to either side that the cutoff spans
  double bins_per_unit_[3];
  bool every_bin_ = false;             // whether empty bins exist too

  Room<double> fractional_;            // (atoms×3)
  Room<std::int32_t> wraps_;           // (atoms×3) in vectors of the basis
  Room<Extent> extents_;
  Room<std::uint32_t> bins_;           // (atoms)
  Room<std::uint32_t> order_;          // (atoms) frame's atom at each place
  std::vector<std::uint32_t> starts_;  // (bins+1)
  std::vector<Key> keys_;              // (bins) where only occupied ones exist
  Room<double> sorted_;                // (6×stride) x, y, z as given and home images, in the grid's order
  std::size_t stride_ = 0;
};

}  // namespace surprisal
