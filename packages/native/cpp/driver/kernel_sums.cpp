// Kernel sums over references that are put in order: what is left out, pairs that count for both rows, shares, decisions.

#include <cmath>
#include <cstdint>
#include <random>
#include <thread>

#include "../core/exact_total.h"
#include "../core/kernel_sum.h"
#include "../core/kernel_tiles.h"
#include "../core/row_tree.h"
#include "checks.h"

namespace surprisal {
namespace {

struct Case {
  std::string name;
  std::size_t columns;
  std::vector<double> rows;
  std::vector<double> bandwidths;

  std::size_t count() const { return rows.size() / columns; }
};

// Clusters of very different widths, a few rows far from everything, and rows that are equal to others.
Case clusters(const std::string& name, unsigned seed, std::size_t count, std::size_t columns, double apart,
              const std::vector<double>& bandwidths) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  Case result{name, columns, std::vector<double>(count * columns), bandwidths};
  std::vector<double> centres(12 * columns);
  for (double& x : centres) x = 0.3 + apart * normal(random);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t cluster = i * 7 % 12;
    const double width = 0.002 * std::pow(1.6, static_cast<double>(cluster)) / std::sqrt(static_cast<double>(columns));
    for (std::size_t c = 0; c < columns; ++c) {
      double& x = result.rows[i * columns + c];
      if (i % 10 == 9) {
        x = result.rows[(i - 9) * columns + c];
      } else {
        x = centres[cluster * columns + c] + width * normal(random) + (i % 1000 == 100 ? 40 : 0);
      }
    }
  }
  // What float32 holds, so that both precisions sum the same.
  for (double& x : result.rows) x = static_cast<float>(x);
  return result;
}

// ln Σ_j w_j K of some rows over all, as the equation has it: [bandwidth][query].
std::vector<double> brute_force(const Case& c, const std::vector<std::size_t>& queries, const std::vector<double>& weights,
                                std::size_t half_window) {
  std::vector<double> sums(c.bandwidths.size() * queries.size());
  std::vector<double> squared(c.count());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const std::size_t i = queries[q];
    double nearest = INFINITY;
    for (std::size_t j = 0; j < c.count(); ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < c.columns; ++k) {
        const double d = c.rows[i * c.columns + k] - c.rows[j * c.columns + k];
        sum += d * d;
      }
      const bool out = half_window > 0 && j + half_window > i && j < i + half_window;
      squared[j] = out || (!weights.empty() && weights[j] == 0) ? INFINITY : sum;
      nearest = std::min(nearest, squared[j]);
    }
    for (std::size_t b = 0; b < c.bandwidths.size(); ++b) {
      const double slope = 1 / (2 * c.bandwidths[b] * c.bandwidths[b]);
      double sum = 0;
      for (std::size_t j = 0; j < c.count(); ++j) {
        if (squared[j] < INFINITY) sum += (weights.empty() ? 1 : weights[j]) * std::exp((nearest - squared[j]) * slope);
      }
      sums[b * queries.size() + q] = std::log(sum) - nearest * slope;
    }
  }
  return sums;
}

// Of a row to itself the product of a tile leaves an exponent of 0 to the last bit, wherever the centre is: its kernel is 1.
template <typename T>
void test_distance_to_itself(std::size_t columns, Isa isa) {
  constexpr std::size_t n = leaf_rows<T>;
  const KernelTiles& tiles = kernel_tiles(isa);
  const std::string what =
      std::to_string(columns) + " columns, " + isa_name(isa) + (sizeof(T) == 4 ? ", float32" : ", float64");
  std::mt19937 random(static_cast<unsigned>(columns));
  std::uniform_real_distribution<double> uniform(-3, 3);
  const std::size_t stride = query_stride_of<T>(columns);
  std::vector<T> rows(n * stride), centre(stride), centred(n * stride), half_norms(n), leaf(n * columns);
  for (std::size_t c = 0; c < columns; ++c) {
    for (std::size_t i = 0; i < n; ++i) rows[i * stride + c] = static_cast<T>(uniform(random));
    centre[c] = static_cast<T>(uniform(random));
  }
  std::vector<std::uint32_t> list(n);
  for (std::size_t i = 0; i < n; ++i) list[i] = static_cast<std::uint32_t>(i * 5 % n);
  // In lists of every length: to the same bits.
  std::vector<T> first_centred, first_half_norms;
  bool same = true;
  for (std::size_t length = n; length > 0; --length) {
    std::fill(centred.begin(), centred.end(), T{-1});
    for (std::size_t first = 0; first < n; first += length) {
      tiles.centre_rows({rows.data(), stride, list.data() + first, std::min(length, n - first), centre.data(), T{0.7},
                         centred.data(), half_norms.data()});
    }
    if (length == n) {
      first_centred = centred;
      first_half_norms = half_norms;
    }
    same = same && centred == first_centred && half_norms == first_half_norms;
  }
  check(same, "half norms do not depend on what is centred together, " + what);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < columns; ++c) leaf[c * n + i] = centred[i * stride + c];
  }
  bool exact = true;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::vector<T> weights(n, T{0}), sums(n * sum_lanes<T>, T{0});
    weights[i] = 1;
    const T factor = 1;
    LeafSums<T> work{};
    work.form = TileForm::product;
    work.columns = columns;
    work.rows = leaf.data();
    work.half_norms = half_norms.data();
    work.weights = weights.data();
    work.queries = centred.data();
    work.query_stride = stride;
    work.query_half_norms = half_norms.data();
    work.list = &i;
    work.count = 1;
    work.factors = &factor;
    work.bandwidth_count = 1;
    work.row_sums = sums.data();
    tiles.add_leaf(work);
    T total = 0;
    for (std::size_t lane = 0; lane < sum_lanes<T>; ++lane) total += sums[i * sum_lanes<T> + lane];
    exact = exact && total == 1;
  }
  check(exact, "the distance of a row to itself is 0, " + what);
}

// Nats that may be left out.
std::vector<double> skips() { return brief ? std::vector<double>{1e-6} : std::vector<double>{0, 1e-6, 1e-3}; }

// How many of the rows are queries of sums over all.
constexpr std::size_t cross_queries = 130;

double value_of(const double* limbs) {
  return std::ldexp(limbs[0] + std::ldexp(limbs[1], 41) + std::ldexp(limbs[2], 82), -90);
}

template <typename Raw, typename T>
double allowed(double log_sum, double skip_below) {
  const double rounding = sizeof(T) == 4 ? 2e-5 + 1e-6 * std::abs(log_sum) : 2e-12 * std::max(1.0, std::abs(log_sum));
  return rounding + skip_below;
}

template <typename Raw, typename T>
void test_cross(const Case& c, const std::vector<std::size_t>& some, bool weighted, std::size_t half_window) {
  const std::vector<Raw> rows(c.rows.begin(), c.rows.end());
  const std::size_t n = c.count();
  std::vector<double> weights(weighted ? n : 0);
  for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = j % 5 == 0 ? 0 : 1e-3 * static_cast<double>(1 + j % 11);
  std::vector<std::uint32_t> starts(n);
  std::vector<std::uint32_t> ends(n);
  for (std::size_t i = 0; i < n; ++i) {
    starts[i] = static_cast<std::uint32_t>(i < half_window ? 0 : i - half_window + 1);
    ends[i] = static_cast<std::uint32_t>(std::min(n, i + half_window));
  }
  KernelSumInput<Raw> input{};
  input.queries = input.references = rows.data();
  const std::size_t m = std::min(n, cross_queries);
  input.query_count = m;
  input.reference_count = n;
  input.columns = c.columns;
  input.weights = weighted ? weights.data() : nullptr;
  input.starts = half_window > 0 ? starts.data() : nullptr;
  input.ends = half_window > 0 ? ends.data() : nullptr;
  const std::vector<double> expected = brute_force(c, some, weights, half_window);
  const std::size_t bandwidths = c.bandwidths.size();
  for (const Isa isa : available_isas()) {
    for (const double skip_below : skips()) {
      const std::string what = c.name + (weighted ? ", weighted" : "") + (half_window > 0 ? ", windows" : "") + ", " +
                               isa_name(isa) + (sizeof(T) == 4 ? ", float32" : ", float64") + ", skipping " +
                               std::to_string(skip_below);
      const KernelSumOptions options{c.bandwidths.data(), bandwidths, skip_below};
      std::vector<double> first;
      for (const unsigned threads : thread_counts) {
        if (threads == 2 && skip_below != 1e-6) continue;
        Task task;
        std::vector<double> out(bandwidths * m);
        log_kernel_sum<Raw, T>(input, options, isa, threads, task, out.data());
        if (threads == 1) first = out;
        check(out == first, what + ": threads change nothing");
      }
      for (std::size_t b = 0; b < bandwidths; ++b) {
        for (std::size_t q = 0; q < some.size(); ++q) {
          const double found = first[b * m + some[q]];
          const double wanted = expected[b * some.size() + q];
          check(std::abs(found - wanted) <= allowed<Raw, T>(wanted, skip_below),
                what + ": row " + std::to_string(some[q]) + " is off by " + std::to_string(found - wanted) + " of " +
                    std::to_string(wanted));
        }
      }
      // A few of the rows, in another order: company changes nothing.
      std::vector<Raw> few;
      std::vector<std::uint32_t> few_starts, few_ends;
      for (std::size_t q = some.size(); q-- > 0;) {
        few.insert(few.end(), rows.begin() + static_cast<long>(some[q] * c.columns),
                   rows.begin() + static_cast<long>((some[q] + 1) * c.columns));
        few_starts.push_back(starts[some[q]]);
        few_ends.push_back(ends[some[q]]);
      }
      KernelSumInput<Raw> alone = input;
      alone.queries = few.data();
      alone.query_count = some.size();
      if (half_window > 0) {
        alone.starts = few_starts.data();
        alone.ends = few_ends.data();
      }
      Task task;
      std::vector<double> out(bandwidths * some.size());
      log_kernel_sum<Raw, T>(alone, options, isa, 2, task, out.data());
      bool equal = true;
      for (std::size_t b = 0; b < bandwidths; ++b) {
        for (std::size_t q = 0; q < some.size(); ++q) {
          equal = equal && out[b * some.size() + some.size() - 1 - q] == first[b * m + some[q]];
        }
      }
      check(equal, what + ": company changes nothing");
      // What lies at a decision is decided by what float64 says.
      if (skip_below != 1e-6) continue;
      for (std::size_t q = 0; q < some.size(); q += 7) {
        const double decision = expected[q] + 5e-7;
        KernelSumInput<Raw> decided = input;
        decided.decisions = &decision;
        decided.decision_count = 1;
        log_kernel_sum<Raw, T>(decided, options, isa, 2, task, first.data());
        check(std::abs(first[some[q]] - expected[q]) <= 2e-12 * std::max(1.0, std::abs(expected[q])) + 1e-12,
              what + ": at a decision a sum is exact, not off by " + std::to_string(first[some[q]] - expected[q]));
        break;
      }
    }
  }
}

template <typename Raw, typename T>
void test_self(const Case& c, const std::vector<std::size_t>& some) {
  const std::vector<Raw> rows(c.rows.begin(), c.rows.end());
  const std::size_t n = c.count();
  const std::vector<double> expected = brute_force(c, some, {}, 0);
  const std::size_t size = c.bandwidths.size() * n * ExactTotal::limbs;
  for (const Isa isa : available_isas()) {
    for (const double skip_below : skips()) {
      const std::string what = c.name + ", self, " + isa_name(isa) + (sizeof(T) == 4 ? ", float32" : ", float64") +
                               ", skipping " + std::to_string(skip_below);
      const KernelSumOptions options{c.bandwidths.data(), c.bandwidths.size(), skip_below};
      std::vector<double> first(size);
      Task task;
      task.total = self_kernel_sum_units(n);
      self_kernel_sums<Raw, T>(rows.data(), n, c.columns, options, 0, 1, isa, 1, task, first.data());
      check(task.done == task.total, what + ": progress ends at its total");
      for (const unsigned threads : {2u, 7u}) {
        if (threads == 2 && skip_below != 1e-6) continue;
        std::vector<double> out(size);
        self_kernel_sums<Raw, T>(rows.data(), n, c.columns, options, 0, 1, isa, threads, task, out.data());
        check(out == first, what + ": threads change nothing");
      }
      for (std::size_t b = 0; b < c.bandwidths.size(); ++b) {
        for (std::size_t q = 0; q < some.size(); ++q) {
          const double found = std::log(value_of(&first[(b * n + some[q]) * ExactTotal::limbs]));
          const double wanted = expected[b * some.size() + q];
          check(std::abs(found - wanted) <= allowed<Raw, T>(wanted, skip_below),
                what + ": row " + std::to_string(some[q]) + " is off by " + std::to_string(found - wanted));
        }
      }
      std::vector<double> together(size, 0.0);
      for (std::size_t share = 0; share < 3; ++share) {
        std::vector<double> out(size);
        self_kernel_sums<Raw, T>(rows.data(), n, c.columns, options, share, 3, isa, 2, task, out.data());
        for (std::size_t i = 0; i < size; ++i) together[i] += out[i];
      }
      bool equal = true;
      for (std::size_t i = 0; i < size; i += ExactTotal::limbs) {
        // Limbs of several shares may carry over.
        for (int k = 0; k + 1 < ExactTotal::limbs; ++k) {
          const double carry = std::floor(std::ldexp(together[i + k], -41));
          together[i + k] -= std::ldexp(carry, 41);
          together[i + k + 1] += carry;
        }
        for (int k = 0; k < ExactTotal::limbs; ++k) equal = equal && together[i + k] == first[i + k];
      }
      check(equal, what + ": three shares add up to the same bits");
    }
  }
}

// Two tight clusters, far apart for the narrowest bandwidth and near for the widest: what is too far for products is not too
// far for all of them.
template <typename Raw, typename T>
void test_bandwidths_far_apart() {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> uniform(0, 1e-4);
  Case c{"bandwidths far apart", 2, std::vector<double>(2 * 33 * 2), {1e-3, 1e3, 1e12}};
  for (std::size_t i = 0; i < c.rows.size(); ++i) {
    c.rows[i] = static_cast<float>((i < c.rows.size() / 2 ? 0 : 1000) + uniform(random));
  }
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < c.count(); i += 5) some.push_back(i);
  test_self<Raw, T>(c, some);
  test_cross<Raw, T>(c, some, false, 0);
  test_cross<Raw, T>(c, some, true, 0);
}

void test_interrupted_self_sums() {
  const Case c = clusters("interrupted", 3, 6000, 40, 0.001, {0.5});
  const std::vector<float> rows(c.rows.begin(), c.rows.end());
  std::vector<double> out(6000 * ExactTotal::limbs);
  for (const int milliseconds : {0, 3, 20}) {
    Task task;
    task.total = self_kernel_sum_units(6000);
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
      task.stop = true;
    });
    // The baseline is the slowest: it cannot be done before.
    try {
      for (int round = 0; round < 1000; ++round) {
        self_kernel_sums<float, double>(rows.data(), 6000, 40, {c.bandwidths.data(), 1, 0}, 0, 1, Isa::baseline, 2, task,
                                        out.data());
      }
      check(false, "self sums end when they are interrupted");
    } catch (const Error& error) {
      check(error.code() == "ABORTED", "interrupted self sums say so");
    }
    stopper.join();
  }
}

void test_tree() {
  const Case c = clusters("tree", 4, 5000, 20, 0.1, {0.015});
  Task task;
  const BoundAxes axes = principal_axes(c.rows.data(), nullptr, c.count(), c.columns);
  check(axes.count == 15, "there are fifteen axes of twenty columns");
  const auto tree_of = [&](Isa isa, unsigned threads) {
    return order_rows(c.rows.data(), nullptr, c.count(), c.columns, &axes, 32, isa, threads, task);
  };
  const std::vector<std::uint32_t> first = tree_of(selected_isa(), 1).order;
  for (const Isa isa : available_isas()) {
    check(tree_of(isa, 1).order == first, "the order of rows does not depend on the instruction set");
  }
  for (const unsigned threads : thread_counts) {
    const RowTree tree = tree_of(selected_isa(), threads);
    check(tree.order == first, "the order of rows does not depend on threads");
    std::vector<std::uint32_t> sorted = tree.order;
    std::sort(sorted.begin(), sorted.end());
    bool whole = true;
    for (std::size_t i = 0; i < sorted.size(); ++i) whole = whole && sorted[i] == i;
    check(whole, "every row has a place");
    bool inside = true;
    bool apart = true;
    for (std::size_t node = 0; node < tree.nodes.size(); node += 3) {
      const std::size_t dimensions = tree.coordinates.dimensions;
      const RowTree::Node& here = tree.nodes[node];
      for (std::size_t place = here.first_leaf * 32; place < tree.leaf_end(here.first_leaf + here.leaves - 1); ++place) {
        for (std::size_t k = 0; k < dimensions; ++k) {
          const float x = tree.coordinates.values[place * dimensions + k];
          inside = inside && tree.box_low(node)[k] <= x && x <= tree.box_high(node)[k];
        }
        // No box is farther from a row than a row in it.
        const std::size_t other = node * 13 % c.count();
        double box = 0;
        for (std::size_t k = 0; k < dimensions; ++k) {
          const double x = tree.coordinates.values[other * dimensions + k];
          const double gap = std::max({0.0, tree.box_low(node)[k] - x, x - tree.box_high(node)[k]});
          box += gap * gap;
        }
        double squared = 0;
        for (std::size_t k = 0; k < c.columns; ++k) {
          const double d = c.rows[tree.order[other] * c.columns + k] - c.rows[tree.order[place] * c.columns + k];
          squared += d * d;
        }
        apart = apart && std::sqrt(box) <= std::sqrt(squared) + 2 * tree.coordinates.margins[other];
      }
    }
    check(inside, "boxes hold their rows");
    check(apart, "boxes are not farther than what they hold");
  }
}

// Rows of which every so many stand apart, so that an evenly strided sample finds those alone: the median is not among them.
void test_tree_of_rows_in_turns() {
  constexpr std::size_t columns = 2;
  constexpr std::size_t n = 2048;
  std::vector<float> rows(n * columns);
  for (std::size_t i = 0; i < n; ++i) {
    rows[i * columns] = (i % 32 == 0 ? 100.0f : 0.0f) + 1e-3f * static_cast<float>(i * 37 % n);
    rows[i * columns + 1] = 1e-4f * static_cast<float>(i * 101 % n);
  }
  Task task;
  const BoundAxes axes = principal_axes(rows.data(), nullptr, n, columns);
  const RowTree tree = order_rows(rows.data(), nullptr, n, columns, &axes, 32, selected_isa(), 2, task);
  const RowTree::Node& root = tree.nodes[0];
  std::size_t left = 0;
  bool parted = true;
  for (std::size_t place = 0; place < n; ++place) {
    const float x = tree.coordinates.values[place * tree.coordinates.dimensions + root.axis];
    const bool is_left = place < n / 2;
    left += is_left ? 1 : 0;
    parted = parted && (is_left ? x <= root.split : x >= root.split);
  }
  check(parted && left == n / 2, "the median is found where a sample of the rows misleads");
}

// What only fills up a group is near to nothing, not even to the box of a row of which nothing is known.
void test_queries_that_are_none() {
  constexpr std::size_t count = 5;
  std::vector<float> low(bound_group, INFINITY), high(bound_group, -INFINITY), limits(bound_group, -1.0f);
  for (std::size_t q = 0; q < count; ++q) {
    low[q] = high[q] = static_cast<float>(q);
    limits[q] = 0.5f;
  }
  const float everywhere[2] = {-INFINITY, INFINITY};
  const std::uint32_t group = 0;
  for (const Isa isa : available_isas()) {
    for (const float least_limit : {0.0f, 3.0f}) {
      const BoundCheck all{1, &everywhere[0], &everywhere[1], low.data(), high.data(), limits.data(), least_limit, &group, 1};
      std::uint32_t list[bound_group];
      check(kernel_tiles(isa).near_queries(all, list) == count, std::string("all queries, and no others, ") + isa_name(isa));
    }
  }
}

// A row so far that nothing is known of where it lies, among so many that it is not of the sample from which axes are made,
// and a last block that is not full.
void test_self_sums_of_a_stray() {
  Case c = clusters("a stray", 8, 2100, 3, 1.0, {0.02});
  // Of 2100 rows 2048 are of the sample; these two are not.
  std::vector<std::size_t> some{100};
  for (const std::size_t row : {40, 121}) {
    c.rows[row * 3 + 1] = 1e16f;
    some.push_back(row);
  }
  test_self<float, float>(c, some);
  if (!brief) test_self<double, double>(c, some);
}

// Columns in which all rows are equal, as of molecules with few atoms; one query that differs there counts as it should, and
// changes no bit of the others. Rows lie so far out, and so near together, that a centre next to the equal numbers would show.
template <typename Raw, typename T>
void test_columns_of_equal_numbers_in() {
  const std::size_t columns = 12;
  const double h = sizeof(Raw) == 4 ? 0.015 : 1e-6;
  Case c = clusters("columns of equal numbers", 9, 1100, columns, 0.05, {h});
  for (std::size_t i = 0; i < c.count(); ++i) {
    for (std::size_t k = 0; k < columns; ++k) {
      double& x = c.rows[i * columns + k];
      x = k == 0 || k == 7 ? 100.1 : k == 3 || k == 11 ? 0 : 100.1 + x / 0.015 * h;
      if (sizeof(Raw) == 4) x = static_cast<float>(x);
    }
  }
  const std::string what = sizeof(Raw) == 8 ? "float64" : sizeof(T) == 8 ? "float32 in float64" : "float32";
  if (sizeof(Raw) == sizeof(T)) test_self<Raw, T>(c, {0, 5, 100, 1099});
  test_cross<Raw, T>(c, {0, 5, 100, 129}, true, 0);
  const std::vector<Raw> rows(c.rows.begin(), c.rows.end());
  std::vector<Raw> queries(rows.begin(), rows.begin() + 40 * columns);
  queries[39 * columns] += static_cast<Raw>(2 * h);
  for (const Isa isa : available_isas()) {
    double sums[2][40];
    for (const std::size_t count : {39, 40}) {
      Task task;
      KernelSumInput<Raw> in{};
      in.queries = queries.data();
      in.query_count = count;
      in.references = rows.data();
      in.reference_count = c.count();
      in.columns = columns;
      log_kernel_sum<Raw, T>(in, {&h, 1, 0}, isa, 1, task, sums[count - 39]);
    }
    check(std::equal(sums[0], sums[0] + 39, sums[1]),
          "a query that differs where no row does changes no other, " + what + ", " + isa_name(isa));
    // It is as far from every row as that one of them that it equals elsewhere, and by its difference farther.
    const double d = static_cast<double>(queries[39 * columns]) - rows[39 * columns];
    const double wanted = brute_force(c, {39}, {}, 0)[0] - d * d / (2 * h * h);
    check(std::abs(sums[1][39] - wanted) <= allowed<Raw, T>(wanted, 0) + (sizeof(Raw) == 8 ? 1e-9 : 0),
          "a query that differs where no row does, " + what + ", " + isa_name(isa));
  }
}

// The references are the beginning of the queries, in one array. Among the references one column varies from row 1050 on,
// another only among the queries behind them: it tells these apart.
void test_references_at_the_beginning_of_queries() {
  constexpr std::size_t columns = 6;
  constexpr std::size_t references = 1100;
  const double h = 0.015;
  Case c = clusters("references at the beginning of queries", 10, 1200, columns, 0.05, {h});
  for (std::size_t i = 0; i < c.count(); ++i) {
    c.rows[i * columns + 2] = i < 1050 ? 0.25 : 0.25 + 1e-3 * static_cast<double>(i % 7);
    c.rows[i * columns + 4] = i < references ? 0.5 : 0.5 + 1e-2 * static_cast<double>(i % 3);
    for (std::size_t k = 0; k < columns; ++k) c.rows[i * columns + k] = static_cast<float>(c.rows[i * columns + k]);
  }
  const std::vector<float> rows(c.rows.begin(), c.rows.end());
  const std::vector<float> apart = rows;
  std::vector<double> weights(c.count(), 0.0);
  std::fill_n(weights.begin(), references, 1.0);
  const std::vector<std::size_t> some{0, 1060, 1100, 1101, 1102, 1199};
  const std::vector<double> wanted = brute_force(c, some, weights, 0);
  for (const Isa isa : available_isas()) {
    for (const unsigned threads : thread_counts) {
      std::vector<double> sums[2];
      for (const float* of : {rows.data(), apart.data()}) {
        Task task;
        KernelSumInput<float> in{};
        in.queries = rows.data();
        in.query_count = c.count();
        in.references = of;
        in.reference_count = references;
        in.columns = columns;
        std::vector<double>& out = sums[of == rows.data() ? 0 : 1];
        out.resize(c.count());
        log_kernel_sum<float, float>(in, {&h, 1, 1e-6}, isa, threads, task, out.data());
      }
      check(sums[0] == sums[1], std::string("references may lie in the array of the queries, ") + isa_name(isa));
      for (std::size_t q = 0; q < some.size(); ++q) {
        check(std::abs(sums[0][some[q]] - wanted[q]) <= allowed<float, float>(wanted[q], 1e-6),
              std::string("a column that varies among queries alone counts, ") + isa_name(isa));
      }
    }
  }
}

}  // namespace

void test_columns_of_equal_numbers() {
  test_references_at_the_beginning_of_queries();
  test_columns_of_equal_numbers_in<float, float>();
  test_columns_of_equal_numbers_in<float, double>();
  test_columns_of_equal_numbers_in<double, double>();
}

void test_ordered_kernel_sums() {
  test_tree();
  test_tree_of_rows_in_turns();
  test_queries_that_are_none();
  test_self_sums_of_a_stray();
  const std::size_t part = brief ? 4 : 1;  // of the rows that an emulator has time for
  const std::vector<Case> cases{
      clusters("many clusters", 1, 2100 / part, 20, 0.08, {0.015}),
      clusters("two bandwidths", 2, 1500 / part, 9, 0.05, {0.03, 0.004}),
      clusters("one column", 3, 1100 / part, 1, 0.5, {0.01}),
      clusters("three hundred columns", 4, 1030 / part, 300, 0.01, {0.02}),
      clusters("one cloud", 5, 1300 / part, 5, 0.0, {0.1}),
      clusters("few rows", 6, 33, 7, 0.05, {0.015, 0.05}),
      clusters("one row", 7, 1, 3, 0.05, {0.015}),
      Case{"equal rows", 4, std::vector<double>(1200 * 4, 0.25), {0.001}},
  };
  for (const Case& c : cases) {
    std::vector<std::size_t> some;
    for (std::size_t i = 0; i < c.count(); i += std::max<std::size_t>(1, c.count() / 23)) some.push_back(i);
    std::vector<std::size_t> first;
    for (std::size_t i = 0; i < std::min(c.count(), cross_queries); i += 9) first.push_back(i);
    if (c.count() > 109) {
      for (std::vector<std::size_t>* list : {&some, &first}) {
        list->push_back(100);  // far from everything
        list->push_back(109);  // and so is its equal
      }
    }
    test_self<float, float>(c, some);
    test_self<float, double>(c, some);
    test_self<double, double>(c, some);
    for (const bool weighted : {false, true}) {
      if (weighted && c.count() == 1) continue;
      test_cross<float, float>(c, first, weighted, 0);
      test_cross<double, double>(c, first, weighted, 0);
      if (c.count() < 100) continue;
      test_cross<float, float>(c, first, weighted, 1);
      test_cross<float, double>(c, first, weighted, 30);
      test_cross<float, float>(c, first, weighted, 30);
    }
  }
  test_columns_of_equal_numbers();
  for (const Isa isa : available_isas()) {
    for (const std::size_t columns : {1, 5, 8, 11, 63, 64, 130}) {
      test_distance_to_itself<float>(columns, isa);
      test_distance_to_itself<double>(columns, isa);
    }
  }
  // Equal rows have distance 0 to the last bit.
  const std::vector<float> equal(1200 * 4, 0.1f);
  const double bandwidth = 1e-4;
  for (const Isa isa : available_isas()) {
    Task task;
    std::vector<double> limbs(1200 * ExactTotal::limbs);
    self_kernel_sums<float, float>(equal.data(), 1200, 4, {&bandwidth, 1, 1e-6}, 0, 1, isa, 2, task, limbs.data());
    bool exact = true;
    for (std::size_t i = 0; i < 1200; ++i) exact = exact && value_of(&limbs[i * ExactTotal::limbs]) == 1200;
    check(exact, std::string("equal rows count for 1 each, ") + isa_name(isa));
  }
  test_bandwidths_far_apart<float, float>();
  test_bandwidths_far_apart<float, double>();
  test_bandwidths_far_apart<double, double>();
  test_interrupted_self_sums();
}

}  // namespace surprisal
