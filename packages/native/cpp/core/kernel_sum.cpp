#include "kernel_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "thread_pool.h"

namespace surprisal {
namespace {

// Packs in a panel: about 128 kB of references at 63 dimensions, which stay in the second-level cache while a group of
// queries passes over them.
constexpr std::size_t panel_packs = 16;
// Packs in a segment, the unit in which one query's sum may be spread over threads.
constexpr std::size_t segment_packs = 64 * panel_packs;
// Queries in a group, at the most.
constexpr std::size_t largest_group = 256;

void add_panel(const KernelTiles& tiles, const PanelSums<float>& panel, double* sums) { tiles.add_panel_f32(panel, sums); }
void add_panel(const KernelTiles& tiles, const PanelSums<double>& panel, double* sums) { tiles.add_panel_f64(panel, sums); }

void distances(const KernelTiles& tiles, const float* query, std::size_t columns, const float* packs, std::size_t count,
               double* out) {
  tiles.distances_f32(query, columns, packs, count, out);
}
void distances(const KernelTiles& tiles, const double* query, std::size_t columns, const double* packs,
               std::size_t count, double* out) {
  tiles.distances_f64(query, columns, packs, count, out);
}

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

template <typename T>
std::size_t segment_count(const PackedRows<T>& references) {
  return divide_up(references.packs(), segment_packs);
}

// The plain sums of queries first … first + count over one segment, panel after panel: sums (bandwidths×count).
template <typename T>
void add_segment(const KernelSumInput<T>& in, const KernelTiles& tiles, std::size_t first, std::size_t count,
                 std::size_t segment, const Task& task, T* scratch, double* sums) {
  const PackedRows<T>& refs = *in.references;
  const std::size_t end = std::min(refs.packs(), (segment + 1) * segment_packs);
  for (std::size_t pack = segment * segment_packs; pack < end && !task.stopped(); pack += panel_packs) {
    PanelSums<T> panel;
    panel.queries = in.queries + first * refs.columns;
    panel.query_count = count;
    panel.columns = refs.columns;
    panel.packs = refs.data.get() + pack * refs.columns * pack_rows<T>;
    panel.weights = refs.weights ? refs.weights.get() + pack * pack_rows<T> : nullptr;
    panel.pack_count = std::min(panel_packs, end - pack);
    panel.bandwidths = in.bandwidths;
    panel.bandwidth_count = in.bandwidth_count;
    panel.scratch = scratch;
    add_panel(tiles, panel, sums);
  }
}

// One query in float64 by log-sum-exp: the exponents are taken relative to the nearest reference seen so far, and the
// sums are scaled whenever a nearer one turns up. out[b·stride].
template <typename T>
void log_sum_exp(const KernelSumInput<T>& in, const KernelTiles& tiles, const T* query, const Task& task, double* out,
                 std::size_t stride) {
  const PackedRows<T>& refs = *in.references;
  constexpr std::size_t lanes = pack_rows<T>;
  double d2[panel_packs * lanes];
  double nearest = std::numeric_limits<double>::infinity();
  std::vector<double> sums(in.bandwidth_count, 0.0);
  const auto slope = [&](std::size_t b) { return 1 / (2 * in.bandwidths[b] * in.bandwidths[b]); };
  for (std::size_t pack = 0; pack < refs.packs() && !task.stopped(); pack += panel_packs) {
    const std::size_t packs = std::min(panel_packs, refs.packs() - pack);
    const std::size_t rows = std::min(packs * lanes, refs.rows - pack * lanes);
    distances(tiles, query, refs.columns, refs.data.get() + pack * refs.columns * lanes, packs, d2);
    const double panel_nearest = *std::min_element(d2, d2 + rows);
    if (panel_nearest < nearest) {
      for (std::size_t b = 0; b < in.bandwidth_count; ++b) sums[b] *= std::exp((panel_nearest - nearest) * slope(b));
      nearest = panel_nearest;
    }
    for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
      for (std::size_t row = 0; row < rows; ++row) {
        const double weight = refs.weights ? static_cast<double>(refs.weights[pack * lanes + row]) : 1.0;
        sums[b] += weight * std::exp((nearest - d2[row]) * slope(b));
      }
    }
  }
  for (std::size_t b = 0; b < in.bandwidth_count; ++b) out[b * stride] = std::log(sums[b]) - nearest * slope(b);
}

// Logarithms of the plain sums of a group, or log-sum-exp where those are too small to trust.
template <typename T>
void finish_group(const KernelSumInput<T>& in, const KernelTiles& tiles, std::size_t first, std::size_t count,
                  const double* sums, const Task& task, double* out) {
  std::vector<double> exact(in.bandwidth_count);
  for (std::size_t q = 0; q < count && !task.stopped(); ++q) {
    bool recomputed = false;
    for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
      const double sum = sums[b * count + q];
      double& result = out[b * in.query_count + first + q];
      if (sum >= plain_sum_floor<T>) {
        result = std::log(sum);
        continue;
      }
      if (!recomputed) log_sum_exp(in, tiles, in.queries + (first + q) * in.references->columns, task, exact.data(), 1);
      recomputed = true;
      result = exact[b];
    }
  }
}

// Where each group of queries would leave threads idle, the segments of the references are spread over threads instead.
// The order of the additions is the same either way: panels into a segment, segments into the sum.
template <typename T>
bool spreads_segments(const KernelSumInput<T>& in, unsigned threads) {
  return segment_count(*in.references) > 1 && in.query_count <= std::size_t{threads} * tile_queries;
}

}  // namespace

template <typename T>
std::uint64_t kernel_sum_units(const KernelSumInput<T>& input) {
  return std::uint64_t{input.query_count} * segment_count(*input.references);
}

template <typename T>
void log_kernel_sum(const KernelSumInput<T>& in, Isa isa, unsigned threads, Task& task, double* out) {
  const KernelTiles& tiles = kernel_tiles(isa);
  const std::size_t segments = segment_count(*in.references);
  const std::size_t scratch_size = panel_scratch<T>(in.references->columns, in.bandwidth_count);
  const std::size_t bandwidths = in.bandwidth_count;

  if (spreads_segments(in, threads)) {
    const std::size_t count = in.query_count;
    std::vector<double> partial(segments * bandwidths * count, 0.0);
    parallel_for(segments, threads, task, [&](std::size_t segment) {
      const auto scratch = aligned_array<T>(scratch_size);
      add_segment(in, tiles, 0, count, segment, task, scratch.get(), partial.data() + segment * bandwidths * count);
      task.advance(count);
    });
    std::vector<double> sums(bandwidths * count, 0.0);
    for (std::size_t segment = 0; segment < segments; ++segment) {
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += partial[segment * sums.size() + i];
    }
    parallel_for(count, threads, task, [&](std::size_t q) {
      std::vector<double> one(bandwidths);
      for (std::size_t b = 0; b < bandwidths; ++b) one[b] = sums[b * count + q];
      finish_group(in, tiles, q, 1, one.data(), task, out);
    });
    return;
  }

  // Small groups where there are few queries, so that every thread has some.
  const std::size_t share = divide_up(in.query_count, std::size_t{threads} * 4);
  const std::size_t group = std::min(largest_group, std::max(tile_queries, divide_up(share, tile_queries) * tile_queries));
  parallel_for(divide_up(in.query_count, group), threads, task, [&](std::size_t item) {
    const std::size_t first = item * group;
    const std::size_t count = std::min(group, in.query_count - first);
    const auto scratch = aligned_array<T>(scratch_size);
    std::vector<double> sums(bandwidths * count, 0.0);
    std::vector<double> partial(sums.size());
    for (std::size_t segment = 0; segment < segments && !task.stopped(); ++segment) {
      std::fill(partial.begin(), partial.end(), 0.0);
      add_segment(in, tiles, first, count, segment, task, scratch.get(), partial.data());
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += partial[i];
      task.advance(count);
    }
    finish_group(in, tiles, first, count, sums.data(), task, out);
  });
}

template std::uint64_t kernel_sum_units(const KernelSumInput<float>&);
template std::uint64_t kernel_sum_units(const KernelSumInput<double>&);
template void log_kernel_sum(const KernelSumInput<float>&, Isa, unsigned, Task&, double*);
template void log_kernel_sum(const KernelSumInput<double>&, Isa, unsigned, Task&, double*);

}  // namespace surprisal
