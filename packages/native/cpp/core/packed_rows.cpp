#include "packed_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>

#include "thread_pool.h"

namespace surprisal {
namespace {

constexpr double log2_e = 1.4426950408889634074;
constexpr std::size_t leaves_at_once = 16;
constexpr std::size_t rows_looked_at_once = 1024;
// Half norm of what fills up a leaf: far below every exponent.
constexpr double half_norm_of_nothing = 1e30;

// Several sums side by side: a single one would wait for itself at every step.
template <typename Number>
double squared_distance(const Number* row, const double* centre, std::size_t columns) {
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

// Which runs of leaves lie within a radius of their centre of mass.
template <typename Raw>
class Runs {
 public:
  Runs(const PlacedRows<Raw>& rows, const RowTree& tree, double radius, unsigned threads, Task& task)
      : rows_(rows),
        columns_(rows.columns()),
        tree_(tree),
        radius_(radius),
        base_(rows.at(0), rows.at(0) + columns_),
        means_(tree.leaves() * columns_),
        reaches_(tree.leaves()) {
    const std::size_t columns = columns_;
    const std::size_t leaves = tree.leaves();
    parallel_for((leaves + leaves_at_once - 1) / leaves_at_once, threads, task, [&](std::size_t item) {
      for (std::size_t leaf = item * leaves_at_once; leaf < std::min(leaves, (item + 1) * leaves_at_once); ++leaf) {
        double* const mean = &means_[leaf * columns];
        const std::size_t begin = leaf * tree.leaf;
        const std::size_t end = tree.leaf_end(leaf);
        std::fill_n(mean, columns, 0.0);
        for (std::size_t place = begin; place < end; ++place) {
          rows.expect(place + PlacedRows<Raw>::places_ahead);
          const Raw* const row = rows.at(place);
          for (std::size_t c = 0; c < columns; ++c) mean[c] += static_cast<double>(row[c]) - base_[c];
        }
        for (std::size_t c = 0; c < columns; ++c) mean[c] = base_[c] + mean[c] / static_cast<double>(end - begin);
        double farthest = 0;
        for (std::size_t place = begin; place < end; ++place) {
          const double squared = squared_distance(rows.at(place), mean, columns);
          // Not a number where it overflows, which is never near.
          if (!(squared <= farthest)) farthest = squared;
        }
        reaches_[leaf] = std::sqrt(farthest);
      }
    });
  }

  // The centre of a run of leaves, or nothing where some row lies beyond the radius.
  std::vector<double> centre_of(std::size_t first, std::size_t leaves) const {
    std::vector<double> centre(columns_, 0.0);
    const std::size_t end = first + leaves;
    const double count = static_cast<double>(tree_.leaf_end(end - 1) - first * tree_.leaf);
    for (std::size_t leaf = first; leaf < end; ++leaf) {
      const double share = static_cast<double>(tree_.leaf_end(leaf) - leaf * tree_.leaf) / count;
      for (std::size_t c = 0; c < columns_; ++c) centre[c] += share * (means_[leaf * columns_ + c] - base_[c]);
    }
    for (std::size_t c = 0; c < columns_; ++c) centre[c] += base_[c];
    for (std::size_t leaf = first; leaf < end; ++leaf) {
      const double away = std::sqrt(squared_distance(&means_[leaf * columns_], centre.data(), columns_));
      if (away + reaches_[leaf] <= radius_) continue;
      // A ball that holds all rows of a leaf holds their mean.
      if (!(away <= radius_)) return {};
      for (std::size_t place = leaf * tree_.leaf; place < tree_.leaf_end(leaf); ++place) {
        if (!(squared_distance(rows_.at(place), centre.data(), columns_) <= radius_ * radius_)) return {};
      }
    }
    return centre;
  }

 private:
  const PlacedRows<Raw>& rows_;
  const std::size_t columns_;
  const RowTree& tree_;
  const double radius_;
  // Means are taken from a row on, so that of equal numbers the mean is that number, to the last bit.
  const std::vector<double> base_;
  HeapArray<double> means_;   // [leaf][dimension]
  HeapArray<double> reaches_;  // (leaves) to the farthest row of each
};

}  // namespace

template <typename Raw>
VaryingColumns::VaryingColumns(const Raw* rows, std::size_t count, const Raw* others, std::size_t other_count,
                               std::size_t columns, unsigned threads, Task& task) {
  // Where both begin at one place, one is the beginning of the other.
  if (others == rows) {
    count = std::max(count, other_count);
    other_count = 0;
  }
  const std::size_t all = count + other_count;
  std::vector<unsigned char> varies(columns, 0);
  std::mutex varies_mutex;
  parallel_for((all + rows_looked_at_once - 1) / rows_looked_at_once, threads, task, [&](std::size_t item) {
    std::vector<unsigned char> own;
    {
      const std::lock_guard<std::mutex> lock(varies_mutex);
      own = varies;
    }
    std::vector<Stretch> equal = stretches_of(own, 0);
    const std::size_t end = std::min(all, (item + 1) * rows_looked_at_once);
    for (std::size_t i = item * rows_looked_at_once; i < end && !equal.empty(); ++i) {
      const Raw* const row = i < count ? rows + i * columns : others + (i - count) * columns;
      // By their bytes: that 0 and −0 differ then costs no more than their column.
      const bool as_before = std::all_of(equal.begin(), equal.end(), [&](const Stretch& stretch) {
        return std::memcmp(row + stretch.first, rows + stretch.first, stretch.length * sizeof(Raw)) == 0;
      });
      if (as_before) continue;
      for (std::size_t c = 0; c < columns; ++c) {
        if (std::memcmp(row + c, rows + c, sizeof(Raw)) != 0) own[c] = 1;
      }
      equal = stretches_of(own, 0);
    }
    const std::lock_guard<std::mutex> lock(varies_mutex);
    for (std::size_t c = 0; c < columns; ++c) varies[c] |= own[c];
  });
  if (std::find(varies.begin(), varies.end(), 1) == varies.end()) varies[0] = 1;
  stretches_ = stretches_of(varies, 1);
  for (const Stretch& stretch : stretches_) count_ += stretch.length;
}

std::vector<VaryingColumns::Stretch> VaryingColumns::stretches_of(const std::vector<unsigned char>& values,
                                                                  unsigned char value) {
  std::vector<Stretch> stretches;
  for (std::size_t c = 0; c < values.size(); ++c) {
    if (values[c] != value) continue;
    if (c == 0 || values[c - 1] != value) stretches.push_back({c, 0});
    ++stretches.back().length;
  }
  return stretches;
}

template <typename Raw, typename T>
PackedRows<T> pack_rows(const PlacedRows<Raw>& rows, const VaryingColumns& varying, const RowTree& tree, double bandwidth,
                        double radius, const double* weights, double largest_weight, const KernelTiles& tiles,
                        unsigned threads, Task& task) {
  constexpr std::size_t lanes = leaf_rows<T>;
  constexpr std::uint32_t no_centre = PackedRows<T>::no_centre;
  const std::size_t leaves = tree.leaves();
  PackedRows<T> packed;
  packed.scale = static_cast<T>(std::sqrt(log2_e) / bandwidth);
  packed.centre_of.assign(leaves, no_centre);

  const std::size_t width = varying.count();
  const std::size_t stride = query_stride_of<T>(width);

  // From the whole down to single leaves, level by level.
  struct Run {
    std::size_t first, leaves;
    std::vector<double> centre;
  };
  std::vector<Run> level;
  if (radius > 0) {
    const Runs<Raw> runs(rows, tree, radius * bandwidth, threads, task);
    level.push_back({0, leaves, {}});
    while (!level.empty()) {
      parallel_for(level.size(), threads, task,
                   [&](std::size_t i) { level[i].centre = runs.centre_of(level[i].first, level[i].leaves); });
      std::vector<Run> next;
      for (const Run& run : level) {
        if (!run.centre.empty()) {
          const auto centre = static_cast<std::uint32_t>(packed.centres.size() / stride);
          packed.centres.resize(packed.centres.size() + stride, T{0});
          varying.take(run.centre.data(), &packed.centres[centre * stride]);
          std::fill_n(packed.centre_of.begin() + static_cast<std::ptrdiff_t>(run.first), run.leaves, centre);
        } else if (run.leaves > 1) {
          const std::size_t left = (run.leaves + 1) / 2;
          next.push_back({run.first, left, {}});
          next.push_back({run.first + left, run.leaves - left, {}});
        }
      }
      level = std::move(next);
    }
  }

  packed.rows = HeapArray<T>(leaves * lanes * width);
  packed.half_norms = HeapArray<T>(leaves * lanes);
  packed.ids.assign(leaves * lanes, 0);
  if (weights != nullptr) packed.weights = HeapArray<T>(leaves * lanes);
  parallel_for((leaves + leaves_at_once - 1) / leaves_at_once, threads, task, [&](std::size_t item) {
    HeapArray<T> given(lanes * stride);
    HeapArray<T> centred(lanes * stride);
    std::fill_n(given.data.get(), given.length, T{0});
    std::uint32_t all[lanes];
    for (std::size_t i = 0; i < lanes; ++i) all[i] = static_cast<std::uint32_t>(i);
    for (std::size_t leaf = item * leaves_at_once; leaf < std::min(leaves, (item + 1) * leaves_at_once); ++leaf) {
      const std::size_t begin = leaf * lanes;
      const std::size_t count = tree.leaf_end(leaf) - begin;
      for (std::size_t i = 0; i < count; ++i) {
        rows.expect(begin + i + PlacedRows<Raw>::places_ahead);
        varying.take(rows.at(begin + i), &given[i * stride]);
        packed.ids[begin + i] = rows.id(begin + i);
      }
      T* const half_norms = &packed.half_norms[begin];
      const std::uint32_t centre = packed.centre_of[leaf];
      const HeapArray<T>* from = &given;
      if (centre != no_centre) {
        tiles.centre_rows({given.data.get(), stride, all, count, &packed.centres[centre * stride], packed.scale,
                           centred.data.get(), half_norms});
        from = &centred;
      }
      T* const to = &packed.rows[begin * width];
      for (std::size_t c = 0; c < width; ++c) {
        for (std::size_t i = 0; i < count; ++i) to[c * lanes + i] = (*from)[i * stride + c];
      }
      // What fills up the last leaf lies infinitely far, in either form.
      for (std::size_t i = count; i < lanes; ++i) {
        half_norms[i] = static_cast<T>(half_norm_of_nothing);
        for (std::size_t c = 0; c < width; ++c) {
          to[c * lanes + i] = centre == no_centre ? std::numeric_limits<T>::infinity() : T{0};
        }
      }
      if (weights == nullptr) continue;
      for (std::size_t i = 0; i < lanes; ++i) {
        packed.weights[begin + i] =
            i < count ? static_cast<T>(weights[rows.id(begin + i)] / largest_weight) : T{0};
      }
    }
  });
  return packed;
}

#define SURPRISAL_PACK_ROWS(Raw, T)                                                                                         \
  template PackedRows<T> pack_rows<Raw, T>(const PlacedRows<Raw>&, const VaryingColumns&, const RowTree&, double, double,   \
                                           const double*, double, const KernelTiles&, unsigned, Task&);
SURPRISAL_PACK_ROWS(float, float)
SURPRISAL_PACK_ROWS(float, double)
SURPRISAL_PACK_ROWS(double, double)
template VaryingColumns::VaryingColumns(const float*, std::size_t, const float*, std::size_t, std::size_t, unsigned, Task&);
template VaryingColumns::VaryingColumns(const double*, std::size_t, const double*, std::size_t, std::size_t, unsigned, Task&);

}  // namespace surprisal
