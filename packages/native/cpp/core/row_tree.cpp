#include "row_tree.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "projection_loops.h"
#include "thread_pool.h"

namespace surprisal {
namespace {

// With more columns that vary the covariance would cost more than what it saves.
constexpr std::size_t most_columns = 256;
constexpr std::size_t most_axes = axis_stride - 1;
constexpr std::size_t sample_rows = 1024;
constexpr int power_steps = 12;
// Relative to the norm of a row: far above what float32 and the sums in float64 lose of a coordinate.
constexpr double relative_margin = 1.0 / (1 << 21);
// Squares of such numbers are still finite in float32.
constexpr double largest_norm = 1e15;
constexpr std::size_t rows_at_once = 512;
constexpr std::size_t leaves_at_once = 16;
// Of a node, to find the axis of its split.
constexpr std::size_t rows_to_choose_by = 64;
// So many keep all threads busy to the end.
constexpr std::size_t branches_of_a_thread = 16;

// Several sums side by side: a single one would wait for itself at every step.
double dot(const double* a, const double* b, std::size_t count) {
  constexpr std::size_t lanes = 8;
  double sums[lanes] = {};
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < count; ++i) sums[0] += a[i] * b[i];
  for (std::size_t lane = 1; lane < lanes; ++lane) sums[0] += sums[lane];
  return sums[0];
}

// Makes rows of a (count×columns) orthonormal, twice for the digits; drops those of which nothing is left.
std::size_t orthonormalise(std::vector<double>& vectors, std::size_t count, std::size_t columns) {
  std::size_t good = 0;
  for (std::size_t i = 0; i < count; ++i) {
    double* const v = &vectors[good * columns];
    if (good != i) std::copy_n(&vectors[i * columns], columns, v);
    const double before = std::sqrt(dot(v, v, columns));
    if (!(before > 0)) continue;
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < good; ++j) {
        const double* const other = &vectors[j * columns];
        const double share = dot(v, other, columns);
        for (std::size_t c = 0; c < columns; ++c) v[c] -= share * other[c];
      }
    }
    const double norm = std::sqrt(dot(v, v, columns));
    if (!(norm > 1e-9 * before)) continue;
    for (std::size_t c = 0; c < columns; ++c) v[c] /= norm;
    ++good;
  }
  return good;
}

}  // namespace

template <typename Raw>
BoundAxes principal_axes(const Raw* rows, const std::uint32_t* kept, std::size_t count, std::size_t columns) {
  BoundAxes result;
  result.columns = columns;
  result.origin.assign(columns, 0.0);
  const std::size_t samples = std::min(count, sample_rows);
  const auto sample = [&](std::size_t i) {
    const std::size_t place = i * count / samples;
    return rows + (kept == nullptr ? place : kept[place]) * columns;
  };
  for (std::size_t i = 0; i < samples; ++i) {
    const Raw* const row = sample(i);
    for (std::size_t c = 0; c < columns; ++c) result.origin[c] += row[c] / static_cast<double>(samples);
  }
  std::vector<double> variances(columns, 0.0);
  std::vector<unsigned char> varies(columns, 0);
  for (std::size_t i = 0; i < samples; ++i) {
    const Raw* const row = sample(i);
    for (std::size_t c = 0; c < columns; ++c) {
      const double x = row[c] - result.origin[c];
      variances[c] += x * x;
      varies[c] |= row[c] != sample(0)[c] ? 1 : 0;
    }
  }
  // What is equal throughout the sample is on no axis.
  std::vector<std::size_t> varying;
  for (std::size_t c = 0; c < columns; ++c) {
    if (varies[c] != 0) varying.push_back(c);
  }
  const std::size_t width = varying.size();
  std::vector<std::size_t> widest(width);
  for (std::size_t c = 0; c < width; ++c) widest[c] = c;
  std::stable_sort(widest.begin(), widest.end(),
                   [&](std::size_t a, std::size_t b) { return variances[varying[a]] > variances[varying[b]]; });
  std::size_t axes = std::min(width, most_axes);
  std::vector<double> vectors(axes * width, 0.0);
  for (std::size_t k = 0; k < axes; ++k) vectors[k * width + widest[k]] = 1;
  if (width <= most_columns) {
    // Of the samples four at a time, so that a number of the covariance is read and written once for them.
    constexpr std::size_t at_once = 4;
    std::vector<double> covariance(width * width, 0.0);
    std::vector<double> x(at_once * width, 0.0);
    for (std::size_t first = 0; first < samples; first += at_once) {
      for (std::size_t i = 0; i < at_once; ++i) {
        const Raw* const row = sample(std::min(first + i, samples - 1));
        const double weight = first + i < samples ? 1 : 0;
        for (std::size_t c = 0; c < width; ++c) {
          x[i * width + c] = weight * (row[varying[c]] - result.origin[varying[c]]);
        }
      }
      for (std::size_t a = 0; a < width; ++a) {
        const double own[at_once] = {x[a], x[width + a], x[2 * width + a], x[3 * width + a]};
        for (std::size_t b = a; b < width; ++b) {
          covariance[a * width + b] += (own[0] * x[b] + own[1] * x[width + b]) +
                                       (own[2] * x[2 * width + b] + own[3] * x[3 * width + b]);
        }
      }
    }
    for (std::size_t a = 0; a < width; ++a) {
      for (std::size_t b = 0; b < a; ++b) covariance[a * width + b] = covariance[b * width + a];
    }
    for (int step = 0; step < power_steps; ++step) {
      std::vector<double> next(axes * width, 0.0);
      for (std::size_t k = 0; k < axes; ++k) {
        for (std::size_t a = 0; a < width; ++a) {
          next[k * width + a] = dot(&covariance[a * width], &vectors[k * width], width);
        }
      }
      axes = orthonormalise(next, axes, width);
      vectors = std::move(next);
    }
  }
  result.count = axes;
  result.axes.assign(columns * axis_stride, 0.0);
  for (std::size_t k = 0; k < axes; ++k) {
    for (std::size_t c = 0; c < width; ++c) result.axes[varying[c] * axis_stride + k] = vectors[k * width + c];
  }
  return result;
}

namespace {

double project(const ProjectionLoops& loops, const ProjectRow<float>& row, double* sums) { return loops.project_f32(row, sums); }
double project(const ProjectionLoops& loops, const ProjectRow<double>& row, double* sums) { return loops.project_f64(row, sums); }

// Coordinates of one row; returns its norm about the origin.
template <typename Raw>
double project(const Raw* row, const BoundAxes& axes, const ProjectionLoops& loops, float* values) {
  double sums[axis_stride];
  const double squared = project(loops, {row, axes.columns, axes.origin.data(), axes.axes.data()}, sums);
  double rest = squared;
  for (std::size_t k = 0; k < axes.count; ++k) {
    rest -= sums[k] * sums[k];
    values[k] = static_cast<float>(sums[k]);
  }
  values[axes.count] = static_cast<float>(std::sqrt(std::max(rest, 0.0)));
  return std::sqrt(squared);
}

// The number that has `rank` smaller ones among different numbers; those may change places. Of many, it is first searched for
// between two of a sample, which leaves few.
std::uint64_t number_of_rank(std::vector<std::uint64_t>& numbers, std::size_t rank) {
  constexpr std::size_t samples = 64;
  constexpr std::size_t spread = 8;  // two standard deviations of a median's rank in the sample
  const auto ranked = [](std::uint64_t* some, std::size_t of, std::size_t place) {
    std::nth_element(some, some + place, some + of);
    return some[place];
  };
  const std::size_t count = numbers.size();
  if (count < 16 * samples) return ranked(numbers.data(), count, rank);
  std::uint64_t sample[samples];
  for (std::size_t i = 0; i < samples; ++i) sample[i] = numbers[i * count / samples];
  std::sort(sample, sample + samples);
  const std::size_t in_sample = rank * samples / count;
  const std::uint64_t low = sample[in_sample < spread ? 0 : in_sample - spread];
  const std::uint64_t high = sample[std::min(samples - 1, in_sample + spread)];
  HeapArray<std::uint64_t> between(count);
  std::size_t below = 0;
  std::size_t found = 0;
  for (const std::uint64_t number : numbers) {
    between[found] = number;
    below += number < low ? 1 : 0;
    found += (number >= low) & (number <= high) ? 1 : 0;
  }
  if (rank < below || rank >= below + found) return ranked(numbers.data(), count, rank);
  return ranked(between.data.get(), found, rank - below);
}

class TreeMaker {
 public:
  TreeMaker(RowTree& tree, unsigned threads, Task& task) : tree_(tree), threads_(threads), task_(task) {}

  void build() {
    const std::size_t leaves = tree_.leaves();
    tree_.nodes.resize(2 * leaves - 1);
    tree_.leaf_nodes.resize(leaves);
    tree_.nodes[0] = {0, static_cast<std::uint32_t>(leaves), 0, 0};
    // Level by level, the nodes of which have nothing in common; then whole branches.
    std::vector<std::size_t> level{0};
    while (!level.empty() && level.size() < branches_of_a_thread * threads_) {
      parallel_for(level.size(), threads_, task_, [&](std::size_t i) { split(level[i]); });
      std::vector<std::size_t> next;
      for (const std::size_t node : level) {
        if (tree_.nodes[node].leaves == 1) continue;
        next.push_back(node + 1);
        next.push_back(tree_.right_child(node));
      }
      level = std::move(next);
    }
    parallel_for(level.size(), threads_, task_, [&](std::size_t i) {
      const std::size_t end = level[i] + 2 * std::size_t{tree_.nodes[level[i]].leaves} - 1;
      for (std::size_t node = level[i]; node < end && !task_.stopped(); ++node) split(node);
    });
    bound();
  }

 private:
  void split(std::size_t index) {
    RowTree::Node& node = tree_.nodes[index];
    if (node.leaves == 1) {
      tree_.leaf_nodes[node.first_leaf] = static_cast<std::uint32_t>(index);
      return;
    }
    const std::uint32_t left = (node.leaves + 1) / 2;
    const std::size_t begin = node.first_leaf * tree_.leaf;
    const std::size_t end = tree_.leaf_end(node.first_leaf + node.leaves - 1);
    const std::size_t middle = begin + left * tree_.leaf;
    node.axis = widest_axis(begin, end);
    const std::size_t dimensions = tree_.coordinates.dimensions;
    const float* const values = tree_.coordinates.values.data.get();
    // No two keys are equal, so it is certain which rows go left.
    const auto key = [&](std::size_t place) {
      return std::uint64_t{in_order(values[place * dimensions + node.axis])} << 32 | (place - begin);
    };
    std::vector<std::uint64_t> keys(end - begin);
    for (std::size_t place = begin; place < end; ++place) keys[place - begin] = key(place);
    const std::uint64_t first_on_the_right = number_of_rank(keys, middle - begin);
    node.split = values[(begin + (first_on_the_right & 0xffffffff)) * dimensions + node.axis];
    // As many rows stand too far left as too far right.
    for (std::size_t here = begin, there = middle;; ++here, ++there) {
      while (here < middle && key(here) < first_on_the_right) ++here;
      if (here == middle) break;
      while (!(key(there) < first_on_the_right)) ++there;
      swap_places(here, there);
    }
    tree_.nodes[index + 1] = {node.first_leaf, left, 0, 0};
    tree_.nodes[tree_.right_child(index)] = {node.first_leaf + left, node.leaves - left, 0, 0};
  }

  // A whole number for each coordinate, in the same order.
  static std::uint32_t in_order(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits ^ ((bits & 0x80000000) != 0 ? 0xffffffff : 0x80000000);
  }

  // Of some rows, evenly strided: which axis it is matters little where several are nearly as wide.
  std::uint32_t widest_axis(std::size_t begin, std::size_t end) const {
    const std::size_t dimensions = tree_.coordinates.dimensions;
    const std::size_t samples = std::min(end - begin, rows_to_choose_by);
    double sums[axis_stride] = {};
    double squares[axis_stride] = {};
    const float* const first = &tree_.coordinates.values.data[begin * dimensions];
    for (std::size_t i = 0; i < samples; ++i) {
      const float* const row = first + i * (end - begin) / samples * dimensions;
      for (std::size_t k = 0; k < dimensions; ++k) {
        const double x = static_cast<double>(row[k]) - first[k];
        sums[k] += x;
        squares[k] += x * x;
      }
    }
    std::size_t widest = 0;
    double most = -1;
    for (std::size_t k = 0; k < dimensions; ++k) {
      const double variance = squares[k] - sums[k] * sums[k] / static_cast<double>(samples);
      if (variance > most) {
        most = variance;
        widest = k;
      }
    }
    return static_cast<std::uint32_t>(widest);
  }

  void swap_places(std::size_t a, std::size_t b) {
    const std::size_t dimensions = tree_.coordinates.dimensions;
    float* const values = tree_.coordinates.values.data.get();
    std::swap_ranges(values + a * dimensions, values + (a + 1) * dimensions, values + b * dimensions);
    std::swap(tree_.coordinates.margins[a], tree_.coordinates.margins[b]);
    std::swap(tree_.order[a], tree_.order[b]);
  }

  void bound() {
    const std::size_t dimensions = tree_.coordinates.dimensions;
    tree_.low = HeapArray<float>(tree_.nodes.size() * dimensions);
    tree_.high = HeapArray<float>(tree_.nodes.size() * dimensions);
    parallel_for((tree_.leaves() + leaves_at_once - 1) / leaves_at_once, threads_, task_, [&](std::size_t item) {
      for (std::size_t leaf = item * leaves_at_once; leaf < std::min(tree_.leaves(), (item + 1) * leaves_at_once); ++leaf) {
        float* const low = &tree_.low[tree_.leaf_nodes[leaf] * dimensions];
        float* const high = &tree_.high[tree_.leaf_nodes[leaf] * dimensions];
        std::fill_n(low, dimensions, INFINITY);
        std::fill_n(high, dimensions, -INFINITY);
        for (std::size_t place = leaf * tree_.leaf; place < tree_.leaf_end(leaf); ++place) {
          const float* const row = &tree_.coordinates.values.data[place * dimensions];
          const float margin = tree_.coordinates.margins[place];
          for (std::size_t k = 0; k < dimensions; ++k) {
            low[k] = std::min(low[k], row[k] - margin);
            high[k] = std::max(high[k], row[k] + margin);
          }
        }
      }
    });
    for (std::size_t node = tree_.nodes.size(); node-- > 0;) {
      if (tree_.nodes[node].leaves == 1) continue;
      const std::size_t right = tree_.right_child(node);
      for (std::size_t k = 0; k < dimensions; ++k) {
        tree_.low[node * dimensions + k] = std::min(tree_.low[(node + 1) * dimensions + k], tree_.low[right * dimensions + k]);
        tree_.high[node * dimensions + k] = std::max(tree_.high[(node + 1) * dimensions + k], tree_.high[right * dimensions + k]);
      }
    }
  }

  RowTree& tree_;
  unsigned threads_;
  Task& task_;
};

}  // namespace

std::size_t RowTree::home_leaf(const float* of_row) const {
  std::size_t node = 0;
  while (nodes[node].leaves > 1) node = of_row[nodes[node].axis] < nodes[node].split ? node + 1 : right_child(node);
  return nodes[node].first_leaf;
}

template <typename Raw>
RowTree order_rows(const Raw* rows, const std::uint32_t* kept, std::size_t count, std::size_t columns,
                   const BoundAxes* axes, std::size_t leaf, Isa isa, unsigned threads, Task& task) {
  RowTree tree;
  tree.rows = count;
  tree.leaf = leaf;
  tree.order.resize(count);
  for (std::size_t i = 0; i < count; ++i) tree.order[i] = kept == nullptr ? static_cast<std::uint32_t>(i) : kept[i];
  if (axes == nullptr || count == 0) return tree;
  BoundCoordinates& coordinates = tree.coordinates;
  coordinates.dimensions = axes->dimensions();
  coordinates.values = HeapArray<float>(count * coordinates.dimensions);
  coordinates.margins = HeapArray<float>(count);
  parallel_for((count + rows_at_once - 1) / rows_at_once, threads, task, [&](std::size_t item) {
    for (std::size_t place = item * rows_at_once; place < std::min(count, (item + 1) * rows_at_once); ++place) {
      float* const values = &coordinates.values[place * coordinates.dimensions];
      const double norm = project(rows + std::size_t{tree.order[place]} * columns, *axes, projection_loops(isa), values);
      coordinates.margins[place] = static_cast<float>(norm * relative_margin);
      if (norm <= largest_norm) continue;
      // Nothing is known of where it lies.
      std::fill_n(values, coordinates.dimensions, 0.0f);
      coordinates.margins[place] = INFINITY;
    }
  });
  tree.bounded = true;
  TreeMaker(tree, threads, task).build();
  return tree;
}

template BoundAxes principal_axes(const float*, const std::uint32_t*, std::size_t, std::size_t);
template BoundAxes principal_axes(const double*, const std::uint32_t*, std::size_t, std::size_t);
template RowTree order_rows(const float*, const std::uint32_t*, std::size_t, std::size_t, const BoundAxes*, std::size_t,
                            Isa, unsigned, Task&);
template RowTree order_rows(const double*, const std::uint32_t*, std::size_t, std::size_t, const BoundAxes*, std::size_t,
                            Isa, unsigned, Task&);

}  // namespace surprisal
