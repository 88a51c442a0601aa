#include "cell_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "task.h"

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

// How often a long loop looks whether it should stop.
constexpr std::size_t atoms_between_looks = 65536;

// Images of a cell within the cutoff, at the most: more than any crystal has, few enough to be looked at.
constexpr double most_images = 1e7;

Error invalid_cell(std::size_t frame, const std::string& problem) {
  return Error("INVALID_CELL", "structure " + std::to_string(frame + 1) + ": " + problem);
}

}  // namespace

CellGrid::CellGrid(const StructureBatch& batch, std::size_t frame, double cutoff, const Task& task)
    : first_atom_(batch.offsets[frame]), frame_(frame), positions_(batch.positions + 3 * std::size_t{first_atom_}) {
  const std::size_t atoms = batch.offsets[frame + 1] - first_atom_;
  for (int i = 0; i < 9; ++i) {
    periodic_[i / 3] = batch.pbc[3 * frame + i / 3] != 0;
    cell_[i] = periodic_[i / 3] ? batch.cells[9 * frame + i] : 0;
  }
  reduce_basis(frame);
  complete_basis();
  invert_basis();

  // Fractional coordinates, inside [0, 1) along periodic axes; along the others lengths in Å.
  std::vector<double> fractional(3 * atoms);
  std::vector<std::int64_t> wraps(3 * atoms);
  double low[3], high[3];
  for (int axis = 0; axis < 3; ++axis) {
    low[axis] = std::numeric_limits<double>::infinity();
    high[axis] = -low[axis];
  }
  double largest = 0;
  for (std::size_t i = 0; i < atoms; ++i) {
    if (i % atoms_between_looks == 0) task.throw_if_stopped();
    const double* const r = positions_ + 3 * i;
    largest = std::max({largest, std::abs(r[0]), std::abs(r[1]), std::abs(r[2])});
    for (int axis = 0; axis < 3; ++axis) {
      double f = r[0] * inverse_[axis] + r[1] * inverse_[3 + axis] + r[2] * inverse_[6 + axis];
      const double cells = std::floor(f);
      // Written so that NaN fails it too.
      if (!(std::abs(f) < 1e15) || (periodic_[axis] && !(std::abs(cells) <= std::numeric_limits<std::int32_t>::max()))) {
        throw Error("INVALID_POSITIONS", "atom " + std::to_string(i + 1) + " of structure " + std::to_string(frame + 1) +
                                             " lies too far away to be placed; correct its coordinates");
      }
      if (periodic_[axis]) {
        wraps[3 * i + axis] = -static_cast<std::int64_t>(cells);
        f -= cells;
      }
      fractional[3 * i + axis] = f;
      low[axis] = std::min(low[axis], f);
      high[axis] = std::max(high[axis], f);
    }
  }

  reach_distance_ = cutoff * (1 + 1e-9) + largest * rounding;
  double images = 1;
  double bins_per_unit[3];
  for (int axis = 0; axis < 3; ++axis) {
    if (periodic_[axis]) {
      const double* const column = inverse_ + axis;  // its length is 1 / (distance between the faces)
      const double height = 1 / std::sqrt(column[0] * column[0] + column[3] * column[3] + column[6] * column[6]);
      const double count = std::clamp(std::floor(height / reach_distance_), 1.0, most_bins);
      const double reach = std::ceil(reach_distance_ * count / height);
      images *= 2 * reach + 1;
      if (!(images < most_images)) {
        throw invalid_cell(frame, "the cell is so thin that the cutoff of " + std::to_string(cutoff) +
                                      " Å spans more than " + std::to_string(static_cast<long>(most_images)) +
                                      " images of it");
      }
      bin_count_[axis] = static_cast<std::int64_t>(count);
      reach_[axis] = static_cast<std::int64_t>(reach);
      bins_per_unit[axis] = count;
    } else {
      const double extent = atoms == 0 ? 0 : high[axis] - low[axis];
      const double width = std::max(reach_distance_, extent / (most_bins - 1));
      bin_count_[axis] = static_cast<std::int64_t>(std::floor(extent / width)) + 1;
      reach_[axis] = 1;
      bins_per_unit[axis] = 1 / width;
    }
  }

  std::vector<std::pair<Key, std::uint32_t>> keys(atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    std::int64_t at[3];
    for (int axis = 0; axis < 3; ++axis) {
      const double f = fractional[3 * i + axis] - (periodic_[axis] ? 0 : low[axis]);
      const auto bin = static_cast<std::int64_t>(f * bins_per_unit[axis]);
      at[axis] = std::clamp<std::int64_t>(bin, 0, bin_count_[axis] - 1);
    }
    keys[i] = {key(at), static_cast<std::uint32_t>(i)};
  }
  task.throw_if_stopped();
  std::sort(keys.begin(), keys.end());

  order_.resize(atoms);
  wrapped_.resize(3 * atoms);
  wraps_.resize(3 * atoms);
  for (std::size_t place = 0; place < atoms; ++place) {
    if (place % atoms_between_looks == 0) task.throw_if_stopped();
    const std::size_t i = keys[place].second;
    order_[place] = keys[place].second;
    for (int component = 0; component < 3; ++component) {
      double r = positions_[3 * i + component];
      for (int axis = 0; axis < 3; ++axis) {
        const std::int64_t cells = wraps[3 * i + axis];
        if (cells != 0) r += static_cast<double>(cells) * basis_[3 * axis + component];
      }
      wrapped_[3 * place + component] = r;
      wraps_[3 * place + component] = wraps[3 * i + component];
    }
    if (place == 0 || keys[place].first != keys[place - 1].first) {
      const Key k = keys[place].first;
      bin_of_key_.emplace(k, static_cast<std::uint32_t>(bin_starts_.size()));
      bin_starts_.push_back(place);
      const auto nx = static_cast<Key>(bin_count_[0]);
      const auto ny = static_cast<Key>(bin_count_[1]);
      bin_places_.push_back({{static_cast<std::int64_t>(k % nx), static_cast<std::int64_t>(k / nx % ny),
                              static_cast<std::int64_t>(k / nx / ny)}});
    }
  }
  bin_starts_.push_back(atoms);
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

CellGrid::Key CellGrid::key(const std::int64_t* at) const {
  return (static_cast<Key>(at[2]) * static_cast<Key>(bin_count_[1]) + static_cast<Key>(at[1])) *
             static_cast<Key>(bin_count_[0]) +
         static_cast<Key>(at[0]);
}

std::size_t CellGrid::bin_of(std::size_t place) const {
  const auto after = std::upper_bound(bin_starts_.begin(), bin_starts_.end(), place);
  return static_cast<std::size_t>(after - bin_starts_.begin()) - 1;
}

void CellGrid::surroundings(std::size_t bin, const Task& task, Surroundings& out) const {
  out.atom.clear();
  out.image.clear();
  out.x.clear();
  out.y.clear();
  out.z.clear();
  const std::int64_t* const here = bin_places_[bin].at;
  std::int64_t at[3];
  std::int64_t image[3];
  // Where bin here + step of an axis lies, and in which image; false where the axis ends before.
  const auto place = [&](int axis, std::int64_t step) {
    const std::int64_t n = bin_count_[axis];
    const std::int64_t target = here[axis] + step;
    image[axis] = 0;
    at[axis] = target;
    if (target >= 0 && target < n) return true;
    if (!periodic_[axis]) return false;
    image[axis] = target >= 0 ? target / n : -((-target + n - 1) / n);
    at[axis] = target - image[axis] * n;
    return true;
  };
  for (std::int64_t c = -reach_[2]; c <= reach_[2]; ++c) {
    if (!place(2, c)) continue;
    for (std::int64_t b = -reach_[1]; b <= reach_[1]; ++b) {
      if (!place(1, b)) continue;
      task.throw_if_stopped();
      for (std::int64_t a = -reach_[0]; a <= reach_[0]; ++a) {
        if (!place(0, a)) continue;
        const auto found = bin_of_key_.find(key(at));
        if (found == bin_of_key_.end()) continue;
        double shift[3] = {0, 0, 0};
        for (int axis = 0; axis < 3; ++axis) {
          for (int i = 0; i < 3; ++i) shift[i] += static_cast<double>(image[axis]) * basis_[3 * axis + i];
        }
        for (std::size_t p = bin_starts_[found->second]; p < bin_starts_[found->second + 1]; ++p) {
          out.x.push_back(wrapped_[3 * p] + shift[0]);
          out.y.push_back(wrapped_[3 * p + 1] + shift[1]);
          out.z.push_back(wrapped_[3 * p + 2] + shift[2]);
          out.atom.push_back(static_cast<std::uint32_t>(p));
          for (int axis = 0; axis < 3; ++axis) out.image.push_back(image[axis]);
        }
      }
    }
  }
  out.count = out.atom.size();
  const std::size_t padded = (out.count + environment_lanes - 1) / environment_lanes * environment_lanes;
  const double far = std::numeric_limits<double>::infinity();
  out.x.resize(padded, far);
  out.y.resize(padded, far);
  out.z.resize(padded, far);
  out.squared.resize(padded);
}

Displacement CellGrid::displacement(std::size_t from, std::size_t to, const std::int64_t* image) const {
  Displacement d;
  double shift[3];
  for (int i = 0; i < 3; ++i) {
    __int128 cells = 0;
    for (int axis = 0; axis < 3; ++axis) {
      cells += static_cast<__int128>(image[axis] + wraps_[3 * to + axis] - wraps_[3 * from + axis]) * given_[3 * axis + i];
    }
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    if (cells > most || cells < -most) {
      throw Error("INVALID_POSITIONS", "atoms of structure " + std::to_string(frame_ + 1) +
                                           " lie more than 2^31 cells apart; bring them into the cell");
    }
    d.shift[i] = static_cast<std::int32_t>(cells);
    shift[i] = static_cast<double>(cells);
  }
  const double* const a = positions_ + 3 * std::size_t{order_[from]};
  const double* const b = positions_ + 3 * std::size_t{order_[to]};
  double r[3];
  for (int i = 0; i < 3; ++i) {
    r[i] = (b[i] - a[i]) + (shift[0] * cell_[i] + shift[1] * cell_[3 + i] + shift[2] * cell_[6 + i]);
  }
  d.x = r[0];
  d.y = r[1];
  d.z = r[2];
  d.squared = d.x * d.x + d.y * d.y + d.z * d.z;
  return d;
}

}  // namespace surprisal
