#include "environments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "thread_pool.h"

namespace surprisal {
namespace {

// Atoms in a run: enough to share the surroundings of a bin, few enough to keep all threads busy to the end.
constexpr std::size_t run_atoms = 64;

struct Run {
  std::size_t frame;
  std::size_t first_bin;
  std::size_t end_bin;
};

bool nearer(const Neighbor& a, const Neighbor& b) {
  if (a.squared != b.squared) return a.squared < b.squared;
  if (a.atom != b.atom) return a.atom < b.atom;
  return std::lexicographical_compare(a.shift, a.shift + 3, b.shift, b.shift + 3);
}

class Collector {
 public:
  Collector(const StructureBatch& batch, const EnvironmentRequest& request, const EnvironmentLoops& loops)
      : batch_(batch), request_(request), loops_(loops) {}

  const Environment& collect(const CellGrid& grid, std::size_t place, Surroundings& around) {
    Environment& e = environment_;
    e.atom = grid.atom(place);
    e.neighbors.clear();
    loops_.squared_distances(grid.x(place), grid.y(place), grid.z(place), around.x.data(), around.y.data(),
                             around.z.data(), around.x.size(), around.squared.data());
    within_.clear();
    const double limit = request_.cutoff * request_.cutoff;
    for (std::size_t i = 0; i < around.count; ++i) {
      if (around.squared[i] < limit && !is_self(around, i, place)) within_.push_back(static_cast<std::uint32_t>(i));
    }
    e.count = within_.size();
    e.gap = std::numeric_limits<double>::infinity();
    const std::size_t kept = keep_nearest(around);
    for (std::size_t n = 0; n < kept; ++n) {
      const std::uint32_t i = within_[n];
      Neighbor neighbor;
      neighbor.squared = around.squared[i];
      neighbor.x = around.x[i] - grid.x(place);
      neighbor.y = around.y[i] - grid.y(place);
      neighbor.z = around.z[i] - grid.z(place);
      neighbor.atom = grid.atom(around.atom[i]);
      grid.given_shift(place, around.atom[i], &around.image[3 * std::size_t{i}], neighbor.shift);
      if (!(neighbor.squared > coincidence * coincidence)) throw coincident_atoms(batch_, e.atom, neighbor.atom);
      e.neighbors.push_back(neighbor);
    }
    std::sort(e.neighbors.begin(), e.neighbors.end(), nearer);
    return e;
  }

 private:
  static bool is_self(const Surroundings& around, std::size_t i, std::size_t place) {
    const std::int32_t* const image = &around.image[3 * i];
    return around.atom[i] == place && image[0] == 0 && image[1] == 0 && image[2] == 0;
  }

  // Moves the neighbours that are wanted to the front of within_ and returns how many those are.
  std::size_t keep_nearest(const Surroundings& around) {
    const std::size_t k = request_.nearest;
    if (k == 0 || within_.size() <= k) return within_.size();
    const auto by_distance = [&](std::uint32_t a, std::uint32_t b) { return around.squared[a] < around.squared[b]; };
    std::nth_element(within_.begin(), within_.begin() + k, within_.end(), by_distance);
    const double kth = std::sqrt(around.squared[*std::max_element(within_.begin(), within_.begin() + k, by_distance)]);
    environment_.gap = std::sqrt(around.squared[within_[k]]) - kth;
    if (environment_.gap > request_.tie_tolerance) return k;
    const auto tied = [&](std::uint32_t i) { return std::sqrt(around.squared[i]) - kth <= request_.tie_tolerance; };
    return static_cast<std::size_t>(std::partition(within_.begin() + k, within_.end(), tied) - within_.begin());
  }

  const StructureBatch& batch_;
  const EnvironmentRequest& request_;
  const EnvironmentLoops& loops_;
  Environment environment_;
  std::vector<std::uint32_t> within_;
};

}  // namespace

void visit_environments(const StructureBatch& batch, const EnvironmentRequest& request, Isa isa, unsigned threads,
                        Task& task, const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentLoops& loops = environment_loops(isa);
  std::vector<std::unique_ptr<CellGrid>> grids(batch.frames);
  parallel_for(batch.frames, threads, task, [&](std::size_t frame) {
    grids[frame] = std::make_unique<CellGrid>(batch, frame, request.cutoff);
  });

  std::vector<Run> runs;
  for (std::size_t frame = 0; frame < batch.frames; ++frame) {
    const CellGrid& grid = *grids[frame];
    for (std::size_t bin = 0; bin < grid.bins();) {
      const std::size_t first = bin;
      while (bin < grid.bins() && grid.bin_start(bin) - grid.bin_start(first) < run_atoms) ++bin;
      runs.push_back({frame, first, bin});
    }
  }
  parallel_for(runs.size(), threads, task, [&](std::size_t item) {
    const Run& run = runs[item];
    const CellGrid& grid = *grids[run.frame];
    const EnvironmentVisitor visit = make_visitor();
    Collector collector(batch, request, loops);
    Surroundings around;
    for (std::size_t bin = run.first_bin; bin < run.end_bin; ++bin) {
      grid.surroundings(bin, around);
      for (std::size_t place = grid.bin_start(bin); place < grid.bin_end(bin); ++place) {
        if (task.stopped()) return;
        visit(collector.collect(grid, place, around));
      }
    }
    task.advance(grid.bin_start(run.end_bin) - grid.bin_start(run.first_bin));
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
