// Exact nearest references. Whole leaves of a tree are left out where the boxes around them and around a block of queries
// are farther apart than what was found; in the others distances in float32, with a bound on their error, tell which
// references have to be looked at in float64. Neither can change the result, only what is looked at.

#include "nearest_references.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "heap_array.h"
#include "placed_rows.h"
#include "row_tree.h"
#include "thread_pool.h"

namespace surprisal {
namespace {

constexpr std::size_t leaf_of_references = leaf_rows<float>;
constexpr std::size_t block_of_queries = 24;  // a whole number of tiles on every instruction set
constexpr std::size_t most_blocks_at_once = 8;
constexpr std::size_t leaves_at_once = 64;
// Beyond this squares overflow in float32.
constexpr double largest_norm = 1e15;
// Of a number that was rounded to float32 about a centre, relative to its distance from there; four times what it can be.
constexpr double rounding = 1.0 / (1 << 22);
// What squares in float32 lose where they are near the smallest numbers.
constexpr double smallest_square = 1e-36;
// Bounds are computed in float64 from intervals that hold the true coordinates, on axes orthonormal to rounding.
constexpr double bound_share = 1 - 1e-9;

// References as the tiles read them: float32, about the origin of the axes.
struct Screen {
  HeapArray<float> rows;    // [leaf][column][leaf_of_references]
  HeapArray<double> slack;  // (leaves) how far rounding may have moved a row of the leaf; infinite where it is unknown
};

template <typename Raw>
double centre(const Raw* row, const std::vector<double>& origin, float* to, std::size_t stride) {
  double squared = 0;
  for (std::size_t c = 0; c < origin.size(); ++c) {
    const double x = row[c] - origin[c];
    squared += x * x;
    to[c * stride] = static_cast<float>(x);
  }
  const double norm = std::sqrt(squared);
  return norm <= largest_norm ? norm * rounding : std::numeric_limits<double>::infinity();
}

template <typename Raw>
Screen screen_of(const PlacedRows<Raw>& rows, const RowTree& tree, const std::vector<double>& origin, unsigned threads,
                 Task& task) {
  Screen screen;
  screen.rows = HeapArray<float>(tree.leaves() * rows.columns() * leaf_of_references);
  screen.slack = HeapArray<double>(tree.leaves());
  parallel_for((tree.leaves() + leaves_at_once - 1) / leaves_at_once, threads, task, [&](std::size_t item) {
    for (std::size_t leaf = item * leaves_at_once; leaf < std::min(tree.leaves(), (item + 1) * leaves_at_once); ++leaf) {
      float* const to = &screen.rows[leaf * rows.columns() * leaf_of_references];
      double& slack = screen.slack[leaf];
      slack = 0;
      const std::size_t begin = leaf * leaf_of_references;
      for (std::size_t lane = 0; lane < leaf_of_references; ++lane) {
        // What fills up the last leaf is never looked at; it repeats a row so that nothing is left unwritten.
        const std::size_t place = std::min(begin + lane, tree.leaf_end(leaf) - 1);
        rows.expect(place + PlacedRows<Raw>::places_ahead);
        slack = std::max(slack, centre(rows.at(place), origin, to + lane, leaf_of_references));
      }
    }
  });
  return screen;
}

// The k nearest so far of one query, in order.
class Nearest {
 public:
  void start(std::uint32_t* rows, double* squared, std::size_t k, double within) {
    rows_ = rows;
    squared_ = squared;
    last_ = k - 1;
    within_ = within;
    std::fill_n(rows, k, no_reference);
    std::fill_n(squared, k, std::numeric_limits<double>::infinity());
  }

  // What is farther than this cannot be among them; what is as far can, by its row.
  double limit() const { return std::min(squared_[last_], within_); }

  // Nothing is nearer than what was found, nor is anything of an earlier row left: so it is soon among equal rows.
  bool settled(std::uint32_t first_row) const { return squared_[last_] == 0 && rows_[last_] < first_row; }

  void add(std::uint32_t row, double squared) {
    const auto behind = [&](std::size_t place) {
      return squared < squared_[place] || (squared == squared_[place] && row < rows_[place]);
    };
    if (!behind(last_)) return;
    std::size_t place = last_;
    for (; place > 0 && behind(place - 1); --place) {
      squared_[place] = squared_[place - 1];
      rows_[place] = rows_[place - 1];
    }
    squared_[place] = squared;
    rows_[place] = row;
  }

 private:
  std::uint32_t* rows_ = nullptr;
  double* squared_ = nullptr;
  std::size_t last_ = 0;
  double within_ = 0;
};

// In the order of the columns; above `limit` it may be any number above that.
template <typename Raw>
double squared_distance(const Raw* x, const Raw* y, std::size_t columns, double limit) {
  double sum = 0;
  for (std::size_t c = 0; c < columns;) {
    const std::size_t end = std::min(columns, c + 16);
    for (; c < end; ++c) {
      const double difference = static_cast<double>(y[c]) - static_cast<double>(x[c]);
      sum += difference * difference;
    }
    if (sum > limit) return sum;
  }
  return sum;
}

// The earliest row of every node.
std::vector<std::uint32_t> first_rows(const RowTree& tree) {
  std::vector<std::uint32_t> first(tree.nodes.size());
  for (std::size_t node = tree.nodes.size(); node-- > 0;) {
    if (tree.nodes[node].leaves > 1) {
      first[node] = std::min(first[node + 1], first[tree.right_child(node)]);
      continue;
    }
    const std::size_t leaf = tree.nodes[node].first_leaf;
    const std::uint32_t* const order = tree.order.data();
    first[node] = *std::min_element(order + leaf * tree.leaf, order + tree.leaf_end(leaf));
  }
  return first;
}

double squared_gap(const float* low, const float* high, const float* other_low, const float* other_high,
                   std::size_t dimensions) {
  double squared = 0;
  for (std::size_t k = 0; k < dimensions; ++k) {
    const double below = static_cast<double>(low[k]) - other_high[k];
    const double above = static_cast<double>(other_low[k]) - high[k];
    const double gap = std::max({below, above, 0.0});
    squared += gap * gap;
  }
  return squared;
}

template <typename Raw>
struct Search {
  const NearestInput<Raw>& in;
  const RowTree& references;
  const RowTree& queries;
  const std::vector<std::uint32_t>& first_rows;  // of the nodes of the references
  const Screen& screen;
  const std::vector<double>& origin;
  const KernelTiles& tiles;
  std::uint32_t* rows;
  double* distances;
};

// The queries of one leaf of their tree, one block after another.
template <typename Raw>
class Block {
 public:
  explicit Block(const Search<Raw>& search)
      : s_(search),
        centred_(block_of_queries * search.in.columns),
        dimensions_(search.references.coordinates.dimensions),
        share_(1 + static_cast<double>(search.in.columns + 8) / (1 << 22)) {}

  void search(std::size_t block) {
    block_ = block;
    begin_ = block * block_of_queries;
    count_ = s_.queries.leaf_end(block) - begin_;
    for (std::size_t q = 0; q < count_; ++q) {
      const std::size_t query = s_.queries.order[begin_ + q];
      float* const to = &centred_[q * s_.in.columns];
      slack_[q] = centre(s_.in.queries + query * s_.in.columns, s_.origin, to, 1);
      nearest_[q].start(s_.rows + query * s_.in.k, s_.distances + query * s_.in.k, s_.in.k, s_.in.within);
    }
    visit(0);
    for (std::size_t q = 0; q < count_; ++q) {
      double* const squared = s_.distances + std::size_t{s_.queries.order[begin_ + q]} * s_.in.k;
      for (std::size_t i = 0; i < s_.in.k; ++i) squared[i] = std::sqrt(squared[i]);
    }
  }

 private:
  double gap_to(std::size_t node) const {
    const std::size_t own = s_.queries.leaf_nodes[block_];
    return bound_share * squared_gap(s_.queries.box_low(own), s_.queries.box_high(own), s_.references.box_low(node),
                                     s_.references.box_high(node), dimensions_);
  }

  bool can_matter(std::size_t node, double gap) const {
    for (std::size_t q = 0; q < count_; ++q) {
      if (!(gap > nearest_[q].limit()) && !nearest_[q].settled(s_.first_rows[node])) return true;
    }
    return false;
  }

  // The nearer child first, so that limits are small when the other one is asked.
  void visit(std::size_t node) {
    if (s_.references.nodes[node].leaves == 1) return look_at(s_.references.nodes[node].first_leaf, node);
    std::size_t near = node + 1;
    std::size_t far = s_.references.right_child(node);
    double near_gap = gap_to(near);
    double far_gap = gap_to(far);
    if (far_gap < near_gap || (far_gap == near_gap && is_right_of(node))) {
      std::swap(near, far);
      std::swap(near_gap, far_gap);
    }
    if (can_matter(near, near_gap)) visit(near);
    if (can_matter(far, far_gap)) visit(far);
  }

  bool is_right_of(std::size_t node) const {
    const std::size_t own = s_.queries.leaf_nodes[block_];
    const std::uint32_t axis = s_.references.nodes[node].axis;
    return s_.queries.box_low(own)[axis] / 2 + s_.queries.box_high(own)[axis] / 2 >= s_.references.nodes[node].split;
  }

  bool can_be_near(std::size_t q, std::size_t node) const {
    if (nearest_[q].settled(s_.first_rows[node])) return false;
    const std::size_t place = begin_ + q;
    const float* const values = &s_.queries.coordinates.values[place * dimensions_];
    const float margin = s_.queries.coordinates.margins[place];
    const float* const low = s_.references.box_low(node);
    const float* const high = s_.references.box_high(node);
    double squared = 0;
    for (std::size_t k = 0; k < dimensions_; ++k) {
      const double x = values[k];
      const double gap = std::max({low[k] - x, x - high[k], static_cast<double>(margin)}) - margin;
      squared += gap * gap;
    }
    return !(bound_share * squared > nearest_[q].limit());
  }

  void look_at(std::size_t leaf, std::size_t node) {
    const float* asked[block_of_queries];
    std::size_t list[block_of_queries];
    std::size_t count = 0;
    for (std::size_t q = 0; q < count_; ++q) {
      if (!can_be_near(q, node)) continue;
      asked[count] = &centred_[q * s_.in.columns];
      list[count++] = q;
    }
    if (count == 0) return;
    alignas(64) float squares[block_of_queries * leaf_of_references];
    float smallest[block_of_queries];
    const float* const rows = &s_.screen.rows[leaf * s_.in.columns * leaf_of_references];
    s_.tiles.leaf_squares(asked, count, s_.in.columns, rows, squares, smallest);
    for (std::size_t i = 0; i < count; ++i) {
      const double threshold = threshold_of(list[i], leaf);
      if (smallest[i] > threshold) continue;
      look_closely(list[i], leaf, squares + i * leaf_of_references);
    }
  }

  // What is more than this in float32 is farther than the limit.
  double threshold_of(std::size_t q, std::size_t leaf) const {
    const double reach = std::sqrt(nearest_[q].limit()) + slack_[q] + s_.screen.slack[leaf];
    return reach * reach * share_ + smallest_square;
  }

  // What is less than this in float32 is nearer than what counts.
  double too_near_of(std::size_t q, std::size_t leaf) const {
    const double reach = std::sqrt(std::max(s_.in.beyond, 0.0)) - slack_[q] - s_.screen.slack[leaf];
    return reach > 0 ? reach * reach / share_ - smallest_square : 0;
  }

  void look_closely(std::size_t q, std::size_t leaf, const float* squares) {
    const std::size_t query = s_.queries.order[begin_ + q];
    const std::uint32_t start = s_.in.starts == nullptr ? 0 : s_.in.starts[query];
    const std::uint32_t end = s_.in.starts == nullptr ? 0 : s_.in.ends[query];
    const Raw* const x = s_.in.queries + query * s_.in.columns;
    const std::size_t begin = leaf * leaf_of_references;
    const std::size_t count = s_.references.leaf_end(leaf) - begin;
    double threshold = threshold_of(q, leaf);
    const double too_near = too_near_of(q, leaf);
    for (std::size_t lane = 0; lane < count; ++lane) {
      // NaN is neither: rows too far for float32 are looked at.
      if (squares[lane] > threshold || squares[lane] < too_near) continue;
      const std::uint32_t row = s_.references.order[begin + lane];
      if ((row >= start && row < end) || nearest_[q].settled(row)) continue;
      const double limit = nearest_[q].limit();
      const double squared = squared_distance(x, s_.in.references + std::size_t{row} * s_.in.columns, s_.in.columns, limit);
      if (squared <= s_.in.beyond || squared > limit) continue;
      nearest_[q].add(row, squared);
      threshold = threshold_of(q, leaf);
    }
  }

  const Search<Raw>& s_;
  HeapArray<float> centred_;
  std::size_t dimensions_;
  double share_;  // how far off a square in float32 may be, relative, for the arithmetic of the tiles
  std::size_t block_ = 0;
  std::size_t begin_ = 0;
  std::size_t count_ = 0;
  double slack_[block_of_queries] = {};
  Nearest nearest_[block_of_queries];
};

}  // namespace

template <typename Raw>
void nearest_references(const NearestInput<Raw>& in, Isa isa, unsigned threads, Task& task, std::uint32_t* rows,
                        double* distances) {
  if (in.query_count == 0) return;
  const BoundAxes axes = principal_axes(in.references, nullptr, in.reference_count, in.columns);
  const RowTree references =
      order_rows(in.references, nullptr, in.reference_count, in.columns, &axes, leaf_of_references, isa, threads, task);
  const RowTree queries =
      order_rows(in.queries, nullptr, in.query_count, in.columns, &axes, block_of_queries, isa, threads, task);
  const std::vector<std::uint32_t> earliest = first_rows(references);
  const Screen screen = screen_of(PlacedRows<Raw>(in.references, in.columns, references), references, axes.origin, threads, task);
  const Search<Raw> search{in,          references,        queries, earliest, screen,
                           axes.origin, kernel_tiles(isa), rows,    distances};
  const std::size_t blocks = queries.leaves();
  const std::size_t blocks_at_once =
      std::min(most_blocks_at_once, std::max<std::size_t>(1, blocks / (std::size_t{threads} * 4)));
  parallel_for((blocks + blocks_at_once - 1) / blocks_at_once, threads, task, [&](std::size_t item) {
    Block<Raw> block(search);
    for (std::size_t b = item * blocks_at_once; b < std::min(blocks, (item + 1) * blocks_at_once); ++b) {
      if (task.stopped()) return;
      block.search(b);
      task.advance(queries.leaf_end(b) - b * block_of_queries);
    }
  });
}

template void nearest_references(const NearestInput<float>&, Isa, unsigned, Task&, std::uint32_t*, double*);
template void nearest_references(const NearestInput<double>&, Isa, unsigned, Task&, std::uint32_t*, double*);

}  // namespace surprisal
