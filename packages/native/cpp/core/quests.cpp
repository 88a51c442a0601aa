#include "quests.h"

#include <algorithm>
#include <cmath>
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

// A draw of `drawn` out of `tied`, one after the other: for each number u of those that were up already, the chances that
// exactly x of them were drawn (row(u)[x]), and that besides the next one is drawn (row_and_next(u)[x]).
class Draw {
 public:
  Draw(std::size_t tied, std::size_t drawn)
      : width_(drawn + 1), drawn_((tied + 1) * width_, 0.0), and_next_(drawn_.size(), 0.0) {
    drawn_[0] = 1;
    for (std::size_t u = 0; u < tied; ++u) {
      for (std::size_t x = 0; x < chances(u); ++x) {
        const double chance = drawn_[u * width_ + x];
        // Where all that are left must be drawn, nothing may be left over: what rounding leaves would grow without bound.
        const bool certain = drawn - x == tied - u;
        const double next = certain ? chance : chance * static_cast<double>(drawn - x) / static_cast<double>(tied - u);
        and_next_[u * width_ + x] = next;
        if (x < drawn) drawn_[(u + 1) * width_ + x + 1] += next;
        drawn_[(u + 1) * width_ + x] += chance - next;
      }
    }
  }

  /// How many x there are.
  std::size_t chances(std::size_t u) const { return std::min(u + 1, width_); }
  const double* row(std::size_t u) const { return drawn_.data() + u * width_; }
  const double* row_and_next(std::size_t u) const { return and_next_.data() + u * width_; }

 private:
  std::size_t width_;
  std::vector<double> drawn_;
  std::vector<double> and_next_;
};

template <typename T>
class QuestsVisitor {
 public:
  QuestsVisitor(const StructureBatch& batch, const QuestsOptions& options, const EnvironmentLoops& loops,
                const std::vector<unsigned short>& comparators, const Task& task, T* out)
      : batch_(batch), options_(options), loops_(loops), comparators_(comparators), task_(task), out_(out) {
    stride_ = (options.k + environment_lanes - 1) / environment_lanes * environment_lanes;
    points_ = aligned_array<double>(4 * stride_);
    matrix_ = aligned_array<double>(options.k * stride_);
    x2_.resize(options.k);
  }

  void operator()(const Environment& e) {
    const std::size_t k = options_.k;
    T* row = out_ + e.row * options_.columns();
    if (options_.x1) {
      for (std::size_t j = 0; j < k; ++j) row[j] = static_cast<T>(j < e.neighbors.size() ? x1(e.neighbors[j]) : 0.0);
      row += k;
    }
    if (!options_.x2) return;
    if (e.neighbors.size() <= k) {
      plain(e);
    } else {
      mean_over_choices(e);
    }
    for (std::size_t m = 0; m + 1 < k; ++m) row[m] = static_cast<T>(x2_[m] / static_cast<double>(k));
  }

 private:
  double root_weight(const Neighbor& n) const {
    return std::max(0.0, 1 - n.squared / (options_.cutoff * options_.cutoff));
  }

  double x1(const Neighbor& n) const {
    const double root = root_weight(n);
    return root * root / std::sqrt(n.squared);
  }

  // X2 of up to k neighbours, all rows sorted at once: lanes are the neighbours j.
  void plain(const Environment& e) {
    const std::size_t k = options_.k;
    const std::size_t n = e.neighbors.size();
    double* const x = points_.get();
    double* const y = x + stride_;
    double* const z = y + stride_;
    double* const s = z + stride_;
    for (std::size_t j = 0; j < stride_; ++j) {
      // What is missing has no weight; it lies apart so that no distance is 0.
      x[j] = j < n ? e.neighbors[j].x : 2 * options_.cutoff + static_cast<double>(j + 1);
      y[j] = j < n ? e.neighbors[j].y : 0;
      z[j] = j < n ? e.neighbors[j].z : 0;
      s[j] = j < n ? root_weight(e.neighbors[j]) : 0;
    }
    loops_.pair_matrix(x, y, z, s, k, stride_, matrix_.get());
    // With thousands of neighbours one environment takes a second, so the wish to stop is looked for in between.
    for (std::size_t lane = 0; lane < stride_ && !task_.stopped(); lane += environment_lanes) {
      loops_.sort_columns(matrix_.get() + lane, stride_, comparators_.data(), comparators_.size() / 2);
    }
    loops_.sum_rows(matrix_.get(), k, stride_, x2_.data());
  }

  // The mean over every way to choose k − |I| of the tied neighbours T. In each row, the candidates are sorted once; one
  // of them is the m-th largest if it is chosen and exactly m − 1 of those before it are (hypergeometric chances).
  void mean_over_choices(const Environment& e) {
    const std::size_t k = options_.k;
    const std::size_t n = e.neighbors.size();
    const double kth = std::sqrt(e.neighbors[k - 1].squared);
    std::size_t sure = 0;
    while (std::sqrt(e.neighbors[sure].squared) < kth - options_.tie_tolerance) ++sure;
    const std::size_t tied = n - sure;
    const std::size_t drawn = k - sure;
    const Draw others(tied, drawn);
    const Draw without_itself(tied - 1, drawn - 1);
    std::fill(x2_.begin(), x2_.end(), 0.0);
    for (std::size_t j = 0; j < n && !task_.stopped(); ++j) {
      const Neighbor& here = e.neighbors[j];
      candidates_.clear();
      for (std::size_t l = 0; l < n; ++l) {
        if (l == j) continue;
        const Neighbor& there = e.neighbors[l];
        const double dx = there.x - here.x;
        const double dy = there.y - here.y;
        const double dz = there.z - here.z;
        const double squared = dx * dx + dy * dy + dz * dz;
        // Seen from either of the two this is an error as well; here it keeps NaN out of the sorting.
        if (!(squared > 0)) throw coincident_atoms(batch_, here.atom, there.atom);
        candidates_.push_back({root_weight(here) * root_weight(there) / std::sqrt(squared), l >= sure});
      }
      std::sort(candidates_.begin(), candidates_.end(),
                [](const Candidate& a, const Candidate& b) { return a.value > b.value; });
      const bool itself_tied = j >= sure;
      const double chance_of_row = itself_tied ? static_cast<double>(drawn) / static_cast<double>(tied) : 1;
      add_expected_row(itself_tied ? without_itself : others, chance_of_row);
    }
  }

  struct Candidate {
    double value;
    bool tied;
  };

  void add_expected_row(const Draw& draw, double chance_of_row) {
    std::size_t sure_before = 0;
    std::size_t tied_before = 0;
    for (const Candidate& c : candidates_) {
      const double* const chances = c.tied ? draw.row_and_next(tied_before) : draw.row(tied_before);
      const double weight = chance_of_row * c.value;
      double* const x2 = x2_.data() + sure_before;
      for (std::size_t x = 0; x < draw.chances(tied_before); ++x) x2[x] += weight * chances[x];
      (c.tied ? tied_before : sure_before) += 1;
    }
  }

  const StructureBatch& batch_;
  const QuestsOptions& options_;
  const EnvironmentLoops& loops_;
  const std::vector<unsigned short>& comparators_;
  const Task& task_;
  T* const out_;
  std::size_t stride_;
  HeapPointer<double> points_;
  HeapPointer<double> matrix_;
  std::vector<double> x2_;
  std::vector<Candidate> candidates_;
};

}  // namespace

namespace {

template <typename T>
std::function<EnvironmentVisitor()> visitor_maker(const StructureBatch& batch, const QuestsOptions& options,
                                                  const EnvironmentLoops& loops,
                                                  const std::vector<unsigned short>& comparators, const Task& task,
                                                  T* out) {
  return [&, out]() -> EnvironmentVisitor {
    const auto visitor = std::make_shared<QuestsVisitor<T>>(batch, options, loops, comparators, task, out);
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
  const std::vector<unsigned short> comparators = merge_exchange(options.k);
  visit_environments(batch, request_of(options), isa, threads, task,
                     visitor_maker(batch, options, environment_loops(isa), comparators, task, out));
}

template void quests_descriptors(const StructureBatch&, const QuestsOptions&, Isa, unsigned, Task&, float*);
template void quests_descriptors(const StructureBatch&, const QuestsOptions&, Isa, unsigned, Task&, double*);

template <typename T>
void QuestsFrame::describe(std::size_t first, std::size_t end, Isa isa, unsigned threads, Task& task, T* out,
                           std::uint32_t* atoms) {
  if (!grid_) grid_ = std::make_unique<CellGrid>(batch_, 0, options_.cutoff, task);
  const std::vector<unsigned short> comparators = merge_exchange(options_.k);
  visit_places(batch_, *grid_, first, end, request_of(options_), isa, threads, task,
               visitor_maker(batch_, options_, environment_loops(isa), comparators, task, out));
  for (std::size_t place = first; place < end; ++place) atoms[place - first] = grid_->atom(place);
}

template void QuestsFrame::describe(std::size_t, std::size_t, Isa, unsigned, Task&, float*, std::uint32_t*);
template void QuestsFrame::describe(std::size_t, std::size_t, Isa, unsigned, Task&, double*, std::uint32_t*);

}  // namespace surprisal
