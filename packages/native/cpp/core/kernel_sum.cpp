#include "kernel_sum.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "exact_total.h"
#include "packed_rows.h"
#include "projection_loops.h"
#include "row_tree.h"
#include "thread_pool.h"

namespace surprisal {
namespace {

// Leaves in a panel. What a query collects from one panel is added in float32 lanes, then goes to its exact total; the rows
// of a panel (129 kB at 63 dimensions, in either precision) stay in the second-level cache.
constexpr std::size_t panel_leaves = 16;
// Queries in a block: as many as rows in a panel, so that in self sums blocks and panels are the same.
template <typename T>
constexpr std::size_t block_rows = panel_leaves * leaf_rows<T>;
// Fewer references are neither put in order nor bounded: that would cost more than what can be saved.
constexpr std::size_t smallest_tree = 1024;
// Rows and leaves that are looked at to see whether enough lies apart; and what share is enough.
constexpr std::size_t looked_at = 64;
constexpr double worthwhile_share = 0.08;
// Products tell the distance of a row and of a query up to some 10⁶ of the narrowest bandwidth. Where the widest is wider
// than this many of the narrowest, what lies farther could matter to it, and there are only differences.
constexpr double most_times_wider = 1e4;
// Queries whose sums are done again together.
constexpr std::size_t exact_rows = 32;
// What sums that are done again may lack, relative, where anything may be left out at all.
constexpr double exact_skip = 1e-13;

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// One packed leaf, as tiles read it; queries and sums are still to be told.
template <typename T>
LeafSums<T> packed_leaf(const PackedRows<T>& packed, std::size_t leaf, std::size_t columns) {
  LeafSums<T> work{};
  work.form = packed.centre_of[leaf] == PackedRows<T>::no_centre ? TileForm::difference : TileForm::product;
  work.columns = columns;
  work.rows = &packed.rows.data[leaf * leaf_rows<T> * columns];
  work.half_norms = &packed.half_norms.data[leaf * leaf_rows<T>];
  work.weights = packed.weights.length == 0 ? nullptr : &packed.weights.data[leaf * leaf_rows<T>];
  return work;
}

// Places of a tree as relative sums read them.
struct GatheredLeaf {
  std::vector<double> row;   // one of them
  std::vector<double> rows;  // [dimension][relative_rows]
  double weights[relative_rows];
  std::uint32_t ids[relative_rows];
};

// The references, put in order and packed, and how far one has to look among them.
template <typename Raw, typename T>
struct References {
  VaryingColumns varying;  // all work is on these
  const double* weights;
  std::vector<std::uint32_t> kept;  // those whose weight is above 0 beside the largest, where there are weights
  double largest_weight = 1;
  double total_weight = 0;  // relative to the largest
  BoundAxes axes;
  RowTree tree;
  PlacedRows<Raw> rows;
  PackedRows<T> packed;
  bool skips = false;

  std::size_t leaves() const { return tree.leaves(); }
  std::size_t panels() const { return divide_up(leaves(), panel_leaves); }

  // Some places, relative_rows at the most; those that are missing have weight 0.
  void gather(std::size_t begin, std::size_t end, GatheredLeaf& leaf) const {
    leaf.row.resize(varying.count());
    leaf.rows.resize(varying.count() * relative_rows);
    for (std::size_t i = 0; i < relative_rows; ++i) {
      const bool there = begin + i < end;
      const std::size_t place = there ? begin + i : begin;
      const std::uint32_t id = rows.id(place);
      leaf.ids[i] = id;
      leaf.weights[i] = !there ? 0 : weights == nullptr ? 1 : weights[id] / largest_weight;
      varying.take(rows.at(place), leaf.row.data());
      for (std::size_t c = 0; c < leaf.row.size(); ++c) leaf.rows[c * relative_rows + i] = leaf.row[c];
    }
  }
};

// Some queries with all that is needed to add leaves to their sums.
template <typename Raw, typename T>
class Block {
 public:
  static constexpr std::uint32_t not_centred = 0xfffffffe;

  std::size_t count = 0;
  std::size_t stride = 0;  // count, filled up to whole groups
  std::vector<std::uint32_t> all;

  // The rows at some places, of each the columns that vary; `starts` and `ends` are of the rows as they were given.
  Block(const References<Raw, T>& references, const PlacedRows<Raw>& rows, const std::vector<std::size_t>& places,
        const std::uint32_t* starts, const std::uint32_t* ends)
      : count(places.size()),
        stride(divide_up(count, bound_group) * bound_group),
        all(count),
        columns_(references.varying.count()),
        query_stride_(query_stride_of<T>(columns_)),
        given_(count * query_stride_),
        centred_(count * query_stride_),
        half_norms_(count),
        centre_of_(count, std::uint32_t{not_centred}),
        starts_(starts == nullptr ? 0 : count),
        ends_(starts == nullptr ? 0 : count),
        list_(stride),
        to_centre_(count) {
    for (std::size_t q = 0; q < count; ++q) {
      all[q] = static_cast<std::uint32_t>(q);
      if (q + PlacedRows<Raw>::places_ahead < count) rows.expect(places[q + PlacedRows<Raw>::places_ahead]);
      T* const given = &given_[q * query_stride_];
      references.varying.take(rows.at(places[q]), given);
      std::fill(given + columns_, given + query_stride_, T{0});
      if (starts == nullptr) continue;
      starts_[q] = starts[rows.id(places[q])];
      ends_[q] = ends[rows.id(places[q])];
    }
  }

  // Bounds of the queries: their coordinates (place by place) and the squared distances beyond which nothing matters.
  void set_bounds(const BoundCoordinates& coordinates, const std::vector<std::size_t>& places, const std::vector<float>& limits) {
    const std::size_t dimensions = coordinates.dimensions;
    const std::size_t groups = stride / bound_group;
    const std::size_t group_stride = divide_up(groups, bound_group) * bound_group;
    each_.clear(dimensions, stride);
    groups_.clear(dimensions, group_stride);
    whole_.clear(dimensions, bound_group);
    Box whole(dimensions);
    for (std::size_t group = 0; group < groups; ++group) {
      Box box(dimensions);
      for (std::size_t q = group * bound_group; q < std::min(count, (group + 1) * bound_group); ++q) {
        const Box own(dimensions, &coordinates.values[places[q] * dimensions], coordinates.margins[places[q]], limits[q]);
        each_.put(q, own);
        box.hold(own);
      }
      groups_.put(group, box);
      whole.hold(box);
    }
    whole_.put(0, whole);
    all_groups_.resize(group_stride / bound_group);
    for (std::size_t i = 0; i < all_groups_.size(); ++i) all_groups_[i] = static_cast<std::uint32_t>(i);
    near_groups_.resize(group_stride);
  }

  bool is_near(const KernelTiles& tiles, const RowTree& tree, std::size_t node, float least_limit) {
    const std::uint32_t first = 0;
    std::uint32_t found[bound_group];
    return tiles.near_queries(check_of(whole_, tree, node, least_limit, &first, 1), found) > 0;
  }

  // The queries that are near a node, ascending; in `list()`.
  std::size_t near_queries(const KernelTiles& tiles, const RowTree& tree, std::size_t node, float least_limit) {
    const std::size_t near = tiles.near_queries(
        check_of(groups_, tree, node, least_limit, all_groups_.data(), all_groups_.size()), near_groups_.data());
    return tiles.near_queries(check_of(each_, tree, node, least_limit, near_groups_.data(), near), list_.data());
  }
  const std::uint32_t* list() const { return list_.data(); }

  // Makes the listed queries ready for leaves about a centre, or for differences where there is none.
  void centre(const KernelTiles& tiles, const PackedRows<T>& packed, std::uint32_t centre, const std::uint32_t* list,
              std::size_t listed) {
    if (centre == PackedRows<T>::no_centre || centre == centre_of_all_) return;
    centre_of_all_ = listed == count ? centre : std::uint32_t{not_centred};
    std::size_t some = 0;
    std::uint32_t* const to_centre = to_centre_.data();
    std::uint32_t* const centre_of = centre_of_.data();
    for (std::size_t i = 0; i < listed; ++i) {
      const std::uint32_t query = list[i];
      to_centre[some] = query;
      some += centre_of[query] != centre ? 1 : 0;
      centre_of[query] = centre;
    }
    if (some == 0) return;
    tiles.centre_rows({given_.data.get(), query_stride_, to_centre_.data(), some, &packed.centres[centre * query_stride_],
                       packed.scale, centred_.data.get(), half_norms_.data.get()});
  }

  LeafSums<T> leaf_sums(const PackedRows<T>& packed, std::size_t leaf, const std::uint32_t* list, std::size_t listed) const {
    LeafSums<T> work = packed_leaf(packed, leaf, columns_);
    work.ids = starts_.empty() ? nullptr : &packed.ids[leaf * leaf_rows<T>];
    work.queries = work.form == TileForm::difference ? given_.data.get() : centred_.data.get();
    work.query_stride = query_stride_;
    work.query_half_norms = half_norms_.data.get();
    work.starts = starts_.data();
    work.ends = ends_.data();
    work.list = list;
    work.count = listed;
    return work;
  }

  const std::vector<double>& exact_rows_of() {
    if (exact_.empty()) exact_.assign(given_.data.get(), given_.data.get() + given_.length);
    return exact_;
  }
  RelativeSums relative_sums(const GatheredLeaf& leaf, const std::uint32_t* list, std::size_t listed) {
    RelativeSums work{};
    work.columns = columns_;
    work.rows = leaf.rows.data();
    work.weights = leaf.weights;
    work.ids = starts_.empty() ? nullptr : leaf.ids;
    work.queries = exact_rows_of().data();
    work.query_stride = query_stride_;
    work.starts = starts_.data();
    work.ends = ends_.data();
    work.list = list;
    work.count = listed;
    return work;
  }

 private:
  // An interval for each coordinate, and within how much of it something is near.
  struct Box {
    std::size_t dimensions;
    float low[axis_stride], high[axis_stride];
    float limit = -1;

    explicit Box(std::size_t of_dimensions) : dimensions(of_dimensions) {
      std::fill_n(low, axis_stride, INFINITY);
      std::fill_n(high, axis_stride, -INFINITY);
    }
    Box(std::size_t of_dimensions, const float* values, float margin, float within)
        : dimensions(of_dimensions), limit(within) {
      for (std::size_t k = 0; k < dimensions; ++k) {
        low[k] = values[k] - margin;
        high[k] = values[k] + margin;
      }
    }
    void hold(const Box& other) {
      for (std::size_t k = 0; k < dimensions; ++k) {
        low[k] = other.low[k] < low[k] ? other.low[k] : low[k];
        high[k] = high[k] < other.high[k] ? other.high[k] : high[k];
      }
      limit = limit < other.limit ? other.limit : limit;
    }
  };

  // Boxes of queries, or of groups of them, as the kernel tiles read them.
  struct Boxes {
    std::size_t dimensions = 0;
    std::vector<float> low, high;  // [group][dimension][bound_group]
    std::vector<float> limits;     // [group][bound_group]

    void clear(std::size_t of_dimensions, std::size_t boxes) {
      dimensions = of_dimensions;
      low.assign(dimensions * boxes, INFINITY);
      high.assign(dimensions * boxes, -INFINITY);
      limits.assign(boxes, -1.0f);
    }
    void put(std::size_t place, const Box& box) {
      const std::size_t first = place / bound_group * dimensions * bound_group + place % bound_group;
      for (std::size_t k = 0; k < dimensions; ++k) {
        low[first + k * bound_group] = box.low[k];
        high[first + k * bound_group] = box.high[k];
      }
      limits[place] = box.limit;
    }
  };

  static BoundCheck check_of(const Boxes& boxes, const RowTree& tree, std::size_t node, float least_limit,
                             const std::uint32_t* groups, std::size_t group_count) {
    return {boxes.dimensions,    tree.box_low(node), tree.box_high(node), boxes.low.data(), boxes.high.data(),
            boxes.limits.data(), least_limit,        groups,              group_count};
  }

  std::size_t columns_;
  std::size_t query_stride_;
  HeapArray<T> given_;    // [query][query_stride_]
  HeapArray<T> centred_;  // the same about the centre of centre_of_
  HeapArray<T> half_norms_;
  std::vector<std::uint32_t> centre_of_;
  std::uint32_t centre_of_all_ = not_centred;  // or not_centred, where they differ
  std::vector<double> exact_;
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> ends_;
  std::vector<std::uint32_t> list_;
  std::vector<std::uint32_t> to_centre_;

  Boxes each_, groups_, whole_;
  std::vector<std::uint32_t> all_groups_, near_groups_;
};

// What makes exponents of that which a tile gets, one for each bandwidth.
template <typename T>
class Factors {
 public:
  Factors(const KernelSumOptions& options, const PackedRows<T>& packed) {
    const double scale = packed.scale;
    for (std::size_t b = 0; b < options.bandwidth_count; ++b) {
      const double h = options.bandwidths[b];
      product_.push_back(static_cast<T>(1.4426950408889634074 / (h * h * scale * scale)));
      difference_.push_back(static_cast<T>(1.4426950408889634074 / (2 * h * h)));
    }
  }
  const T* of(TileForm form) const { return form == TileForm::product ? product_.data() : difference_.data(); }

 private:
  std::vector<T> product_, difference_;
};

// How one block of queries passes over leaves.
template <typename Raw, typename T>
class Sweep {
 public:
  Sweep(const References<Raw, T>& references, const KernelSumOptions& options, const KernelTiles& tiles, Block<Raw, T>& block,
        const Task& task)
      : references_(references),
        bandwidths_(options.bandwidth_count),
        tiles_(tiles),
        block_(block),
        task_(task),
        row_sums_(bandwidths_ * block.count * sum_lanes<T>),
        touched_(block.count, 0),
        totals_(bandwidths_ * block.count),
        panel_totals_(block.count),
        factors_(options, references.packed) {
    std::fill_n(row_sums_.data.get(), row_sums_.length, T{0});
  }

  // Leaves first … end of the references. `leaf_limit(node)`: a squared distance within which a node counts whatever the
  // queries say. `add(leaf, list, count)` adds one leaf for some queries.
  template <typename LeafLimit, typename Add>
  void over(std::size_t first, std::size_t end, const LeafLimit& leaf_limit, const Add& add) {
    if (!references_.skips) {
      for (std::size_t leaf = first; leaf < end && !task_.stopped(); ++leaf) {
        begin(leaf);
        add(leaf, block_.all.data(), block_.count);
      }
      return finish_panel();
    }
    const RowTree& tree = references_.tree;
    for (std::size_t node = 0; node < tree.nodes.size() && !task_.stopped();) {
      const RowTree::Node& here = tree.nodes[node];
      const std::size_t after = node + 2 * std::size_t{here.leaves} - 1;
      if (here.first_leaf >= end) break;
      if (here.first_leaf + here.leaves <= first || !block_.is_near(tiles_, tree, node, leaf_limit(node))) {
        node = after;
        continue;
      }
      if (here.leaves == 1) {
        const std::size_t near = block_.near_queries(tiles_, tree, node, leaf_limit(node));
        if (near > 0) {
          begin(here.first_leaf);
          add(here.first_leaf, block_.list(), near);
        }
      }
      ++node;
    }
    finish_panel();
  }

  // Adds a leaf to the sums of the listed queries, and, where there are `columns`, the kernels to those of its rows:
  // [bandwidth][block_rows].
  void add_leaf_to(std::size_t leaf, const std::uint32_t* list, std::size_t count, T* columns) {
    if (count == 0) return;
    const std::uint32_t centre = references_.packed.centre_of[leaf];
    block_.centre(tiles_, references_.packed, centre, list, count);
    LeafSums<T> work = block_.leaf_sums(references_.packed, leaf, list, count);
    work.factors = factors_.of(work.form);
    work.bandwidth_count = bandwidths_;
    work.row_sums = row_sums_.data.get();
    work.row_sum_stride = block_.count * sum_lanes<T>;
    work.column_sums = columns;
    work.column_sum_stride = block_rows<T>;
    tiles_.add_leaf(work);
    if (count == block_.count) {
      all_touched_ = true;
    } else {
      unsigned char* const touched = touched_.data();
      for (std::size_t i = 0; i < count; ++i) touched[list[i]] = 1;
    }
  }

  // Adds what was summed up to here to the totals.
  void collect() {
    list_.clear();
    for (std::size_t q = 0; q < block_.count; ++q) {
      if (all_touched_ || touched_[q] != 0) list_.push_back(static_cast<std::uint32_t>(q));
      touched_[q] = 0;
    }
    all_touched_ = false;
    for (std::size_t b = 0; b < bandwidths_; ++b) {
      tiles_.take_sums(&row_sums_[b * block_.count * sum_lanes<T>], list_.data(), list_.size(), panel_totals_.data());
      for (const std::uint32_t q : list_) totals_[b * block_.count + q].add(panel_totals_[q]);
    }
  }

  // Called with the panel whenever one is done.
  std::function<void(std::size_t)> panel_done;

  const ExactTotal& total(std::size_t bandwidth, std::size_t query) const { return totals_[bandwidth * block_.count + query]; }

 private:
  static constexpr std::size_t no_panel = std::numeric_limits<std::size_t>::max();

  void begin(std::size_t leaf) {
    if (leaf / panel_leaves == panel_) return;
    finish_panel();
    panel_ = leaf / panel_leaves;
  }

  void finish_panel() {
    if (panel_ == no_panel) return;
    collect();
    if (panel_done) panel_done(panel_);
    panel_ = no_panel;
  }

  const References<Raw, T>& references_;
  std::size_t bandwidths_;
  const KernelTiles& tiles_;
  Block<Raw, T>& block_;
  const Task& task_;
  HeapArray<T> row_sums_;  // [bandwidth][query][sum_lanes]
  std::vector<unsigned char> touched_;
  bool all_touched_ = false;
  std::vector<ExactTotal> totals_;
  std::vector<double> panel_totals_;
  Factors<T> factors_;
  std::vector<std::uint32_t> list_;
  std::size_t panel_ = no_panel;
};

// Squared distances from which on kernels may be left out of the sums of queries, from what ln S is at the least:
// log_sums [bandwidth][query].
//
// All references beyond d together add W·exp(−d²/2h²) at the most, W the sum of weights: no more than skip·S for
// d² ≥ 2h²·ln(W/(skip·S)). At several bandwidths, the largest of those.
void limits_from(const double* log_sums, std::size_t count, double total_weight, const KernelSumOptions& options,
                 float* limits) {
  const double log_all = std::log(total_weight / options.skip_below);
  for (std::size_t q = 0; q < count; ++q) {
    double limit = 0;
    for (std::size_t b = 0; b < options.bandwidth_count; ++b) {
      const double h = options.bandwidths[b];
      const double own = 2 * h * h * (log_all - log_sums[b * count + q]);
      if (!(own <= limit)) limit = own;
    }
    // Where nothing counts, nothing is known.
    if (!(limit < std::numeric_limits<double>::infinity())) limit = std::numeric_limits<double>::infinity();
    limits[q] = static_cast<float>(limit * (1 + 1e-6));
  }
}

// ln of a sum, or less: rounding adds less than this takes off.
double lower_log(double sum) { return std::log(sum) - 1e-3; }

// Limits of the rows of one leaf, without weights: the kernels of a leaf with itself are the least of their sums.
template <typename Raw, typename T>
void limits_of_leaf(const References<Raw, T>& references, const KernelSumOptions& options, const Factors<T>& factors,
                    const KernelTiles& tiles, std::size_t leaf, float* limits) {
  constexpr std::size_t lanes = leaf_rows<T>;
  const std::size_t count = references.tree.leaf_end(leaf) - leaf * lanes;
  const std::size_t columns = references.varying.count();
  const std::size_t bandwidths = options.bandwidth_count;
  LeafSums<T> work = packed_leaf(references.packed, leaf, columns);
  work.query_half_norms = work.half_norms;
  HeapArray<T> queries(count * columns);
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t i = 0; i < count; ++i) queries[i * columns + c] = work.rows[c * lanes + i];
  }
  work.queries = queries.data.get();
  work.query_stride = columns;
  std::uint32_t all[lanes];
  for (std::size_t i = 0; i < lanes; ++i) all[i] = static_cast<std::uint32_t>(i);
  work.list = all;
  work.count = count;
  work.factors = factors.of(work.form);
  work.bandwidth_count = bandwidths;
  HeapArray<T> sums(bandwidths * count * sum_lanes<T>);
  std::fill_n(sums.data.get(), sums.length, T{0});
  work.row_sums = sums.data.get();
  work.row_sum_stride = count * sum_lanes<T>;
  tiles.add_leaf(work);
  std::vector<double> log_sums(bandwidths * count);
  for (std::size_t b = 0; b < bandwidths; ++b) {
    tiles.take_sums(&sums[b * work.row_sum_stride], all, count, &log_sums[b * count]);
  }
  // A row by itself is 1 of its sum.
  for (double& sum : log_sums) sum = lower_log(std::max(sum, 1.0));
  limits_from(log_sums.data(), count, references.total_weight, options, limits);
}

// Limits of any queries: what the leaf to which each belongs adds is the least of its sum.
template <typename Raw, typename T>
std::vector<float> limits_of(const References<Raw, T>& references, const KernelSumOptions& options, const KernelTiles& tiles,
                             Block<Raw, T>& block, const std::vector<std::size_t>& home_leaves, const Task& task) {
  const std::size_t count = block.count;
  const std::size_t bandwidths = options.bandwidth_count;
  std::vector<std::uint32_t> by_leaf = block.all;
  std::stable_sort(by_leaf.begin(), by_leaf.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return home_leaves[a] < home_leaves[b]; });
  const auto each_leaf = [&](const std::vector<std::uint32_t>& list, const auto& visit) {
    for (std::size_t first = 0; first < list.size();) {
      const std::size_t home = home_leaves[list[first]];
      std::size_t end = first + 1;
      while (end < list.size() && home_leaves[list[end]] == home) ++end;
      visit(home, list.data() + first, end - first);
      first = end;
    }
  };
  Sweep<Raw, T> sweep(references, options, tiles, block, task);
  each_leaf(by_leaf, [&](std::size_t home, const std::uint32_t* list, std::size_t listed) {
    sweep.add_leaf_to(home, list, listed, nullptr);
  });
  sweep.collect();
  std::vector<double> log_sums(bandwidths * count);
  std::vector<std::uint32_t> far;
  for (const std::uint32_t q : by_leaf) {
    bool is_far = false;
    for (std::size_t b = 0; b < bandwidths; ++b) {
      const double sum = sweep.total(b, q).value();
      is_far = is_far || !(sum >= plain_sum_floor);
      log_sums[b * count + q] = lower_log(sum);
    }
    if (is_far) far.push_back(q);
  }

  // Where the digits end, in float64 relative to the nearest.
  std::vector<double> nearest(count, std::numeric_limits<double>::infinity());
  std::vector<double> sums(bandwidths * count, 0.0);
  GatheredLeaf leaf;
  each_leaf(far, [&](std::size_t home, const std::uint32_t* list, std::size_t listed) {
    for (std::size_t begin = home * leaf_rows<T>; begin < references.tree.leaf_end(home); begin += relative_rows) {
      references.gather(begin, std::min(begin + relative_rows, references.tree.leaf_end(home)), leaf);
      RelativeSums work = block.relative_sums(leaf, list, listed);
      work.bandwidths = options.bandwidths;
      work.bandwidth_count = bandwidths;
      work.nearest = nearest.data();
      work.sums = sums.data();
      work.sum_stride = count;
      tiles.add_relative(work);
    }
  });
  for (const std::uint32_t q : far) {
    for (std::size_t b = 0; b < bandwidths; ++b) {
      const double h = options.bandwidths[b];
      log_sums[b * count + q] = std::log(sums[b * count + q]) - nearest[q] / (2 * h * h);
    }
  }

  std::vector<float> limits(count);
  limits_from(log_sums.data(), count, references.total_weight, options, limits.data());
  return limits;
}

// A few references against a few leaves: whether enough of them lies apart for the search to pay.
template <typename Raw, typename T>
bool worth_skipping(const References<Raw, T>& references, const KernelSumOptions& options, const KernelTiles& tiles,
                    const Task& task) {
  const RowTree& tree = references.tree;
  const std::size_t leaves = tree.leaves();
  std::vector<std::size_t> places;
  std::vector<std::size_t> homes;
  for (std::size_t i = 0; i < looked_at; ++i) {
    places.push_back((2 * i + 1) * tree.rows / (2 * looked_at));
    homes.push_back(places.back() / tree.leaf);
  }
  Block<Raw, T> block(references, references.rows, places, nullptr, nullptr);
  block.set_bounds(tree.coordinates, places, limits_of(references, options, tiles, block, homes, task));
  std::size_t near = 0;
  const std::size_t looks = std::min(leaves, looked_at);
  for (std::size_t i = 0; i < looks; ++i) {
    near += block.near_queries(tiles, tree, tree.leaf_nodes[(2 * i + 1) * leaves / (2 * looks)], 0);
  }
  return static_cast<double>(near) <= (1 - worthwhile_share) * static_cast<double>(looks * looked_at);
}

template <typename Raw, typename T>
References<Raw, T> prepare(const Raw* rows, std::size_t count, const Raw* queries, std::size_t query_count,
                           std::size_t columns, const double* weights, const KernelSumOptions& options, Isa isa,
                           unsigned threads, Task& task) {
  const KernelTiles& tiles = kernel_tiles(isa);
  References<Raw, T> references;
  references.varying = VaryingColumns(rows, count, queries, query_count, columns, threads, task);
  references.weights = weights;
  std::size_t kept = count;
  const std::uint32_t* list = nullptr;
  references.total_weight = static_cast<double>(count);
  if (weights != nullptr) {
    references.largest_weight = *std::max_element(weights, weights + count);
    references.total_weight = 0;
    for (std::size_t row = 0; row < count; ++row) {
      const double relative = weights[row] / references.largest_weight;
      if (relative == 0) continue;
      references.kept.push_back(static_cast<std::uint32_t>(row));
      references.total_weight += relative;
    }
    kept = references.kept.size();
    list = references.kept.data();
  }
  const bool ordered = kept >= smallest_tree;
  if (ordered) references.axes = principal_axes(rows, list, kept, columns);
  references.tree =
      order_rows(rows, list, kept, columns, ordered ? &references.axes : nullptr, leaf_rows<T>, isa, threads, task);
  references.rows = PlacedRows<Raw>(rows, columns, references.tree);
  const auto [narrowest, widest] = std::minmax_element(options.bandwidths, options.bandwidths + options.bandwidth_count);
  const double radius = *widest <= most_times_wider * *narrowest ? centred_radius : 0;
  references.packed = pack_rows<Raw, T>(references.rows, references.varying, references.tree, *narrowest, radius, weights,
                                        references.largest_weight, tiles, threads, task);
  references.skips = options.skip_below > 0 && ordered && worth_skipping(references, options, tiles, task);
  return references;
}

// Exact totals of rows, which threads may add to: [bandwidth][row].
class Totals {
 public:
  Totals(std::size_t rows, std::size_t bandwidths, std::size_t rows_per_lock)
      : rows_(rows),
        rows_per_lock_(rows_per_lock),
        totals_(rows * bandwidths),
        locks_(new std::mutex[divide_up(rows, rows_per_lock)]) {}

  // Adds to rows that one lock guards.
  template <typename Values>
  void add(std::size_t first, std::size_t count, std::size_t bandwidths, const Values& value) {
    const std::lock_guard<std::mutex> lock(locks_[first / rows_per_lock_]);
    for (std::size_t b = 0; b < bandwidths; ++b) {
      for (std::size_t i = 0; i < count; ++i) totals_[b * rows_ + first + i].add(value(b, i));
    }
  }
  const ExactTotal& at(std::size_t bandwidth, std::size_t row) const { return totals_[bandwidth * rows_ + row]; }

 private:
  std::size_t rows_;
  std::size_t rows_per_lock_;
  std::vector<ExactTotal> totals_;
  std::unique_ptr<std::mutex[]> locks_;
};

// The queries of a call, in an order of their own.
template <typename Raw>
struct Queries {
  RowTree tree;
  PlacedRows<Raw> rows;
  std::vector<float> limits;  // (places), only where anything is left out
};

template <typename Raw, typename T>
Block<Raw, T> block_of(const KernelSumInput<Raw>& in, const References<Raw, T>& references, const Queries<Raw>& queries,
                       const std::vector<std::size_t>& places, double wider) {
  Block<Raw, T> block(references, queries.rows, places, in.starts, in.ends);
  if (!references.skips || queries.limits.empty()) return block;
  std::vector<float> limits;
  for (const std::size_t place : places) limits.push_back(static_cast<float>(queries.limits[place] + wider));
  block.set_bounds(queries.tree.coordinates, places, limits);
  return block;
}

std::vector<std::size_t> run_of(std::size_t first, std::size_t end) {
  std::vector<std::size_t> places;
  for (std::size_t place = first; place < end; ++place) places.push_back(place);
  return places;
}

// Sums by log-sum-exp of differences in float64, at some bandwidths: [bandwidth][query].
template <typename Raw, typename T>
std::vector<double> exact_log_sums(const References<Raw, T>& references, const std::vector<double>& bandwidths,
                                   const KernelTiles& tiles, Block<Raw, T>& block, const Task& task) {
  std::vector<double> nearest(block.count, std::numeric_limits<double>::infinity());
  std::vector<double> sums(bandwidths.size() * block.count, 0.0);
  GatheredLeaf gathered;
  const auto add = [&](std::size_t begin, std::size_t end, const std::uint32_t* list, std::size_t count) {
    references.gather(begin, end, gathered);
    RelativeSums work = block.relative_sums(gathered, list, count);
    work.bandwidths = bandwidths.data();
    work.bandwidth_count = bandwidths.size();
    work.nearest = nearest.data();
    work.sums = sums.data();
    work.sum_stride = block.count;
    tiles.add_relative(work);
  };
  const RowTree& tree = references.tree;
  if (!references.skips) {
    for (std::size_t begin = 0; begin < tree.rows && !task.stopped(); begin += relative_rows) {
      add(begin, std::min(tree.rows, begin + relative_rows), block.all.data(), block.count);
    }
  } else {
    for (std::size_t node = 0; node < tree.nodes.size() && !task.stopped();) {
      const RowTree::Node& here = tree.nodes[node];
      if (!block.is_near(tiles, tree, node, 0)) {
        node += 2 * std::size_t{here.leaves} - 1;
        continue;
      }
      if (here.leaves == 1) {
        const std::size_t near = block.near_queries(tiles, tree, node, 0);
        if (near > 0) add(here.first_leaf * tree.leaf, tree.leaf_end(here.first_leaf), block.list(), near);
      }
      ++node;
    }
  }
  for (std::size_t b = 0; b < bandwidths.size(); ++b) {
    const double slope = 1 / (2 * bandwidths[b] * bandwidths[b]);
    for (std::size_t q = 0; q < block.count; ++q) {
      double& sum = sums[b * block.count + q];
      sum = std::log(sum) + std::log(references.largest_weight) - nearest[q] * slope;
    }
  }
  return sums;
}

// How far a sum in T may be from the sum itself, nats.
template <typename T>
double error_of(double log_sum, const KernelSumOptions& options) {
  const double rounding = sizeof(T) == 4 ? 2e-5 + 1e-6 * std::abs(log_sum) : 1e-12 * std::max(1.0, std::abs(log_sum));
  return rounding + options.skip_below;
}

}  // namespace

std::uint64_t kernel_sum_units(std::size_t query_count, std::size_t reference_count) {
  return std::uint64_t{query_count} * (divide_up(reference_count, block_rows<double>) + 1);
}

std::uint64_t self_kernel_sum_units(std::size_t rows) {
  const std::uint64_t blocks = divide_up(rows, block_rows<double>);
  return blocks * (blocks + 1) / 2;
}

template <typename Raw, typename T>
void log_kernel_sum(const KernelSumInput<Raw>& in, const KernelSumOptions& options, Isa isa, unsigned threads, Task& task,
                    double* out) {
  const KernelTiles& tiles = kernel_tiles(isa);
  const References<Raw, T> references =
      prepare<Raw, T>(in.references, in.reference_count, in.queries, in.query_count, in.columns, in.weights, options, isa,
                      threads, task);
  const std::size_t m = in.query_count;
  const std::size_t bandwidths = options.bandwidth_count;
  const std::size_t leaves = references.leaves();
  const std::size_t panels = references.panels();

  Queries<Raw> queries;
  queries.tree = order_rows(in.queries, nullptr, m, in.columns, references.skips ? &references.axes : nullptr, bound_group,
                            isa, threads, task);
  queries.rows = PlacedRows<Raw>(in.queries, in.columns, queries.tree);
  const std::size_t blocks = divide_up(m, block_rows<T>);
  const auto places_of = [&](std::size_t block) {
    return run_of(block * block_rows<T>, std::min(m, (block + 1) * block_rows<T>));
  };
  if (references.skips) {
    queries.limits.resize(m);
    parallel_for(blocks, threads, task, [&](std::size_t item) {
      const std::vector<std::size_t> places = places_of(item);
      std::vector<std::size_t> homes;
      const BoundCoordinates& coordinates = queries.tree.coordinates;
      for (const std::size_t place : places) {
        homes.push_back(references.tree.home_leaf(&coordinates.values[place * coordinates.dimensions]));
      }
      Block<Raw, T> block(references, queries.rows, places, in.starts, in.ends);
      const std::vector<float> limits = limits_of(references, options, tiles, block, homes, task);
      std::copy(limits.begin(), limits.end(), queries.limits.begin() + static_cast<std::ptrdiff_t>(places[0]));
    });
  }

  // A query has a unit for each panel as wide as those of float64, and one more for its logarithm. What weighs nothing, and
  // so is not there, is over with the last panel.
  const std::uint64_t units = kernel_sum_units(1, in.reference_count);
  const auto units_before = [&](std::size_t panel) {
    return panel == panels ? units - 1 : std::uint64_t{panel} * (block_rows<T> / block_rows<double>);
  };

  // Each block of queries passes over all panels; where there are few blocks, the panels are dealt out in runs.
  Totals totals(m, bandwidths, block_rows<T>);
  if (!in.all_exact) {
    const std::size_t runs = std::min(panels, divide_up(std::size_t{threads} * 4, blocks == 0 ? 1 : blocks));
    parallel_for(blocks * runs, threads, task, [&](std::size_t item) {
      const std::vector<std::size_t> places = places_of(item / runs);
      const std::size_t run = item % runs;
      Block<Raw, T> block = block_of(in, references, queries, places, 0);
      Sweep<Raw, T> sweep(references, options, tiles, block, task);
      const std::size_t first = panels * run / runs;
      const std::size_t end = panels * (run + 1) / runs;
      std::size_t reported = first;
      const auto report = [&](std::size_t upto) {
        task.advance((units_before(upto) - units_before(reported)) * places.size());
        reported = upto;
      };
      sweep.panel_done = [&](std::size_t panel) { report(panel + 1); };
      sweep.over(first * panel_leaves, std::min(leaves, end * panel_leaves), [](std::size_t) { return 0.0f; },
                 [&](std::size_t leaf, const std::uint32_t* list, std::size_t count) {
                   sweep.add_leaf_to(leaf, list, count, nullptr);
                 });
      report(end);
      totals.add(places[0], places.size(), bandwidths,
                 [&](std::size_t b, std::size_t q) -> const ExactTotal& { return sweep.total(b, q); });
    });
  }

  // Logarithms, and what has to be done again.
  std::vector<std::size_t> again;
  const double log_scale = std::log(references.largest_weight);
  const auto stands = [&](std::size_t b, std::size_t place) {
    if (in.all_exact) return false;
    const double sum = totals.at(b, place).value();
    if (!(sum >= plain_sum_floor)) return false;
    const double log_sum = std::log(sum) + log_scale;
    for (std::size_t i = 0; i < in.decision_count; ++i) {
      if (std::abs(log_sum - in.decisions[i]) <= error_of<T>(log_sum, options)) return false;
    }
    return true;
  };
  for (std::size_t place = 0; place < m; ++place) {
    bool all = true;
    for (std::size_t b = 0; b < bandwidths; ++b) {
      out[b * m + queries.tree.order[place]] = std::log(totals.at(b, place).value()) + log_scale;
      all = all && stands(b, place);
    }
    if (!all) again.push_back(place);
  }
  task.advance(m - again.size());
  double widest = 0;
  for (std::size_t b = 0; b < bandwidths; ++b) widest = std::max(widest, options.bandwidths[b]);
  const double wider =
      options.skip_below > exact_skip ? 2 * widest * widest * std::log(options.skip_below / exact_skip) : 0;
  parallel_for(divide_up(again.size(), exact_rows), threads, task, [&](std::size_t item) {
    const std::vector<std::size_t> places(
        again.begin() + static_cast<std::ptrdiff_t>(item * exact_rows),
        again.begin() + static_cast<std::ptrdiff_t>(std::min(again.size(), (item + 1) * exact_rows)));
    std::vector<std::size_t> narrow;
    std::vector<double> at;
    for (std::size_t b = 0; b < bandwidths; ++b) {
      if (std::all_of(places.begin(), places.end(), [&](std::size_t place) { return stands(b, place); })) continue;
      narrow.push_back(b);
      at.push_back(options.bandwidths[b]);
    }
    Block<Raw, T> block = block_of(in, references, queries, places, wider);
    const std::vector<double> exact = exact_log_sums(references, at, tiles, block, task);
    for (std::size_t b = 0; b < narrow.size(); ++b) {
      for (std::size_t q = 0; q < places.size(); ++q) {
        if (stands(narrow[b], places[q])) continue;
        out[narrow[b] * m + queries.tree.order[places[q]]] = exact[b * places.size() + q];
      }
    }
    task.advance((in.all_exact ? units : 1) * places.size());
  });
}

template <typename Raw, typename T>
void self_kernel_sums(const Raw* rows, std::size_t n, std::size_t columns, const KernelSumOptions& options,
                      std::size_t share, std::size_t shares, Isa isa, unsigned threads, Task& task, double* out) {
  const KernelTiles& tiles = kernel_tiles(isa);
  const References<Raw, T> references = prepare<Raw, T>(rows, n, nullptr, 0, columns, nullptr, options, isa, threads, task);
  const RowTree& tree = references.tree;
  const std::size_t bandwidths = options.bandwidth_count;
  const std::size_t leaves = references.leaves();
  const std::size_t blocks = divide_up(n, block_rows<T>);
  const auto places_of = [&](std::size_t block) {
    return run_of(block * block_rows<T>, std::min(n, (block + 1) * block_rows<T>));
  };
  const auto block_at = [&](const std::vector<std::size_t>& places) {
    return Block<Raw, T>(references, references.rows, places, nullptr, nullptr);
  };

  // A pair counts for both its rows, so it is left out only where it is too far for either: the limit of a node is the
  // largest of its rows.
  std::vector<float> limits(references.skips ? n : 0);
  std::vector<float> node_limits(references.skips ? tree.nodes.size() : 0, 0.0f);
  if (references.skips) {
    const Factors<T> factors(options, references.packed);
    parallel_for(blocks, threads, task, [&](std::size_t item) {
      for (std::size_t leaf = item * panel_leaves; leaf < std::min(leaves, (item + 1) * panel_leaves); ++leaf) {
        limits_of_leaf(references, options, factors, tiles, leaf, &limits[leaf * tree.leaf]);
      }
    });
    for (std::size_t node = tree.nodes.size(); node-- > 0;) {
      const RowTree::Node& here = tree.nodes[node];
      if (here.leaves > 1) {
        node_limits[node] = std::max(node_limits[node + 1], node_limits[tree.right_child(node)]);
      } else {
        const auto first = limits.begin() + static_cast<std::ptrdiff_t>(here.first_leaf * tree.leaf);
        const auto end = limits.begin() + static_cast<std::ptrdiff_t>(tree.leaf_end(here.first_leaf));
        node_limits[node] = *std::max_element(first, end);
      }
    }
  }

  // Blocks go to shares there and back, so that each gets as many long rows of the triangle as short ones.
  std::vector<std::size_t> own;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t turn = block % (2 * shares);
    if ((turn < shares ? turn : 2 * shares - 1 - turn) == share) own.push_back(block);
  }
  // Each block passes over the panels from its own on, in runs where there are few blocks.
  const std::size_t run_length = std::max<std::size_t>(4, divide_up(blocks * own.size(), std::size_t{threads} * 16));
  struct Item {
    std::size_t block, first, end;
  };
  std::vector<Item> items;
  for (const std::size_t block : own) {
    for (std::size_t first = block; first < blocks; first += run_length) {
      items.push_back({block, first, std::min(blocks, first + run_length)});
    }
  }
  Totals totals(n, bandwidths, block_rows<T>);
  const std::uint64_t units = task.total == 0 ? self_kernel_sum_units(n) : task.total;
  std::uint64_t pairs = 0;
  for (const Item& item : items) pairs += item.end - item.first;
  if (pairs == 0) task.advance(units);
  const auto units_of = [&](std::uint64_t of_pairs) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(of_pairs) * units / pairs);
  };
  std::atomic<std::uint64_t> finished{0};
  parallel_for(items.size(), threads, task, [&](std::size_t index) {
    const Item& item = items[index];
    const std::vector<std::size_t> places = places_of(item.block);
    Block<Raw, T> block = block_at(places);
    if (references.skips) {
      block.set_bounds(tree.coordinates, places,
                       {limits.begin() + static_cast<std::ptrdiff_t>(places[0]),
                        limits.begin() + static_cast<std::ptrdiff_t>(places[0] + places.size())});
    }
    Sweep<Raw, T> sweep(references, options, tiles, block, task);
    HeapArray<T> columns_of_panel(bandwidths * block_rows<T>);
    std::fill_n(columns_of_panel.data.get(), columns_of_panel.length, T{0});
    std::size_t reported = item.first;
    const auto report = [&](std::size_t upto) {
      const std::uint64_t before = finished.fetch_add(upto - reported);
      task.advance(units_of(before + upto - reported) - units_of(before));
      reported = upto;
    };
    sweep.panel_done = [&](std::size_t panel) {
      const std::size_t first = panel * block_rows<T>;
      const std::size_t count = std::min(n, first + block_rows<T>) - first;
      totals.add(first, count, bandwidths,
                 [&](std::size_t b, std::size_t i) { return static_cast<double>(columns_of_panel[b * block_rows<T> + i]); });
      std::fill_n(columns_of_panel.data.get(), columns_of_panel.length, T{0});
      report(panel + 1);
    };
    const auto limit_of = [&](std::size_t node) { return node_limits[node]; };
    sweep.over(item.first * panel_leaves, std::min(leaves, item.end * panel_leaves), limit_of,
               [&](std::size_t leaf, const std::uint32_t* list, std::size_t count) {
                 T* const columns_of_leaf = &columns_of_panel[leaf % panel_leaves * leaf_rows<T>];
                 if (leaf / panel_leaves != item.block) return sweep.add_leaf_to(leaf, list, count, columns_of_leaf);
                 // Within the block itself: rows of the leaves before count twice, those of the leaf itself once.
                 const std::size_t begin = leaf % panel_leaves * leaf_rows<T>;
                 const std::size_t before =
                     static_cast<std::size_t>(std::lower_bound(list, list + count, begin) - list);
                 const std::size_t within =
                     static_cast<std::size_t>(std::lower_bound(list, list + count, begin + leaf_rows<T>) - list);
                 sweep.add_leaf_to(leaf, list, before, columns_of_leaf);
                 sweep.add_leaf_to(leaf, list + before, within - before, nullptr);
               });
    report(item.end);
    totals.add(places[0], places.size(), bandwidths,
               [&](std::size_t b, std::size_t q) -> const ExactTotal& { return sweep.total(b, q); });
  });
  for (std::size_t b = 0; b < bandwidths; ++b) {
    for (std::size_t place = 0; place < n; ++place) {
      totals.at(b, place).to_limbs(out + (b * n + tree.order[place]) * ExactTotal::limbs);
    }
  }
}

#define SURPRISAL_KERNEL_SUMS(Raw, T)                                                                                    \
  template void log_kernel_sum<Raw, T>(const KernelSumInput<Raw>&, const KernelSumOptions&, Isa, unsigned, Task&, double*); \
  template void self_kernel_sums<Raw, T>(const Raw*, std::size_t, std::size_t, const KernelSumOptions&, std::size_t,     \
                                         std::size_t, Isa, unsigned, Task&, double*);
SURPRISAL_KERNEL_SUMS(float, float)
SURPRISAL_KERNEL_SUMS(float, double)
SURPRISAL_KERNEL_SUMS(double, double)

}  // namespace surprisal
