// Neighbours and descriptors against sums written down as in the definition, at sizes where other ways are taken: few and
// many neighbours, bins that all exist and bins that mostly do not, frames alone and by the hundred, either precision.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "../core/cpu.h"
#include "../core/neighbors.h"
#include "../core/quests.h"
#include "checks.h"
#include "structures.h"

namespace surprisal {
namespace {

constexpr std::array<double, 9> cube(double a) { return {a, 0, 0, 0, a, 0, 0, 0, a}; }

// Simple cubic, every atom moved a little, some of them by whole cells.
std::vector<double> rattled(unsigned seed, std::size_t along, double spacing, double by, bool strewn) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, by);
  std::uniform_int_distribution<int> cells(-2, 2);
  std::vector<double> r;
  for (std::size_t i = 0; i < along * along * along; ++i) {
    for (const std::size_t place : {i % along, i / along % along, i / along / along}) {
      const int away = strewn ? cells(random) : 0;
      r.push_back((static_cast<double>(place) + static_cast<double>(away) * static_cast<double>(along)) * spacing +
                  normal(random));
    }
  }
  return r;
}

struct Vector {
  double x, y, z, length;
};

// Neighbours of an atom of a frame whose axes, all or none of them periodic, are those of a cube.
std::vector<Vector> neighbors_of(const Structures& s, std::size_t frame, std::size_t atom, double cutoff) {
  const double a = s.cells[9 * frame];
  const int reach = s.pbc[3 * frame] != 0 ? static_cast<int>(std::ceil(cutoff / a)) + 1 : 0;
  const double* const r = s.positions.data() + 3 * s.offsets[frame];
  std::vector<Vector> found;
  for (std::size_t j = 0; j < s.offsets[frame + 1] - s.offsets[frame]; ++j) {
    std::array<double, 3> d;
    for (std::size_t i = 0; i < 3; ++i) {
      d[i] = r[3 * j + i] - r[3 * atom + i];
      if (reach > 0) d[i] -= a * std::nearbyint(d[i] / a);
    }
    for (int x = -reach; x <= reach; ++x) {
      for (int y = -reach; y <= reach; ++y) {
        for (int z = -reach; z <= reach; ++z) {
          const Vector v{d[0] + a * x, d[1] + a * y, d[2] + a * z, 0};
          const double length = std::sqrt(v.x * v.x + v.y * v.y + v.z * v.z);
          if (length < cutoff && length > 0) found.push_back({v.x, v.y, v.z, length});
        }
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Vector& p, const Vector& q) { return p.length < q.length; });
  return found;
}

double root_weight(const Vector& v, double cutoff) { return 1 - v.length * v.length / (cutoff * cutoff); }

double value(const Vector& a, const Vector& b, double cutoff) {
  return root_weight(a, cutoff) * root_weight(b, cutoff) / std::hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

// [X1 | X2] of an environment without ties.
std::vector<double> plain_row(std::vector<Vector> around, std::size_t k, double cutoff) {
  around.resize(std::min(k, around.size()));
  std::vector<double> row(2 * k - 1);
  for (std::size_t j = 0; j < around.size(); ++j) {
    row[j] = std::pow(root_weight(around[j], cutoff), 2) / around[j].length;
    std::vector<double> values;
    for (std::size_t l = 0; l < around.size(); ++l) {
      if (l != j) values.push_back(value(around[j], around[l], cutoff));
    }
    std::sort(values.rbegin(), values.rend());
    for (std::size_t m = 0; m < values.size(); ++m) row[k + m] += values[m] / static_cast<double>(k);
  }
  return row;
}

template <typename T>
std::vector<T> descriptors(const Structures& s, const QuestsOptions& options, Isa isa, unsigned threads) {
  std::vector<T> out(s.batch().atoms() * options.columns());
  Task task;
  quests_descriptors(s.batch(), options, isa, threads, task, out.data());
  return out;
}

std::vector<double> widened(const std::vector<float>& x) { return {x.begin(), x.end()}; }

// Every instruction set and number of threads, in both precisions.
std::vector<double> check_bits(const std::string& what, const Structures& s, std::size_t k, double cutoff) {
  const QuestsOptions options{k, cutoff, 0, true, k > 1};
  const std::vector<double> first = descriptors<double>(s, options, available_isas().back(), 1);
  const std::vector<float> first_single = descriptors<float>(s, options, available_isas().back(), 1);
  for (const Isa isa : available_isas()) {
    for (const unsigned threads : thread_counts) {
      const std::string how = what + ", " + isa_name(isa) + ", threads: " + std::to_string(threads);
      check(descriptors<double>(s, options, isa, threads) == first, how + ": the same bits in float64");
      check(descriptors<float>(s, options, isa, threads) == first_single, how + ": the same bits in float32");
    }
  }
  check(largest_difference(widened(first_single), first) < 5e-7, what + ": float32 is near float64");
  return first;
}

// The same, against the definition.
void check_frames(const std::string& what, const Structures& s, std::size_t k, double cutoff) {
  const std::size_t columns = 2 * k - 1;
  const std::vector<double> first = check_bits(what, s, k, cutoff);
  for (std::size_t frame = 0; frame < s.batch().frames; ++frame) {
    const std::size_t atoms = s.offsets[frame + 1] - s.offsets[frame];
    for (std::size_t atom = 0; atom < atoms; atom += 1 + atoms / 16) {
      const double* const row = first.data() + (s.offsets[frame] + atom) * columns;
      const std::vector<Vector> around = neighbors_of(s, frame, atom, cutoff);
      const double error = largest_difference({row, row + columns}, plain_row(around, k, cutoff));
      check(error < 1e-12, what + ": atom " + std::to_string(atom) + " is off by " + std::to_string(error));
    }
  }
}

void test_sizes() {
  Structures crystal;
  const std::size_t side = brief ? 4 : 7;
  crystal.add(rattled(1, side, 2.6, 0.1, false), cube(static_cast<double>(side) * 2.6), {true, true, true});
  Structures strewn;
  strewn.add(rattled(2, 4, 2.5, 0.1, true), cube(4 * 2.5), {true, true, true});
  Structures small;
  small.add(rattled(3, 1, 2.2, 0.1, false), cube(2.2), {true, true, true});
  small.add({0.1, 0, 0, 1.0, 1.1, 1.3}, cube(2.9), {true, true, true});
  Structures drops;
  for (unsigned i = 0; i < 40; ++i) {
    drops.add(rattled(10 + i, i % 5, 1.4, 0.1, false), cube(1), {false, false, false});
  }
  for (const std::size_t k : {1, 2, 7, 8, 9, 16, 17, 24, 25, 31, 32, 33, 48, 70, 150}) {
    if (brief && k != 9 && k != 32 && k != 48) continue;
    const std::string name = ", k = " + std::to_string(k);
    check_frames("crystal" + name, crystal, k, 5.3);
    check_bits("small cells" + name, small, k, 5.3);
    check_frames("drops" + name, drops, k, 5.3);
  }
  check_frames("atoms strewn over cells", strewn, 32, 5);
  // Hundreds of hits: most of them are dropped before the others are sorted, or they are sorted in another way.
  for (const std::size_t k : {4, 32, 140, 400}) {
    if (!brief || k == 32) check_frames("far cutoff, k = " + std::to_string(k), crystal, k, 9.5);
  }
}

// Fragments so far apart that only occupied bins exist: each is what it is alone.
void test_far_fragments() {
  const std::vector<double> near = rattled(4, 5, 2, 0.1, false);
  Structures alone;
  alone.add(near, cube(1), {false, false, false});
  Structures apart = alone;
  std::vector<double> both = near;
  for (std::size_t i = 0; i < near.size(); ++i) both.push_back(near[i] + (i % 3 == 0 ? 1048576 : 0));
  apart.offsets = {0};
  apart.positions.clear();
  apart.add(both, cube(1), {false, false, false});
  const QuestsOptions options{12, 5, 1e-6, true, true};
  const std::vector<double> expected = descriptors<double>(alone, options, available_isas().front(), 2);
  const std::vector<double> found = descriptors<double>(apart, options, available_isas().front(), 2);
  const auto half = found.begin() + static_cast<std::ptrdiff_t>(expected.size());
  check(largest_difference({found.begin(), half}, expected) < 1e-13, "a fragment near the origin is what it is alone");
  // Coordinates near 10^6 Å have 10 digits behind the point.
  check(largest_difference({half, found.end()}, expected) < 1e-9, "a fragment far away is what it is alone");
}

// More atoms than one thread sorts into bins at once, alone and as one of several frames.
void test_large_frame() {
  if (brief) return;
  const std::vector<double> r = rattled(5, 26, 2.4, 0.1, false);
  Structures one;
  one.add(r, cube(26 * 2.4), {true, true, true});
  Structures several = one;
  several.add(rattled(6, 3, 2.4, 0.1, false), cube(3 * 2.4), {true, true, true});
  several.add(r, cube(26 * 2.4), {true, true, true});
  const QuestsOptions options{20, 5, 1e-6, true, true};
  const Isa isa = available_isas().front();
  const std::vector<float> first = descriptors<float>(one, options, isa, 1);
  for (const unsigned threads : thread_counts) {
    check(descriptors<float>(one, options, isa, threads) == first, "a large frame does not depend on threads");
    const std::vector<float> all = descriptors<float>(several, options, isa, threads);
    check(std::equal(first.begin(), first.end(), all.begin()) && std::equal(first.rbegin(), first.rend(), all.rbegin()),
          "a large frame does not depend on the others");
  }
  Task task;
  const NeighborList list = neighbor_list(one.batch(), 5, true, isa, 2, task);
  for (std::size_t atom = 0; atom < one.batch().atoms(); atom += 1999) {
    const std::vector<Vector> around = neighbors_of(one, 0, atom, 5);
    std::vector<double> expected;
    for (const Vector& v : around) expected.push_back(v.length);
    const double* const distances = list.distances.data.get();
    const std::vector<double> found(distances + static_cast<std::ptrdiff_t>(list.offsets[atom]),
                                    distances + static_cast<std::ptrdiff_t>(list.offsets[atom + 1]));
    check(largest_difference(found, expected) < 1e-12, "neighbours in a large frame, nearest first");
  }
}

// k = 2, where the mean over choices is that over pairs, with tolerances so wide that hundreds of neighbours tie.
void test_wide_ties() {
  Structures crystal;
  const std::size_t side = brief ? 3 : 6;
  crystal.add(rattled(7, side, 2.6, 0.2, false), cube(static_cast<double>(side) * 2.6), {true, true, true});
  const double cutoff = 7;
  for (const double tolerance : {0.05, 0.5, 1.5, 4.0}) {
    if (brief && tolerance > 1) continue;
    for (const Isa isa : available_isas()) {
      const std::vector<double> found = descriptors<double>(crystal, {2, cutoff, tolerance, true, true}, isa, 2);
      const std::vector<float> single = descriptors<float>(crystal, {2, cutoff, tolerance, true, true}, isa, 2);
      check(largest_difference(widened(single), found) < 5e-7, "ties in float32");
      for (std::size_t atom = 0; atom < crystal.batch().atoms(); atom += 25) {
        const std::vector<Vector> around = neighbors_of(crystal, 0, atom, cutoff);
        std::vector<Vector> tied;
        std::vector<Vector> sure;
        for (const Vector& v : around) {
          if (v.length < around[1].length - tolerance) {
            sure.push_back(v);
          } else if (v.length - around[1].length <= tolerance) {
            tied.push_back(v);
          }
        }
        double sum = 0;
        double pairs = 0;
        for (std::size_t b = 0; b < tied.size(); ++b) {
          for (const Vector& first : sure) sum += value(first, tied[b], cutoff);
          for (std::size_t a = 0; sure.empty() && a < b; ++a) sum += value(tied[a], tied[b], cutoff);
          pairs += sure.empty() ? static_cast<double>(b) : 1;
        }
        check(std::abs(found[3 * atom + 2] - sum / pairs) < 1e-12, "the mean over pairs of tied neighbours");
      }
    }
  }
}

// Neighbours far nearer to one another than float32 tells apart 3 Å away from the atom.
void test_near_neighbors() {
  Structures s;
  s.add({0, 0, 0, 3, 0, 0, 3, 1e-7, 0, 0, 2.5, 0, 0, 0, 2}, cube(1), {false, false, false});
  const QuestsOptions options{4, 5, 1e-9, true, true};
  for (const Isa isa : available_isas()) {
    const std::vector<double> wide = descriptors<double>(s, options, isa, 1);
    const std::vector<float> narrow = descriptors<float>(s, options, isa, 1);
    for (std::size_t i = 0; i < wide.size(); ++i) {
      check(std::abs(double{narrow[i]} - wide[i]) <= 1e-6 * std::max(1.0, wide[i]), "near neighbours in float32");
    }
  }
}

// Two neighbours at one place among tied ones, where the atom that sees them comes before either.
void test_coincident_neighbors() {
  Structures s;
  s.add({0, 0, 0, 2, 0, 0, -2, 0, 0, 0, 2, 0, 2, 0, 0}, cube(1), {false, false, false});
  for (const Isa isa : available_isas()) {
    expect_error("COINCIDENT_ATOMS", "two tied neighbours at one place",
                 [&] { descriptors<double>(s, {3, 5, 1e-6, true, true}, isa, 1); });
  }
}

}  // namespace

void test_environments() {
  test_sizes();
  test_far_fragments();
  test_large_frame();
  test_wide_ties();
  test_near_neighbors();
  test_coincident_neighbors();
}

}  // namespace surprisal
