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

// Bins along an axis, at the most: three of them fit a 64-bit key.
constexpr std::int64_t most_bins = std::int64_t{1} << 20;

// Images of a cell within the cutoff, at the most: more than any crystal has, few enough to be looked at.
constexpr double most_images = 1e7;

Error invalid_cell(std::size_t frame, const std::string& problem) {
  return Error("INVALID_CELL", "structure " + std::to_string(frame + 1) + ": " + problem);
}

}  // namespace

CellGrid::CellGrid(const StructureBatch& batch, std::size_t frame, double cutoff) : first_atom_(batch.offsets[frame]) {
  const std::size_t atoms = batch.offsets[frame + 1] - first_atom_;
  const double* const positions = batch.positions + 3 * std::size_t{first_atom_};
  for (int axis = 0; axis < 3; ++axis) periodic_[axis] = batch.pbc[3 * frame + axis] != 0;
  reduce_basis(batch.cells + 9 * frame, frame);
  invert_basis();

  // Fractional coordinates, inside [0, 1) along periodic axes; along the others lengths in Å from the lowest atom.
  std::vector<double> fractional(3 * atoms);
  double low[3], high[3];
  for (int axis = 0; axis < 3; ++axis) {
    low[axis] = std::numeric_limits<double>::infinity();
    high[axis] = -low[axis];
  }
  std::vector<std::int32_t> wraps(3 * atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    const double* const r = positions + 3 * i;
    for (int axis = 0; axis < 3; ++axis) {
      double f = r[0] * inverse_[axis] + r[1] * inverse_[3 + axis] + r[2] * inverse_[6 + axis];
      if (periodic_[axis]) {
        const double cells = std::floor(f);
        if (std::abs(cells) > std::numeric_limits<std::int32_t>::max()) {
          throw Error("INVALID_POSITIONS", "atom " + std::to_string(i + 1) + " of structure " + std::to_string(frame + 1) +
                                               " lies more than 2^31 cells away from the cell");
        }
        wraps[3 * i + axis] = -static_cast<std::int32_t>(cells);
        f -= cells;
      }
      fractional[3 * i + axis] = f;
      low[axis] = std::min(low[axis], f);
      high[axis] = std::max(high[axis], f);
    }
  }
  double images = 1;
  const double reach = cutoff * (1 + 1e-9);  // a little more, so that rounding cannot push a neighbour out of reach
  for (int axis = 0; axis < 3; ++axis) {
    const double* const column = inverse_ + axis;  // its length is 1 / (distance between the faces)
    const double height = 1 / std::sqrt(column[0] * column[0] + column[3] * column[3] + column[6] * column[6]);
    const double extent = periodic_[axis] ? height : (atoms == 0 ? 0 : high[axis] - low[axis]);
    bin_count_[axis] = static_cast<std::int64_t>(std::clamp(std::floor(extent / reach), 1.0, double(most_bins)));
    const double width = extent / static_cast<double>(bin_count_[axis]);
    // An axis that ends has at most one bin to either side; a periodic one may have to go round several times.
    const double bins = periodic_[axis] ? std::ceil(reach / width) : 1;
    images *= 2 * bins + 1;
    if (!(images < most_images)) {
      throw invalid_cell(frame, "the cell is so thin that the cutoff of " + std::to_string(cutoff) + " Å spans more than " +
                                    std::to_string(static_cast<long>(most_images)) + " images of it");
    }
    reach_[axis] = static_cast<std::int64_t>(bins);
  }

  std::vector<std::pair<std::uint64_t, std::uint32_t>> keys(atoms);
  for (std::size_t i = 0; i < atoms; ++i) {
    std::int64_t at[3];
    for (int axis = 0; axis < 3; ++axis) {
      const double extent = periodic_[axis] ? 1.0 : high[axis] - low[axis];
      const double f = periodic_[axis] ? fractional[3 * i + axis] : fractional[3 * i + axis] - low[axis];
      const double bin = extent > 0 ? std::floor(f / extent * static_cast<double>(bin_count_[axis])) : 0;
      at[axis] = std::clamp<std::int64_t>(static_cast<std::int64_t>(bin), 0, bin_count_[axis] - 1);
    }
    keys[i] = {key(at), static_cast<std::uint32_t>(i)};
  }
  std::sort(keys.begin(), keys.end());

  order_.resize(atoms);
  wrapped_.resize(3 * atoms);
  wraps_.resize(3 * atoms);
  for (std::size_t place = 0; place < atoms; ++place) {
    const std::uint32_t i = keys[place].second;
    order_[place] = i;
    for (int component = 0; component < 3; ++component) {
      double r = positions[3 * std::size_t{i} + component];
      for (int axis = 0; axis < 3; ++axis) {
        const std::int32_t cells = wraps[3 * std::size_t{i} + axis];
        if (cells != 0) r += cells * basis_[3 * axis + component];
      }
      wrapped_[3 * place + component] = r;
      wraps_[3 * place + component] = wraps[3 * std::size_t{i} + component];
    }
    if (place == 0 || keys[place].first != keys[place - 1].first) {
      const std::uint64_t k = keys[place].first;
      bin_of_key_.emplace(k, static_cast<std::uint32_t>(bin_starts_.size()));
      bin_starts_.push_back(place);
      const auto nx = static_cast<std::uint64_t>(bin_count_[0]);
      const auto ny = static_cast<std::uint64_t>(bin_count_[1]);
      bin_places_.push_back({{static_cast<std::int64_t>(k % nx), static_cast<std::int64_t>(k / nx % ny),
                              static_cast<std::int64_t>(k / nx / ny)}});
    }
  }
  bin_starts_.push_back(atoms);
}

void CellGrid::reduce_basis(const double* cell, std::size_t frame) {
  for (int i = 0; i < 9; ++i) {
    basis_[i] = periodic_[i / 3] ? cell[i] : 0;
    given_[i] = i % 4 == 0 && periodic_[i / 3] ? 1 : 0;
  }
  for (int a = 0; a < 3; ++a) {
    if (periodic_[a] && !(dot(basis_ + 3 * a, basis_ + 3 * a) > 0)) {
      throw invalid_cell(frame, std::string("axis ") + "abc"[a] + " is periodic but its cell vector is zero");
    }
  }
  // Subtract the nearest multiple of one vector from another as long as that makes it shorter.
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < 3; ++b) {
        if (a == b || !periodic_[a] || !periodic_[b]) continue;
        double* const u = basis_ + 3 * a;
        const double* const v = basis_ + 3 * b;
        const double multiple = std::nearbyint(dot(u, v) / dot(v, v));
        if (multiple == 0) continue;
        if (std::abs(multiple) > 1e6) throw invalid_cell(frame, "the periodic cell vectors are linearly dependent");
        const double before = dot(u, u);
        const double shortened[3] = {u[0] - multiple * v[0], u[1] - multiple * v[1], u[2] - multiple * v[2]};
        if (!(dot(shortened, shortened) < before * (1 - 1e-12))) continue;
        for (int i = 0; i < 3; ++i) {
          u[i] = shortened[i];
          given_[3 * a + i] -= static_cast<std::int32_t>(multiple) * given_[3 * b + i];
        }
        if (!(dot(u, u) > 1e-18 * before)) throw invalid_cell(frame, "the periodic cell vectors are linearly dependent");
        shorter = true;
      }
    }
  }
  // Complete the basis with unit vectors perpendicular to what is there.
  for (int a = 0; a < 3; ++a) {
    if (periodic_[a]) continue;
    double* const u = basis_ + 3 * a;
    const double* const v = basis_ + 3 * ((a + 1) % 3);
    const double* const w = basis_ + 3 * ((a + 2) % 3);
    cross(v, w, u);
    if (!(dot(u, u) > 0)) {
      // Fewer than two others are there yet: take the coordinate axis farthest from the one that is.
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
    throw invalid_cell(frame, "the periodic cell vectors are linearly dependent (the cell has no volume)");
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

std::uint64_t CellGrid::key(const std::int64_t* at) const {
  return (static_cast<std::uint64_t>(at[2]) * static_cast<std::uint64_t>(bin_count_[1]) +
          static_cast<std::uint64_t>(at[1])) *
             static_cast<std::uint64_t>(bin_count_[0]) +
         static_cast<std::uint64_t>(at[0]);
}

void CellGrid::surroundings(std::size_t bin, Surroundings& out) const {
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
          for (int axis = 0; axis < 3; ++axis) out.image.push_back(static_cast<std::int32_t>(image[axis]));
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

void CellGrid::given_shift(std::size_t from, std::size_t to, const std::int32_t* image, std::int32_t* shift) const {
  for (int i = 0; i < 3; ++i) shift[i] = 0;
  for (int axis = 0; axis < 3; ++axis) {
    const std::int32_t cells = image[axis] + wraps_[3 * to + axis] - wraps_[3 * from + axis];
    for (int i = 0; i < 3; ++i) shift[i] += cells * given_[3 * axis + i];
  }
}

}  // namespace surprisal
