#include "packed_rows.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "thread_pool.h"

namespace surprisal {
namespace {

constexpr double log2_e = 1.4426950408889634074;
constexpr std::size_t leaves_at_once = 16;
// Half norm of what fills up a leaf: far below every exponent.
constexpr double half_norm_of_nothing = 1e30;

void centre_rows(const KernelTiles& tiles, const CentreRows<float>& work) { tiles.centre_rows_f32(work); }
void centre_rows(const KernelTiles& tiles, const CentreRows<double>& work) { tiles.centre_rows_f64(work); }

// A run of leaves, and what became of it.
struct Run {
  std::size_t first;
  std::size_t leaves;
  std::size_t node;  // of the tree, where it has any
  bool shares = false;
  std::vector<double> centre;
};

// Several sums side by side: a single one would wait for itself at every step.
template <typename Raw>
double squared_distance(const Raw* row, const double* centre, std::size_t columns) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t c = 0;
  for (; c + lanes <= columns; c += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const double x = row[c + lane] - centre[c + lane];
      sums[lane] += x * x;
    }
  }
  for (; c < columns; ++c) sums[0] += (row[c] - centre[c]) * (row[c] - centre[c]);
  for (std::size_t lane = 1; lane < lanes; ++lane) sums[0] += sums[lane];
  return sums[0];
}

template <typename Raw>
void look_for_centre(Run& run, const Raw* rows, std::size_t columns, const RowTree& tree, double radius) {
  if (tree.bounded && tree.coordinates.dimensions > 1) {
    // Quickly told from the box.
    for (std::size_t k = 0; k + 1 < tree.coordinates.dimensions; ++k) {
      const double low = tree.box_low(run.node)[k];
      if (tree.box_high(run.node)[k] - low > 2.01 * radius) return;
    }
  }
  const std::size_t begin = run.first * tree.leaf;
  const std::size_t end = tree.leaf_end(run.first + run.leaves - 1);
  run.centre.assign(columns, 0.0);
  for (std::size_t place = begin; place < end; ++place) {
    const Raw* const row = rows + std::size_t{tree.order[place]} * columns;
    for (std::size_t c = 0; c < columns; ++c) run.centre[c] += row[c];
  }
  for (double& x : run.centre) x /= static_cast<double>(end - begin);
  for (std::size_t place = begin; place < end; ++place) {
    const Raw* const row = rows + std::size_t{tree.order[place]} * columns;
    if (!(squared_distance(row, run.centre.data(), columns) <= radius * radius)) return;
  }
  run.shares = true;
}

}  // namespace

template <typename Raw, typename T>
PackedRows<T> pack_rows(const Raw* rows, std::size_t columns, const RowTree& tree, double bandwidth, double radius,
                        const double* weights, double largest_weight, const KernelTiles& tiles, unsigned threads,
                        Task& task) {
  constexpr std::size_t lanes = leaf_rows<T>;
  constexpr std::uint32_t no_centre = PackedRows<T>::no_centre;
  const std::size_t leaves = tree.leaves();
  PackedRows<T> packed;
  packed.columns = columns;
  packed.scale = std::sqrt(log2_e) / bandwidth;
  packed.centre_of.assign(leaves, no_centre);

  // From the whole down to single leaves, level by level.
  std::vector<Run> level(1);
  level[0].first = 0;
  level[0].leaves = leaves;
  level[0].node = 0;
  if (radius == 0) level.clear();
  while (!level.empty()) {
    parallel_for(level.size(), threads, task,
                 [&](std::size_t i) { look_for_centre(level[i], rows, columns, tree, radius * bandwidth); });
    std::vector<Run> next;
    for (const Run& run : level) {
      if (run.shares) {
        const auto centre = static_cast<std::uint32_t>(packed.centres.size() / columns);
        packed.centres.insert(packed.centres.end(), run.centre.begin(), run.centre.end());
        std::fill_n(packed.centre_of.begin() + static_cast<std::ptrdiff_t>(run.first), run.leaves, centre);
      } else if (run.leaves > 1) {
        const std::size_t left = (run.leaves + 1) / 2;
        next.push_back({run.first, left, run.node + 1, false, {}});
        next.push_back({run.first + left, run.leaves - left, run.node + 2 * left, false, {}});
      }
    }
    level = std::move(next);
  }

  packed.rows = HeapArray<T>(leaves * lanes * columns);
  packed.half_norms = HeapArray<T>(leaves * lanes);
  packed.ids.assign(leaves * lanes, 0);
  if (weights != nullptr) packed.weights = HeapArray<T>(leaves * lanes);
  parallel_for((leaves + leaves_at_once - 1) / leaves_at_once, threads, task, [&](std::size_t item) {
    HeapArray<T> given(lanes * columns);
    HeapArray<T> centred(lanes * columns);
    std::uint32_t all[lanes];
    for (std::size_t i = 0; i < lanes; ++i) all[i] = static_cast<std::uint32_t>(i);
    for (std::size_t leaf = item * leaves_at_once; leaf < std::min(leaves, (item + 1) * leaves_at_once); ++leaf) {
      const std::size_t begin = leaf * lanes;
      const std::size_t count = tree.leaf_end(leaf) - begin;
      for (std::size_t i = 0; i < count; ++i) {
        const Raw* const row = rows + std::size_t{tree.order[begin + i]} * columns;
        for (std::size_t c = 0; c < columns; ++c) given[i * columns + c] = static_cast<T>(row[c]);
        packed.ids[begin + i] = tree.order[begin + i];
      }
      T* const half_norms = &packed.half_norms[begin];
      const std::uint32_t centre = packed.centre_of[leaf];
      const HeapArray<T>* from = &given;
      if (centre != no_centre) {
        centre_rows(tiles, {given.data.get(), columns, all, count, &packed.centres[centre * columns], packed.scale,
                            centred.data.get(), half_norms});
        from = &centred;
      }
      T* const to = &packed.rows[begin * columns];
      for (std::size_t c = 0; c < columns; ++c) {
        for (std::size_t i = 0; i < count; ++i) to[c * lanes + i] = (*from)[i * columns + c];
      }
      // What fills up the last leaf lies infinitely far, in either form.
      for (std::size_t i = count; i < lanes; ++i) {
        half_norms[i] = static_cast<T>(half_norm_of_nothing);
        for (std::size_t c = 0; c < columns; ++c) {
          to[c * lanes + i] = centre == no_centre ? std::numeric_limits<T>::infinity() : T{0};
        }
      }
      if (weights == nullptr) continue;
      for (std::size_t i = 0; i < lanes; ++i) {
        packed.weights[begin + i] =
            i < count ? static_cast<T>(weights[tree.order[begin + i]] / largest_weight) : T{0};
      }
    }
  });
  return packed;
}

template PackedRows<float> pack_rows<float, float>(const float*, std::size_t, const RowTree&, double, double, const double*,
                                                   double, const KernelTiles&, unsigned, Task&);
template PackedRows<double> pack_rows<float, double>(const float*, std::size_t, const RowTree&, double, double,
                                                     const double*, double, const KernelTiles&, unsigned, Task&);
template PackedRows<double> pack_rows<double, double>(const double*, std::size_t, const RowTree&, double, double,
                                                      const double*, double, const KernelTiles&, unsigned, Task&);

}  // namespace surprisal
