#include "quests.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "heap_array.h"

namespace surprisal {
namespace {

// Comparators of Batcher's merge exchange (Knuth, The Art of Computer Programming 3, algorithm 5.2.2M) for n rows.
std::vector<unsigned short> merge_exchange(std::size_t n) {
  std::vector<unsigned short> comparators;
  std::size_t top = 1;
  while (top < n) top *= 2;
  for (std::size_t p = top / 2; p > 0; p /= 2) {
    std::size_t q = top / 2;
    std::size_t r = 0;
    for (std::size_t d = p; d > 0; d = q > p ? q - p : 0, q /= 2, r = p) {
      for (std::size_t i = 0; i + d < n; ++i) {
        if ((i & p) != r) continue;
        comparators.push_back(static_cast<unsigned short>(i));
        comparators.push_back(static_cast<unsigned short>(i + d));
      }
      if (q == p) break;
    }
  }
  return comparators;
}

std::size_t rounded_up(std::size_t count, std::size_t to) { return (count + to - 1) / to * to; }

// A draw of `drawn` out of `tied`, one after the other. For each number u of those that were up already, two rows of chances:
// that exactly c of them were left out, and that besides the next one is drawn.
class Draw {
 public:
  Draw() = default;

  Draw(std::size_t tied, std::size_t drawn) : width_(rounded_up(tied - drawn + 1, environment_lanes)) {
    chances_.resize(rounded_up(2 * (tied + 1), 4) * width_);
    chances_[0] = 1;
    for (std::size_t u = 0; u < tied; ++u) {
      double* const row = chances_.data() + 2 * u * width_;
      double* const and_next = row + width_;
      double* const next_row = and_next + width_;
      for (std::size_t c = u > drawn ? u - drawn : 0; c <= std::min(u, tied - drawn); ++c) {
        const std::size_t missing = drawn - (u - c);
        // Where all that are left must be drawn, nothing may be left over: what rounding leaves would grow without bound.
        const bool certain = missing == tied - u;
        const double next =
            certain ? row[c] : row[c] * static_cast<double>(missing) / static_cast<double>(tied - u);
        and_next[c] = next;
        next_row[c] += next;
        if (!certain) next_row[c + 1] += row[c] - next;
      }
    }
  }

  /// [u][whether the next one is drawn][c], `width` apart.
  const double* chances() const { return chances_.data(); }
  std::size_t width() const { return width_; }

 private:
  std::size_t width_ = 0;
  std::vector<double> chances_;
};

// The loops for one precision.
template <typename T>
struct LoopsOf;

template <>
struct LoopsOf<float> {
  explicit LoopsOf(const EnvironmentLoops& loops)
      : weights(loops.weights_f32), pair_values(loops.pair_values_f32), sorted_sums(loops.sorted_sums_f32) {}
  decltype(EnvironmentLoops::weights_f32) weights;
  decltype(EnvironmentLoops::pair_values_f32) pair_values;
  decltype(EnvironmentLoops::sorted_sums_f32) sorted_sums;
};

template <>
struct LoopsOf<double> {
  explicit LoopsOf(const EnvironmentLoops& loops)
      : weights(loops.weights_f64), pair_values(loops.pair_values_f64), sorted_sums(loops.sorted_sums_f64) {}
  decltype(EnvironmentLoops::weights_f64) weights;
  decltype(EnvironmentLoops::pair_values_f64) pair_values;
  decltype(EnvironmentLoops::sorted_sums_f64) sorted_sums;
};

// Sorting networks by their number of rows; made when they are asked for.
class Networks {
 public:
  const std::vector<unsigned short>& of(std::size_t rows) {
    if (networks_.size() <= rows) networks_.resize(rows + 1);
    std::vector<unsigned short>& network = networks_[rows];
    if (network.empty()) network = merge_exchange(rows);
    return network;
  }

 private:
  std::vector<std::vector<unsigned short>> networks_;
};

// Neighbours of one environment, their values and their sums, in one precision. Made to be used again.
template <typename T>
class Points {
 public:
  Points(const EnvironmentLoops& loops, double cutoff) : loops_(loops), cutoff_(cutoff) {}

  /// Takes the first `count` neighbours.
  void take(const Environment& e, std::size_t count) {
    count_ = count;
    padded_ = rounded_up(count, x2_lanes<T>);
    T* const x = numbers_.at_least(5 * padded_);
    T* const y = x + padded_;
    T* const z = y + padded_;
    squared_.at_least(padded_);
    std::copy(e.squared, e.squared + count, squared_.get());
    std::fill(squared_.get() + count, squared_.get() + padded_, cutoff_ * cutoff_);
    loops_.weights(squared_.get(), padded_, 1 / (cutoff_ * cutoff_), z + padded_, z + 2 * padded_);
    for (std::size_t j = 0; j < count; ++j) {
      const Displacement d = e.displacement(j);
      x[j] = static_cast<T>(d.x);
      y[j] = static_cast<T>(d.y);
      z[j] = static_cast<T>(d.z);
    }
    for (std::size_t j = count; j < padded_; ++j) {
      // What is missing has no weight; it lies apart so that no distance is 0.
      x[j] = static_cast<T>(2 * cutoff_ + static_cast<double>(j + 1));
      y[j] = z[j] = z[padded_ + j] = 0;
    }
  }

  const T* x1() const { return numbers_.get() + 4 * padded_; }
  std::size_t padded() const { return padded_; }
  std::size_t rows() const { return rounded_up(count_, 8); }

  /// Σ_j of the m-th largest value of row j: (rows) numbers, zeros from `count` − 1 on.
  const T* sums(Networks& networks) {
    T* const values = pair_values();
    const std::vector<unsigned short> none;
    const std::vector<unsigned short>& network = rows() <= 32 ? none : networks.of(rows());
    T* const parts = parts_.at_least(rows() * (x2_lanes<T> + 1));
    T* const sums = parts + rows() * x2_lanes<T>;
    loops_.sorted_sums(values, rows(), padded_, network.data(), network.size() / 2, parts, sums);
    return sums;
  }

  /// √w_j √w_l / r_jl as [l][j], with rows of zeros up to the next multiple of 8.
  T* pair_values() {
    const T* const x = numbers_.get();
    T* const values = values_.at_least(rows() * padded_);
    loops_.pair_values({x, x + padded_, x + 2 * padded_, x + 3 * padded_, padded_}, rows(), values);
    return values;
  }

 private:
  const LoopsOf<T> loops_;
  const double cutoff_;
  std::size_t count_ = 0;
  std::size_t padded_ = 0;
  Room<T> numbers_;  // x, y, z, √w and X1
  Room<double> squared_;
  Room<T> values_;
  Room<T> parts_;
};

template <typename T>
class QuestsVisitor {
 public:
  QuestsVisitor(const StructureBatch& batch, const QuestsOptions& options, const EnvironmentLoops& loops,
                const Task& task, T* out)
      : batch_(batch),
        options_(options),
        loops_(loops),
        task_(task),
        out_(out),
        points_(loops, options.cutoff),
        exact_points_(loops, options.cutoff) {}

  void operator()(const Environment& e) {
    const std::size_t k = options_.k;
    const std::size_t n = std::min(k, e.shown);
    T* row = out_ + e.row * options_.columns();
    points_.take(e, n);
    if (options_.x1) {
      std::copy(points_.x1(), points_.x1() + n, row);
      std::fill(row + n, row + k, T{0});
      row += k;
    }
    if (!options_.x2) return;
    if (e.shown > k) {
      mean_over_choices(e);
      write(x2_.data(), k - 1, row);
      return;
    }
    const T* const sums = points_.sums(networks_);
    const std::size_t count = n == 0 ? 0 : n - 1;
    if (sizeof(T) < sizeof(double) && count > 0 && !(sums[0] < largest_mean * static_cast<T>(n))) {
      exact_points_.take(e, n);
      write_sums(e, exact_points_.sums(networks_), count, row);
    } else {
      write_sums(e, sums, count, row);
    }
  }

 private:
  // X2_1 (1/Å), of as many rows as there are, from which on some neighbours may lie so near to one another that their
  // distance suffers from float32.
  static constexpr int largest_mean = 2;
  // 1/Å, of pairs that lie at the same place.
  static constexpr double nearest_pair = 1e30;

  // Two neighbours at the same place are found around either of them as well. But those may be described later, and no row is to
  // be handed on that nobody can compute with.
  template <typename Sum>
  void write_sums(const Environment& e, const Sum* sums, std::size_t count, T* row) const {
    if (count > 0 && !(sums[0] < static_cast<Sum>(nearest_pair))) throw two_at_once(e);
    write(sums, count, row);
  }

  template <typename Sum>
  void write(const Sum* sums, std::size_t count, T* row) const {
    const auto k = static_cast<Sum>(options_.k);
    for (std::size_t m = 0; m < count; ++m) row[m] = static_cast<T>(sums[m] / k);
    std::fill(row + count, row + options_.k - 1, T{0});
  }

  // The mean over every way to choose k − |I| of the tied neighbours T. In each row, the candidates are sorted once; one
  // of them is the m-th largest if it is chosen and exactly m − 1 of those before it are (hypergeometric chances).
  void mean_over_choices(const Environment& e) {
    const std::size_t k = options_.k;
    const std::size_t n = e.shown;
    const double kth = std::sqrt(e.squared[k - 1]);
    std::size_t sure = 0;
    while (std::sqrt(e.squared[sure]) < kth - options_.tie_tolerance) ++sure;
    const std::size_t tied = n - sure;
    const std::size_t drawn = k - sure;
    if (tied != tied_ || drawn != drawn_) {
      others_ = Draw(tied, drawn);
      without_itself_ = Draw(tied - 1, drawn - 1);
      tied_ = tied;
      drawn_ = drawn;
    }
    exact_points_.take(e, n);
    double* const values = exact_points_.pair_values();
    const std::size_t padded = exact_points_.padded();
    mark_tied(e, sure, values);
    const std::vector<unsigned short>& network = networks_.of(n);
    // With thousands of neighbours one environment takes a second, so the wish to stop is looked for in between.
    for (std::size_t lane = 0; lane < padded && !task_.stopped(); lane += environment_lanes) {
      loops_.sort_columns_f64(values + lane, environment_lanes, padded, network.data(), network.size() / 2);
    }
    tied_before_.assign(n, 0);
    ways_apart_ = rounded_up(2 * (tied + 1), environment_lanes);
    weights_.assign(ways * ways_apart_, 0.0);
    by_left_out_.resize(others_.width());
    x2_.assign(n, 0.0);
    const double chance_of_row = static_cast<double>(drawn) / static_cast<double>(tied);
    for (std::size_t m = 0; m + 1 < n && !task_.stopped(); ++m) {
      add_expected(m, values + m * padded, 0, sure, others_, 1);
      add_expected(m, values + m * padded, sure, n, without_itself_, chance_of_row);
    }
  }

  // Whether a value comes from a tied neighbour travels through the sorting in its last bit.
  void mark_tied(const Environment& e, std::size_t sure, double* values) {
    const std::size_t n = e.shown;
    const std::size_t padded = exact_points_.padded();
    for (std::size_t l = 0; l < n; ++l) {
      double* const row = values + l * padded;
      if (!loops_.mark(row, padded, l >= sure)) throw two_at_once(e);
      row[l] = 0;
    }
  }

  // The two neighbours that lie nearest to each other.
  Error two_at_once(const Environment& e) const {
    std::size_t one = 0;
    std::size_t other = 0;
    double nearest = std::numeric_limits<double>::infinity();
    for (std::size_t l = 1; l < e.shown; ++l) {
      const Displacement here = e.displacement(l);
      for (std::size_t j = 0; j < l; ++j) {
        const Displacement there = e.displacement(j);
        const double apart = std::abs(there.x - here.x) + std::abs(there.y - here.y) + std::abs(there.z - here.z);
        if (!(apart < nearest)) continue;
        nearest = apart;
        one = j;
        other = l;
      }
    }
    return coincident_atoms(batch_, e.neighbor(one), e.neighbor(other));
  }

  // What the (m+1)-th largest candidates of rows `first` to `end` add. It depends on how many tied ones came before, so
  // values are summed by that number, and each sum is multiplied by its chances.
  void add_expected(std::size_t m, const double* values, std::size_t first, std::size_t end, const Draw& draw,
                    double chance_of_row) {
    std::uint32_t most = 0;
    double* const weights = weights_.data();
    std::uint32_t* const tied_before = tied_before_.data();
    for (std::size_t j = first; j < end; ++j) {
      std::uint64_t bits;
      std::memcpy(&bits, values + j, sizeof bits);
      if (bits <= 1) continue;  // nothing but zeros from here on, the neighbour itself among them
      const std::uint32_t before = tied_before[j];
      weights[j % ways * ways_apart_ + 2 * std::size_t{before} + (bits & 1)] += values[j];
      tied_before[j] = before + static_cast<std::uint32_t>(bits & 1);
      most = std::max(most, before);
    }
    loops_.combine(weights, ways_apart_, 2 * std::size_t{most} + 2, draw.chances(), draw.width(), by_left_out_.data());
    for (std::size_t c = 0; c <= std::min(m, draw.width() - 1); ++c) x2_[m - c] += chance_of_row * by_left_out_[c];
  }

  // In a crystal many rows add to one number, each of which would have to wait for the one before.
  static constexpr std::size_t ways = 4;

  const StructureBatch& batch_;
  const QuestsOptions& options_;
  const EnvironmentLoops& loops_;
  const Task& task_;
  T* const out_;
  Networks networks_;
  Points<T> points_;
  Points<double> exact_points_;
  std::vector<double> x2_;
  std::vector<std::uint32_t> tied_before_;  // for each row
  std::vector<double> weights_;             // [way][tied before][whether tied itself]
  std::size_t ways_apart_ = 0;
  std::vector<double> by_left_out_;
  std::size_t tied_ = 0;
  std::size_t drawn_ = 0;
  Draw others_;
  Draw without_itself_;
};

template <typename T>
std::function<EnvironmentVisitor()> visitor_maker(const StructureBatch& batch, const QuestsOptions& options,
                                                  const EnvironmentLoops& loops, const Task& task, T* out) {
  return [&, out]() -> EnvironmentVisitor {
    const auto visitor = std::make_shared<QuestsVisitor<T>>(batch, options, loops, task, out);
    return [visitor](const Environment& e) { (*visitor)(e); };
  };
}

EnvironmentRequest request_of(const QuestsOptions& options) {
  return {options.cutoff, options.k, options.tie_tolerance, false};
}

}  // namespace

template <typename T>
void quests_descriptors(const StructureBatch& batch, const QuestsOptions& options, Isa isa, unsigned threads, Task& task,
                        T* out) {
  visit_environments(batch, request_of(options), isa, threads, task,
                     visitor_maker(batch, options, environment_loops(isa), task, out));
}

template void quests_descriptors(const StructureBatch&, const QuestsOptions&, Isa, unsigned, Task&, float*);
template void quests_descriptors(const StructureBatch&, const QuestsOptions&, Isa, unsigned, Task&, double*);

template <typename T>
void QuestsFrame::describe(std::size_t first, std::size_t end, Isa isa, unsigned threads, Task& task, T* out,
                           std::uint32_t* atoms) {
  if (!grid_) {
    auto grid = std::make_unique<CellGrid>();
    grid->build(batch_, 0, options_.cutoff, threads, task);
    grid_ = std::move(grid);
  }
  visit_places(batch_, *grid_, first, end, request_of(options_), isa, threads, task,
               visitor_maker(batch_, options_, environment_loops(isa), task, out));
  for (std::size_t place = first; place < end; ++place) atoms[place - first] = grid_->atom(place);
}

template void QuestsFrame::describe(std::size_t, std::size_t, Isa, unsigned, Task&, float*, std::uint32_t*);
template void QuestsFrame::describe(std::size_t, std::size_t, Isa, unsigned, Task&, double*, std::uint32_t*);

}  // namespace surprisal
