#include "environments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <string>

#include "thread_pool.h"

namespace surprisal {
namespace {

// Atoms in a run, at the most: enough to share the surroundings of a bin.
constexpr std::size_t largest_run = 256;
constexpr std::size_t smallest_run = 8;

// Frames with more atoms than this are always shared by the threads; smaller ones are, where there are few.
constexpr std::size_t largest_whole_frame = 65536;

// Atoms of a frame in the grid's order, or whole frames.
struct Run {
  std::size_t frame;
  std::size_t frames;  // 0 where it is a part of one whose grid is there already
  std::size_t first;   // place in the grid's order
  std::size_t end;
};

// Finds the neighbours of one atom after the other. One for each thread at work.
class Search {
 public:
  Search(const StructureBatch& batch, const EnvironmentRequest& request, const EnvironmentLoops& loops)
      : batch_(batch), request_(request), loops_(loops) {}

  CellGrid& own_grid() { return own_grid_; }

  /// Rows count from `first_place`; where that is null, a row is the atom.
  void visit(const CellGrid& grid, std::size_t first, std::size_t end, const std::size_t* first_place, const Task& task,
             const EnvironmentVisitor& visitor) {
    if (first == end) return;
    std::size_t bin = grid.bin_of(first);
    surround(grid, bin, task);
    for (std::size_t place = first; place < end; ++place) {
      if (task.stopped()) return;
      if (place >= grid.bin_end(bin)) {
        while (place >= grid.bin_end(bin)) ++bin;
        surround(grid, bin, task);
      }
      look(grid, bin, place);
      environment_.row = first_place == nullptr ? environment_.atom : place - *first_place;
      visitor(environment_);
    }
  }

 private:
  void surround(const CellGrid& grid, std::size_t bin, const Task& task) {
    grid.surroundings(bin, loops_, task, around_);
    const std::size_t room = around_.candidates.count + 2 * environment_lanes;
    squared_.at_least(room);
    hits_.at_least(room);
    sorted_.at_least(room);
    sorted_hits_.at_least(room);
  }

  void look(const CellGrid& grid, std::size_t bin, std::size_t place) {
    Environment& e = environment_;
    e.atom = grid.atom(place);
    e.around = &around_;
    e.x = grid.x(place);
    e.y = grid.y(place);
    e.z = grid.z(place);
    e.shown = 0;
    e.gap = std::numeric_limits<double>::infinity();
    grid.see_from(place, loops_, around_);
    const double limit = request_.cutoff * request_.cutoff;
    self_ = static_cast<std::uint32_t>(around_.own + place - grid.bin_start(bin));
    if (request_.count_only) {
      std::size_t within;
      std::size_t at_once;
      loops_.count_hits(around_.candidates, around_.translated, e.x, e.y, e.z, limit, coincidence * coincidence, &within, &at_once);
      e.count = within - 1;
      if (at_once == 1) return;
    }
    // The atom itself is among the hits, and the nearest of them.
    std::size_t found = loops_.find_hits(around_.candidates, around_.translated, e.x, e.y, e.z, limit, squared_.get(), hits_.get());
    e.count = found - 1;
    const std::size_t k = request_.nearest;
    if (k != 0 && found > k + worth_dropping) found = drop_far(found, k + 2);
    sort(found);
    while (found != e.count + 1 && ties_go_on(found, k)) {
      found = loops_.find_hits(around_.candidates, around_.translated, e.x, e.y, e.z, limit, squared_.get(), hits_.get());
      sort(found);
    }
    if (found > 1 && !(sorted_.get()[1] > coincidence * coincidence)) throw coincidence_of(found);
    e.squared = sorted_.get() + 1;
    e.hits = sorted_hits_.get() + 1;
    e.shown = found - 1;
    if (k != 0) show_nearest(k);
  }

  // Sorts by distance, then atom, then shift.
  void sort(std::size_t found) {
    if (found <= most_sorted_hits) {
      loops_.sort_hits(squared_.get(), hits_.get(), found, sorted_.get(), sorted_hits_.get());
    } else {
      order_.resize(found);
      for (std::size_t i = 0; i < found; ++i) order_[i] = {squared_.get()[i], hits_.get()[i]};
      std::sort(order_.begin(), order_.end(), [&](const auto& a, const auto& b) {
        return a.first != b.first ? a.first < b.first : comes_first(a.second, b.second);
      });
      for (std::size_t i = 0; i < found; ++i) {
        sorted_.get()[i] = order_[i].first;
        sorted_hits_.get()[i] = order_[i].second;
      }
    }
    // What is left to do are ties, and among few hits distances that float32 does not tell apart.
    double* const sorted = sorted_.get();
    std::uint32_t* const hits = sorted_hits_.get();
    for (std::size_t i = 1; i < found; ++i) {
      if (sorted[i - 1] < sorted[i]) continue;
      const double squared = sorted[i];
      const std::uint32_t hit = hits[i];
      std::size_t to = i;
      for (; to > 0 && (squared < sorted[to - 1] || (squared == sorted[to - 1] && comes_first(hit, hits[to - 1]))); --to) {
        sorted[to] = sorted[to - 1];
        hits[to] = hits[to - 1];
      }
      sorted[to] = squared;
      hits[to] = hit;
    }
  }

  bool comes_first(std::uint32_t a, std::uint32_t b) const {
    const std::uint32_t atom_a = around_.atoms.get()[a];
    const std::uint32_t atom_b = around_.atoms.get()[b];
    if (atom_a != atom_b) return atom_a < atom_b;
    const Candidates& c = around_.candidates;
    if (c.sx[a] != c.sx[b]) return c.sx[a] < c.sx[b];
    if (c.sy[a] != c.sy[b]) return c.sy[a] < c.sy[b];
    return c.sz[a] < c.sz[b];
  }

  // Keeps at least the `wanted` nearest hits, in their order, by counting how many lie in each of some shells.
  std::size_t drop_far(std::size_t found, std::size_t wanted) {
    constexpr std::size_t shells = 64;
    std::uint32_t counts[shells] = {};
    double* const squared = squared_.get();
    std::uint32_t* const hits = hits_.get();
    const double scale = shells / (request_.cutoff * request_.cutoff);
    const auto shell = [&](std::size_t i) {
      return std::min(shells - 1, static_cast<std::size_t>(squared[i] * scale));
    };
    for (std::size_t i = 0; i < found; ++i) ++counts[shell(i)];
    std::size_t last = 0;
    for (std::size_t within = counts[0]; within < wanted && last + 1 < shells; within += counts[last]) ++last;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < found; ++i) {
      const bool near = shell(i) <= last;
      squared[kept] = squared[i];
      hits[kept] = hits[i];
      kept += near;
    }
    return kept;
  }

  // Whether all that was kept ties with the k-th neighbour, so that what was dropped may tie as well.
  bool ties_go_on(std::size_t found, std::size_t k) const {
    const double* const sorted = sorted_.get();
    return std::sqrt(sorted[found - 1]) - std::sqrt(sorted[k]) <= request_.tie_tolerance;
  }

  void show_nearest(std::size_t k) {
    Environment& e = environment_;
    if (e.shown <= k) return;
    const double kth = std::sqrt(e.squared[k - 1]);
    e.gap = std::sqrt(e.squared[k]) - kth;
    std::size_t end = k;
    while (end < e.shown && std::sqrt(e.squared[end]) - kth <= request_.tie_tolerance) ++end;
    e.shown = end;
  }

  Error coincidence_of(std::size_t found) const {
    const std::uint32_t* const hits = sorted_hits_.get();
    const std::uint32_t other = *std::find_if(hits, hits + found, [&](std::uint32_t hit) { return hit != self_; });
    return coincident_atoms(batch_, environment_.atom, around_.atoms.get()[other]);
  }

  // Fewer hits than this beyond k are sorted as fast as they are dropped.
  static constexpr std::size_t worth_dropping = 24;

  const StructureBatch& batch_;
  const EnvironmentRequest& request_;
  const EnvironmentLoops& loops_;
  CellGrid own_grid_;
  Surroundings around_;
  Environment environment_;
  std::uint32_t self_ = 0;  // the atom itself among the candidates
  Room<double> squared_;
  Room<std::uint32_t> hits_;
  Room<double> sorted_;
  Room<std::uint32_t> sorted_hits_;
  std::vector<std::pair<double, std::uint32_t>> order_;
};

struct Worker {
  Worker(const StructureBatch& batch, const EnvironmentRequest& request, const EnvironmentLoops& loops,
         EnvironmentVisitor made)
      : search(batch, request, loops), visitor(std::move(made)) {}

  Search search;
  EnvironmentVisitor visitor;
};

// What threads work with, lent for one run and handed on to the next, so that nothing is made for each run anew.
class Workers {
 public:
  explicit Workers(std::function<std::unique_ptr<Worker>()> make) : make_(std::move(make)) {}

  std::unique_ptr<Worker> take() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Worker> worker = std::move(idle_.back());
        idle_.pop_back();
        return worker;
      }
    }
    return make_();
  }

  void give_back(std::unique_ptr<Worker> worker) {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(worker));
  }

 private:
  const std::function<std::unique_ptr<Worker>()> make_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Worker>> idle_;
};

// Short runs where there are few atoms, so that every thread has some. Runs may end within a bin.
std::size_t run_length(std::size_t atoms, unsigned threads) {
  return std::min(largest_run, std::max(smallest_run, atoms / (std::size_t{threads} * 4)));
}

}  // namespace

void visit_environments(const StructureBatch& batch, const EnvironmentRequest& request, Isa isa, unsigned threads,
                        Task& task, const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentLoops& loops = environment_loops(isa);

  // A frame that is a small part of the work is done by one thread, grid and all. The others are cut into runs.
  const std::size_t length = run_length(batch.atoms(), threads);
  const std::size_t largest_whole =
      threads == 1 ? largest_whole_frame : std::min(largest_whole_frame, batch.atoms() / (std::size_t{threads} * 8));
  std::vector<Run> runs;
  std::vector<std::unique_ptr<CellGrid>> shared_grids(batch.frames);
  for (std::size_t frame = 0; frame < batch.frames;) {
    std::size_t atoms = batch.offsets[frame + 1] - batch.offsets[frame];
    if (atoms > largest_whole) {
      shared_grids[frame] = std::make_unique<CellGrid>();
      shared_grids[frame]->build(batch, frame, request.cutoff, threads, task);
      for (std::size_t first = 0; first < atoms; first += length) {
        runs.push_back({frame, 0, first, std::min(atoms, first + length)});
      }
      ++frame;
      continue;
    }
    const std::size_t first = frame;
    for (++frame; frame < batch.frames; ++frame) {
      atoms += batch.offsets[frame + 1] - batch.offsets[frame];
      if (atoms > std::min(length, largest_whole)) break;
    }
    runs.push_back({first, frame - first, 0, 0});
  }

  Workers workers([&] { return std::make_unique<Worker>(batch, request, loops, make_visitor()); });
  parallel_for(runs.size(), threads, task, [&](std::size_t item) {
    const Run& run = runs[item];
    std::unique_ptr<Worker> worker = workers.take();
    std::size_t atoms = run.end - run.first;
    if (run.frames == 0) {
      worker->search.visit(*shared_grids[run.frame], run.first, run.end, nullptr, task, worker->visitor);
    } else {
      CellGrid& grid = worker->search.own_grid();
      for (std::size_t frame = run.frame; frame < run.frame + run.frames; ++frame) {
        grid.build(batch, frame, request.cutoff, 1, task);
        worker->search.visit(grid, 0, grid.atoms(), nullptr, task, worker->visitor);
        atoms += grid.atoms();
      }
    }
    workers.give_back(std::move(worker));
    task.advance(atoms);
  });
}

void visit_places(const StructureBatch& batch, const CellGrid& grid, std::size_t first, std::size_t end,
                  const EnvironmentRequest& request, Isa isa, unsigned threads, Task& task,
                  const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentLoops& loops = environment_loops(isa);
  const std::size_t length = run_length(end - first, threads);
  Workers workers([&] { return std::make_unique<Worker>(batch, request, loops, make_visitor()); });
  parallel_for((end - first + length - 1) / length, threads, task, [&](std::size_t item) {
    const std::size_t start = first + item * length;
    const std::size_t stop = std::min(end, start + length);
    std::unique_ptr<Worker> worker = workers.take();
    worker->search.visit(grid, start, stop, &first, task, worker->visitor);
    workers.give_back(std::move(worker));
    task.advance(stop - start);
  });
}

Error coincident_atoms(const StructureBatch& batch, std::uint32_t a, std::uint32_t b) {
  const std::uint32_t* const frame = std::upper_bound(batch.offsets, batch.offsets + batch.frames + 1, a) - 1;
  const std::uint32_t low = std::min(a, b) - *frame + 1;
  const std::uint32_t high = std::max(a, b) - *frame + 1;
  const std::string where = " of structure " + std::to_string(frame - batch.offsets + 1);
  if (a == b) return Error("COINCIDENT_ATOMS", "atom " + std::to_string(low) + where + " coincides with an image of itself");
  return Error("COINCIDENT_ATOMS", "atoms " + std::to_string(low) + " and " + std::to_string(high) + where +
                                       " lie at the same place");
}

}  // namespace surprisal
