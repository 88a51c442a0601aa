#include "environments.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "thread_pool.h"

namespace surprisal {
namespace {

// Atoms in a run, at the most: enough to share the surroundings of a bin.
constexpr std::size_t largest_run = 64;
constexpr std::size_t smallest_run = 8;

struct Run {
  std::size_t frame;
  std::size_t first;  // place in the grid's order
  std::size_t end;
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

  Environment& collect(const CellGrid& grid, std::size_t place, Surroundings& around) {
    Environment& e = environment_;
    e.atom = grid.atom(place);
    loops_.squared_distances(grid.x(place), grid.y(place), grid.z(place), around.x.data(), around.y.data(),
                             around.z.data(), around.x.size(), around.squared.data());
    std::vector<Neighbor>& found = e.neighbors;
    found.clear();
    const double reach = grid.squared_reach();
    const double limit = request_.cutoff * request_.cutoff;
    for (std::size_t i = 0; i < around.count; ++i) {
      if (!(around.squared[i] < reach) || is_self(around, i, place)) continue;
      Neighbor neighbor;
      static_cast<Displacement&>(neighbor) = grid.displacement(place, around.atom[i], &around.image[3 * i]);
      if (!(neighbor.squared < limit)) continue;
      neighbor.atom = grid.atom(around.atom[i]);
      if (!(neighbor.squared > coincidence * coincidence)) throw coincident_atoms(batch_, e.atom, neighbor.atom);
      found.push_back(neighbor);
    }
    e.count = found.size();
    e.gap = std::numeric_limits<double>::infinity();
    if (request_.count_only) {
      found.clear();
    } else {
      keep_nearest();
      std::sort(found.begin(), found.end(), nearer);
    }
    return e;
  }

 private:
  static bool is_self(const Surroundings& around, std::size_t i, std::size_t place) {
    const std::int64_t* const image = &around.image[3 * i];
    return around.atom[i] == place && image[0] == 0 && image[1] == 0 && image[2] == 0;
  }

  // Drops the neighbours that are not wanted.
  void keep_nearest() {
    std::vector<Neighbor>& found = environment_.neighbors;
    const std::size_t k = request_.nearest;
    if (k == 0 || found.size() <= k) return;
    const auto by_distance = [](const Neighbor& a, const Neighbor& b) { return a.squared < b.squared; };
    const auto next = found.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(found.begin(), next, found.end(), nearer);
    const double kth = std::sqrt(std::max_element(found.begin(), next, by_distance)->squared);
    environment_.gap = std::sqrt(next->squared) - kth;
    auto end = next;
    if (environment_.gap <= request_.tie_tolerance) {
      end = std::partition(next, found.end(),
                           [&](const Neighbor& n) { return std::sqrt(n.squared) - kth <= request_.tie_tolerance; });
    }
    found.erase(end, found.end());
  }

  const StructureBatch& batch_;
  const EnvironmentRequest& request_;
  const EnvironmentLoops& loops_;
  Environment environment_;
};

// Short runs where there are few atoms, so that every thread has some. Runs may end within a bin.
std::size_t run_length(std::size_t atoms, unsigned threads) {
  return std::min(largest_run, std::max(smallest_run, atoms / (std::size_t{threads} * 4)));
}

// Rows count from `first_place`; where that is null, a row is the atom.
void visit_run(const StructureBatch& batch, const CellGrid& grid, const Run& run, const std::size_t* first_place,
               const EnvironmentRequest& request, const EnvironmentLoops& loops, Task& task,
               const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentVisitor visit = make_visitor();
  Collector collector(batch, request, loops);
  Surroundings around;
  std::size_t bin = grid.bin_of(run.first);
  grid.surroundings(bin, task, around);
  for (std::size_t place = run.first; place < run.end; ++place) {
    if (task.stopped()) return;
    if (place >= grid.bin_end(bin)) grid.surroundings(++bin, task, around);
    Environment& environment = collector.collect(grid, place, around);
    environment.row = first_place == nullptr ? environment.atom : place - *first_place;
    visit(environment);
  }
  task.advance(run.end - run.first);
}

}  // namespace

void visit_environments(const StructureBatch& batch, const EnvironmentRequest& request, Isa isa, unsigned threads,
                        Task& task, const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentLoops& loops = environment_loops(isa);
  std::vector<std::unique_ptr<CellGrid>> grids(batch.frames);
  parallel_for(batch.frames, threads, task, [&](std::size_t frame) {
    grids[frame] = std::make_unique<CellGrid>(batch, frame, request.cutoff, task);
  });
  const std::size_t length = run_length(batch.atoms(), threads);
  std::vector<Run> runs;
  for (std::size_t frame = 0; frame < batch.frames; ++frame) {
    const std::size_t atoms = grids[frame]->atoms();
    for (std::size_t first = 0; first < atoms; first += length) {
      runs.push_back({frame, first, std::min(atoms, first + length)});
    }
  }
  parallel_for(runs.size(), threads, task, [&](std::size_t item) {
    visit_run(batch, *grids[runs[item].frame], runs[item], nullptr, request, loops, task, make_visitor);
  });
}

void visit_places(const StructureBatch& batch, const CellGrid& grid, std::size_t first, std::size_t end,
                  const EnvironmentRequest& request, Isa isa, unsigned threads, Task& task,
                  const std::function<EnvironmentVisitor()>& make_visitor) {
  const EnvironmentLoops& loops = environment_loops(isa);
  const std::size_t length = run_length(end - first, threads);
  parallel_for((end - first + length - 1) / length, threads, task, [&](std::size_t item) {
    const std::size_t start = first + item * length;
    const Run run{0, start, std::min(end, start + length)};
    visit_run(batch, grid, run, &first, request, loops, task, make_visitor);
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
