#include "cell_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "thread_pool.h"

namespace surprisal {
namespace {

double dot(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

void cross(const double* a, const double* b, double* out) {
  out[0] = a[1] * b[2] - a[2] * b[1];
  out[1] = a[2] * b[0] - a[0] * b[2];
  out[2] = a[0] * b[1] - a[1] * b[0];
}

// Volume of the unit vectors' parallelepiped (or area, or 1) below which periodic vectors count as dependent.
constexpr double flattest = 1e-9;

// Bins along an axis, at the most: three numbers of them fit a key.
constexpr double most_bins = 1099511627776.0;  // 2^40

// What rounding takes from a coordinate, relative to the largest.
constexpr double rounding = 1e-13;

// A lattice vector that holds another this often is a broken cell, not a skewed one.
constexpr double largest_multiple = 1e6;

// Shifts beyond this are not exact as float64.
constexpr double largest_shift = 4503599627370496.0;  // 2^52

// Atoms that a thread takes at once, and after which it looks whether it should stop.
constexpr std::size_t atoms_at_once = 16384;

// Images of a cell within the cutoff, at the most: more than any crystal has, few enough to be looked at.
constexpr double most_images = 1e7;

// Atoms in a bin, on average, that make looking for a bin worth its while; with more, finer bins leave less to look at.
constexpr double atoms_per_bin = 8;
constexpr double most_bins_per_cutoff = 4;

// Without periodic axes, so few atoms need no bins.
constexpr std::size_t atoms_in_one_bin = 64;

// Bins that exist without holding an atom, for each atom, at the most; where there would be more, only occupied bins exist.
constexpr double empty_bins = 4;

Error invalid_cell(std::size_t frame, const std::string& problem) {
  return Error("INVALID_CELL", "structure " + std::to_string(frame + 1) + ": " + problem);
}

Error strayed(std::size_t frame, std::size_t atom) {
  return Error("INVALID_POSITIONS", "atom " + std::to_string(atom + 1) + " of structure " + std::to_string(frame + 1) +
                                        " lies too far away to be placed; correct its coordinates");
}

}  // namespace

void CellGrid::build(const StructureBatch& batch, std::size_t frame, double cutoff, unsigned threads, Task& task) {
  first_atom_ = batch.offsets[frame];
  frame_ = frame;
  atoms_ = batch.offsets[frame + 1] - first_atom_;
  positions_ = batch.positions + 3 * std::size_t{first_atom_};
  for (int i = 0; i < 9; ++i) {
    periodic_[i / 3] = batch.pbc[3 * frame + i / 3] != 0;
    cell_[i] = periodic_[i / 3] ? batch.cells[9 * frame + i] : 0;
  }
  reduce_basis(frame);
  complete_basis();
  invert_basis();
  wrap(threads, task);
  choose_bins(cutoff);
  sort_into_bins(threads, task);
  store_sorted(threads, task);
}

// Calls body(first, end) for runs of atoms, on all threads where there are several.
template <typename Body>
void CellGrid::for_atoms(unsigned threads, Task& task, const Body& body) const {
  const std::size_t runs = (atoms_ + atoms_at_once - 1) / atoms_at_once;
  const auto run = [&](std::size_t item) {
    task.throw_if_stopped();
    body(item * atoms_at_once, std::min(atoms_, (item + 1) * atoms_at_once));
  };
  if (runs == 1) {
    run(0);
  } else {
    parallel_for(runs, threads, task, run);
  }
}

// Fractional coordinates, inside [0, 1) along periodic axes; along the others lengths in Å.
void CellGrid::wrap(unsigned threads, Task& task) {
  double* const fractional = fractional_.at_least(3 * atoms_);
  std::int32_t* const wraps = wraps_.at_least(3 * atoms_);
  const std::size_t runs = (atoms_ + atoms_at_once - 1) / atoms_at_once;
  Extent* const extents = extents_.at_least(runs);
  for_atoms(threads, task, [&](std::size_t first, std::size_t end) {
    Extent extent;
    for (std::size_t i = first; i < end; ++i) {
      const double* const r = positions_ + 3 * i;
      for (int axis = 0; axis < 3; ++axis) {
        extent.largest = std::max(extent.largest, std::abs(r[axis]));
        double f = r[0] * inverse_[axis] + r[1] * inverse_[3 + axis] + r[2] * inverse_[6 + axis];
        // Written so that NaN fails it too.
        if (!(std::abs(f) < 1e15)) throw strayed(frame_, i);
        std::int32_t wrapped = 0;
        if (periodic_[axis]) {
          const double cells = std::floor(f);
          if (!(std::abs(cells) <= std::numeric_limits<std::int32_t>::max())) throw strayed(frame_, i);
          wrapped = -static_cast<std::int32_t>(cells);
          f -= cells;
        }
        wraps[3 * i + axis] = wrapped;
        fractional[3 * i + axis] = f;
        extent.low[axis] = std::min(extent.low[axis], f);
        extent.high[axis] = std::max(extent.high[axis], f);
      }
    }
    extents[first / atoms_at_once] = extent;
  });
  extent_ = Extent();
  for (std::size_t run = 0; run < runs; ++run) {
    extent_.largest = std::max(extent_.largest, extents[run].largest);
    for (int axis = 0; axis < 3; ++axis) {
      extent_.low[axis] = std::min(extent_.low[axis], extents[run].low[axis]);
      extent_.high[axis] = std::max(extent_.high[axis], extents[run].high[axis]);
    }
  }
}

void CellGrid::choose_bins(double cutoff) {
  // The cutoff and a little more, so that rounding hides no neighbour.
  const double reach = cutoff * (1 + 1e-9) + extent_.largest * rounding;
  double heights[3];
  double normal[3];
  cross(basis_ + 3, basis_ + 6, normal);
  double cubes = std::abs(dot(basis_, normal));  // how many cubes as wide as the reach there are room for
  for (int axis = 0; axis < 3; ++axis) {
    if (periodic_[axis]) {
      const double* const column = inverse_ + axis;  // its length is 1 / (distance between the faces)
      heights[axis] = 1 / std::sqrt(column[0] * column[0] + column[3] * column[3] + column[6] * column[6]);
      cubes /= reach;
    } else {
      heights[axis] = atoms_ == 0 ? 0 : extent_.high[axis] - extent_.low[axis];
      cubes *= std::max(1.0, heights[axis] / reach);
    }
  }
  const double fineness =
      std::clamp(std::floor(std::cbrt(static_cast<double>(atoms_) / cubes / atoms_per_bin)), 1.0, most_bins_per_cutoff);

  double images = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (periodic_[axis]) {
      const double count = std::clamp(std::floor(fineness * heights[axis] / reach), 1.0, most_bins);
      const double spanned = std::ceil(reach * count / heights[axis]);
      images *= 2 * spanned + 1;
      if (!(images < most_images)) {
        throw invalid_cell(frame_, "the cell is so thin that the cutoff of " + std::to_string(cutoff) +
                                       " Å spans more than " + std::to_string(static_cast<long>(most_images)) +
                                       " images of it");
      }
      bin_count_[axis] = static_cast<std::int64_t>(count);
      reach_[axis] = static_cast<std::int64_t>(spanned);
      bins_per_unit_[axis] = count;
    } else if (atoms_ <= atoms_in_one_bin) {
      bin_count_[axis] = 1;
      reach_[axis] = 0;
      bins_per_unit_[axis] = 0;
    } else {
      const double width = std::max(reach / fineness, heights[axis] / (most_bins - 1));
      bin_count_[axis] = static_cast<std::int64_t>(std::floor(heights[axis] / width)) + 1;
      reach_[axis] = static_cast<std::int64_t>(fineness);
      bins_per_unit_[axis] = 1 / width;
    }
  }
  every_bin_ = static_cast<double>(bin_count_[0]) * static_cast<double>(bin_count_[1]) *
                   static_cast<double>(bin_count_[2]) <=
               empty_bins * static_cast<double>(atoms_) + 64;
}

CellGrid::Key CellGrid::key_of(std::size_t atom) const {
  std::int64_t at[3];
  for (int axis = 0; axis < 3; ++axis) {
    const double f = fractional_.get()[3 * atom + axis] - (periodic_[axis] ? 0 : extent_.low[axis]);
    const auto bin = static_cast<std::int64_t>(f * bins_per_unit_[axis]);
    at[axis] = std::clamp<std::int64_t>(bin, 0, bin_count_[axis] - 1);
  }
  return key(at[0], at[1], at[2]);
}

// Order within a bin is that of the frame.
void CellGrid::sort_into_bins(unsigned threads, Task& task) {
  std::uint32_t* const order = order_.at_least(atoms_);
  starts_.clear();
  keys_.clear();
  if (every_bin_) {
    std::uint32_t* const bins = bins_.at_least(atoms_);
    for_atoms(threads, task, [&](std::size_t first, std::size_t end) {
      for (std::size_t i = first; i < end; ++i) bins[i] = static_cast<std::uint32_t>(key_of(i));
    });
    const auto count = static_cast<std::size_t>(bin_count_[0] * bin_count_[1] * bin_count_[2]);
    // Shifted by one bin, so that counting, summing and filling leave the starts where they belong.
    starts_.assign(count + 2, 0);
    for (std::size_t i = 0; i < atoms_; ++i) ++starts_[bins[i] + std::size_t{2}];
    for (std::size_t bin = 0; bin < count; ++bin) starts_[bin + 2] += starts_[bin + 1];
    for (std::size_t i = 0; i < atoms_; ++i) order[starts_[bins[i] + std::size_t{1}]++] = static_cast<std::uint32_t>(i);
    starts_.pop_back();
    return;
  }
  std::vector<std::pair<Key, std::uint32_t>> sorted(atoms_);
  for_atoms(threads, task, [&](std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) sorted[i] = {key_of(i), static_cast<std::uint32_t>(i)};
  });
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t place = 0; place < atoms_; ++place) {
    order[place] = sorted[place].second;
    if (place != 0 && sorted[place].first == sorted[place - 1].first) continue;
    keys_.push_back(sorted[place].first);
    starts_.push_back(static_cast<std::uint32_t>(place));
  }
  starts_.push_back(static_cast<std::uint32_t>(atoms_));
}

void CellGrid::store_sorted(unsigned threads, Task& task) {
  // What is needed no more makes room for what comes; of millions of atoms both are much memory.
  const bool is_large = atoms_ > atoms_at_once;
  if (is_large) {
    fractional_ = Room<double>();
    bins_ = Room<std::uint32_t>();
  }
  stride_ = atoms_ + environment_lanes;
  double* const sorted = sorted_.at_least(6 * stride_);
  // Read, though not used, by loops that take several atoms at once.
  for (int i = 0; i < 6; ++i) std::fill_n(sorted + i * stride_ + atoms_, environment_lanes, 0.0);
  const std::uint32_t* const order = order_.get();
  const std::int32_t* const wraps = wraps_.get();
  for_atoms(threads, task, [&](std::size_t first, std::size_t end) {
    for (std::size_t place = first; place < end; ++place) {
      const std::size_t i = order[place];
      for (int component = 0; component < 3; ++component) {
        sorted[component * stride_ + place] = positions_[3 * i + component];
        __int128 cells = 0;
        for (int axis = 0; axis < 3; ++axis) {
          const std::int32_t wrapped = wraps[3 * i + axis];
          if (wrapped != 0) cells += static_cast<__int128>(wrapped) * given_[3 * axis + component];
        }
        const auto shift = static_cast<double>(cells);
        if (!(std::abs(shift) < largest_shift)) throw strayed(frame_, i);
        sorted[(3 + component) * stride_ + place] = shift;
      }
    }
  });
  if (is_large) wraps_ = Room<std::int32_t>();
}

// Subtracts multiples of the basis vectors from the one along `axis`, if that makes it shorter.
bool CellGrid::shorten(int axis, const double* times, std::size_t frame) {
  double shortened[3];
  double* const u = basis_ + 3 * axis;
  for (int i = 0; i < 3; ++i) {
    shortened[i] = u[i];
    for (int other = 0; other < 3; ++other) {
      if (times[other] != 0) shortened[i] -= times[other] * basis_[3 * other + i];
    }
  }
  const double before = dot(u, u);
  const double after = dot(shortened, shortened);
  // Rounding alone must not look like progress, or the reduction would not end.
  if (!(after < before * (1 - 1e-12))) return false;
  if (!(after > flattest * flattest * before)) {
    throw invalid_cell(frame, "the periodic cell vectors are linearly dependent (the cell has no volume)");
  }
  for (int i = 0; i < 3; ++i) {
    u[i] = shortened[i];
    for (int other = 0; other < 3; ++other) {
      if (std::abs(times[other]) > largest_multiple) {
        throw invalid_cell(frame, "the periodic cell vectors are linearly dependent (the cell has no volume)");
      }
      given_[3 * axis + i] -= static_cast<std::int64_t>(times[other]) * given_[3 * other + i];
      if (std::abs(given_[3 * axis + i]) > std::int64_t{1} << 31) {
        throw invalid_cell(frame, "the cell is too skewed; describe the lattice by shorter vectors");
      }
    }
  }
  return true;
}

// Replaces periodic vectors by shorter ones of the same lattice until none gets shorter: by the nearest multiple of one
// other (Lagrange and Gauss), or by one of each of two others (which pairs alone do not find).
void CellGrid::reduce_basis(std::size_t frame) {
  for (int i = 0; i < 9; ++i) {
    basis_[i] = cell_[i];
    given_[i] = i % 4 == 0 && periodic_[i / 3] ? 1 : 0;
  }
  for (int axis = 0; axis < 3; ++axis) {
    if (periodic_[axis] && !(dot(basis_ + 3 * axis, basis_ + 3 * axis) > 0)) {
      throw invalid_cell(frame, std::string("axis ") + "abc"[axis] + " is periodic but has no cell vector");
    }
  }
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (int axis = 0; axis < 3; ++axis) {
      if (!periodic_[axis]) continue;
      const int others[2] = {(axis + 1) % 3, (axis + 2) % 3};
      for (const int other : others) {
        if (!periodic_[other]) continue;
        const double* const v = basis_ + 3 * other;
        double times[3] = {0, 0, 0};
        times[other] = std::nearbyint(dot(basis_ + 3 * axis, v) / dot(v, v));
        if (times[other] != 0 && shorten(axis, times, frame)) shorter = true;
      }
      if (!periodic_[others[0]] || !periodic_[others[1]]) continue;
      for (const double first : {1.0, -1.0}) {
        for (const double second : {1.0, -1.0}) {
          double times[3] = {0, 0, 0};
          times[others[0]] = first;
          times[others[1]] = second;
          if (shorten(axis, times, frame)) shorter = true;
        }
      }
    }
  }
}

// Unit vectors, perpendicular to the periodic ones and to each other, for the axes that are not periodic.
void CellGrid::complete_basis() {
  for (int a = 0; a < 3; ++a) {
    if (periodic_[a]) continue;
    double* const u = basis_ + 3 * a;
    const double* const v = basis_ + 3 * ((a + 1) % 3);
    const double* const w = basis_ + 3 * ((a + 2) % 3);
    cross(v, w, u);
    if (!(dot(u, u) > 0)) {
      // Fewer than two others are there yet: take the coordinate axis along which the one that is extends least.
      const double* const there = dot(v, v) > 0 ? v : w;
      if (dot(there, there) > 0) {
        int flat = 0;
        for (int i = 1; i < 3; ++i) {
          if (std::abs(there[i]) < std::abs(there[flat])) flat = i;
        }
        double axis[3] = {0, 0, 0};
        axis[flat] = 1;
        cross(there, axis, u);
      } else {
        u[0] = a == 0;
        u[1] = a == 1;
        u[2] = a == 2;
      }
    }
    const double length = std::sqrt(dot(u, u));
    for (int i = 0; i < 3; ++i) u[i] /= length;
  }
  double normal[3];
  cross(basis_ + 3, basis_ + 6, normal);
  const double lengths = std::sqrt(dot(basis_, basis_) * dot(basis_ + 3, basis_ + 3) * dot(basis_ + 6, basis_ + 6));
  if (!(std::abs(dot(basis_, normal)) > flattest * lengths)) {
    throw invalid_cell(frame_, "the periodic cell vectors are linearly dependent (the cell has no volume)");
  }
}

void CellGrid::invert_basis() {
  double rows[9];
  cross(basis_ + 3, basis_ + 6, rows);
  cross(basis_ + 6, basis_, rows + 3);
  cross(basis_, basis_ + 3, rows + 6);
  const double volume = dot(basis_, rows);
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) inverse_[3 * j + i] = rows[3 * i + j] / volume;
  }
}

CellGrid::Key CellGrid::key(std::int64_t a, std::int64_t b, std::int64_t c) const {
  return (static_cast<Key>(c) * static_cast<Key>(bin_count_[1]) + static_cast<Key>(b)) * static_cast<Key>(bin_count_[0]) +
         static_cast<Key>(a);
}

std::size_t CellGrid::bin_of(std::size_t place) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), place);
  return static_cast<std::size_t>(after - starts_.begin()) - 1;
}

// Neighbouring bins along the first axis lie side by side.
CellGrid::Places CellGrid::places(std::int64_t first, std::int64_t last, std::int64_t b, std::int64_t c) const {
  const Key from = key(first, b, c);
  const Key to = from + static_cast<Key>(last - first);
  if (every_bin_) return {starts_[static_cast<std::size_t>(from)], starts_[static_cast<std::size_t>(to) + 1]};
  const auto begin = std::lower_bound(keys_.begin(), keys_.end(), from);
  const auto end = std::upper_bound(begin, keys_.end(), to);
  return {starts_[static_cast<std::size_t>(begin - keys_.begin())], starts_[static_cast<std::size_t>(end - keys_.begin())]};
}

void CellGrid::surroundings(std::size_t bin, const EnvironmentLoops& loops, const Task& task, Surroundings& out) const {
  const Key here = every_bin_ ? static_cast<Key>(bin) : keys_[bin];
  const auto nx = static_cast<Key>(bin_count_[0]);
  const auto ny = static_cast<Key>(bin_count_[1]);
  const std::int64_t at[3] = {static_cast<std::int64_t>(here % nx), static_cast<std::int64_t>(here / nx % ny),
                              static_cast<std::int64_t>(here / nx / ny)};
  std::vector<Surroundings::Run>& runs = out.runs;
  runs.clear();
  std::size_t count = 0;
  out.own = 0;
  // The bins `first` to `last` along an axis that lie in one image: how many of them, and in which image.
  const auto stretch = [&](int axis, std::int64_t first, std::int64_t last, std::int64_t& image) {
    const std::int64_t n = bin_count_[axis];
    image = periodic_[axis] ? (first >= 0 ? first / n : -((-first + n - 1) / n)) : 0;
    return std::min(last, (image + 1) * n - 1) - first + 1;
  };
  // Where an axis is not periodic there is nothing beyond its ends.
  const auto low = [&](int axis) {
    return periodic_[axis] ? at[axis] - reach_[axis] : std::max<std::int64_t>(0, at[axis] - reach_[axis]);
  };
  const auto high = [&](int axis) {
    return periodic_[axis] ? at[axis] + reach_[axis] : std::min(bin_count_[axis] - 1, at[axis] + reach_[axis]);
  };
  std::int64_t image[3];
  for (std::int64_t c = low(2); c <= high(2); ++c) {
    stretch(2, c, c, image[2]);
    for (std::int64_t b = low(1); b <= high(1); ++b) {
      task.throw_if_stopped();
      stretch(1, b, b, image[1]);
      for (std::int64_t a = low(0), length = 0; a <= high(0); a += length) {
        length = stretch(0, a, high(0), image[0]);
        const std::int64_t first = a - image[0] * bin_count_[0];
        const Places found = places(first, first + length - 1, b - image[1] * bin_count_[1], c - image[2] * bin_count_[2]);
        if (found.first == found.end) continue;
        Surroundings::Run run{found.first, found.end - found.first, count, {}};
        for (int i = 0; i < 3; ++i) {
          __int128 cells = 0;
          for (int axis = 0; axis < 3; ++axis) cells += static_cast<__int128>(image[axis]) * given_[3 * axis + i];
          run.shift[i] = static_cast<double>(cells);
          if (!(std::abs(run.shift[i]) < largest_shift)) {
            throw invalid_cell(frame_, "the cell is too skewed; describe the lattice by shorter vectors");
          }
        }
        const bool home = image[0] == 0 && image[1] == 0 && image[2] == 0;
        if (home && found.first <= starts_[bin] && starts_[bin] < found.end) out.own = count + starts_[bin] - found.first;
        count += run.count;
        runs.push_back(run);
      }
    }
  }

  Candidates& candidates = out.candidates;
  const std::size_t room = (count + 2 * environment_lanes) / environment_lanes * environment_lanes;
  double* next = out.numbers.at_least(9 * room);
  for (double** array : {&candidates.x, &candidates.y, &candidates.z, &candidates.sx, &candidates.sy, &candidates.sz,
                         &candidates.tx, &candidates.ty, &candidates.tz}) {
    *array = next;
    next += room;
  }
  candidates.count = count;
  const double* const sorted = sorted_.get();
  const GridAtoms atoms{sorted,
                        sorted + stride_,
                        sorted + 2 * stride_,
                        sorted + 3 * stride_,
                        sorted + 4 * stride_,
                        sorted + 5 * stride_};
  std::uint32_t* const numbers = out.atoms.at_least(count);
  for (const Surroundings::Run& run : runs) {
    loops.gather(atoms, run.first, run.count, run.shift, run.at, candidates);
    for (std::size_t i = 0; i < run.count; ++i) numbers[run.at + i] = atom(run.first + i);
  }
  for (std::size_t i = count; i < candidates.padded(); ++i) {
    candidates.x[i] = std::numeric_limits<double>::infinity();
    candidates.y[i] = candidates.z[i] = candidates.sx[i] = candidates.sy[i] = candidates.sz[i] = 0;
  }
  out.seen_from[0] = std::numeric_limits<double>::quiet_NaN();
}

void CellGrid::see_from(std::size_t place, const EnvironmentLoops& loops, Surroundings& around) const {
  const double home[3] = {shift(place, 0), shift(place, 1), shift(place, 2)};
  if (std::equal(home, home + 3, around.seen_from)) return;
  std::copy(home, home + 3, around.seen_from);
  around.translated = loops.translate(home, cell_, around.candidates);
}

}  // namespace surprisal
