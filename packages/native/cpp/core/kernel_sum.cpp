#include "kernel_sum.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "thread_pool.h"

namespace surprisal {
namespace {

// Packs in a segment, the unit in which one query's sum may be spread over threads.
constexpr std::size_t segment_packs = 64 * panel_packs;
// Queries in a group, at the most.
constexpr std::size_t largest_group = 256;

void add_panel(const KernelTiles& tiles, const PanelSums<float>& panel, double* sums) { tiles.add_panel_f32(panel, sums); }
void add_panel(const KernelTiles& tiles, const PanelSums<double>& panel, double* sums) { tiles.add_panel_f64(panel, sums); }

void add_panel_relative(const KernelTiles& tiles, const PanelSums<float>& panel, const RelativeSums& sums) {
  tiles.add_panel_relative_f32(panel, sums);
}
void add_panel_relative(const KernelTiles& tiles, const PanelSums<double>& panel, const RelativeSums& sums) {
  tiles.add_panel_relative_f64(panel, sums);
}

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// Packs first … of the references against some rows of queries.
template <typename T>
PanelSums<T> panel_at(const KernelSumInput<T>& in, const T* queries, std::size_t count, std::size_t pack,
                      std::size_t end_pack) {
  const PackedRows<T>& refs = *in.references;
  PanelSums<T> panel;
  panel.queries = queries;
  panel.query_count = count;
  panel.columns = refs.columns;
  panel.packs = refs.data.get() + pack * refs.columns * pack_rows<T>;
  panel.weights = refs.weights ? refs.weights.get() + pack * pack_rows<T> : nullptr;
  panel.pack_count = std::min(panel_packs, end_pack - pack);
  panel.bandwidths = in.bandwidths;
  panel.bandwidth_count = in.bandwidth_count;
  panel.scratch = nullptr;
  return panel;
}

// The plain sums of queries first … first + count over one segment, panel after panel: sums (bandwidths×count).
template <typename T>
void add_segment(const KernelSumInput<T>& in, const KernelTiles& tiles, std::size_t first, std::size_t count,
                 std::size_t segment, const Task& task, T* scratch, double* sums) {
  const std::size_t end = std::min(in.references->packs(), (segment + 1) * segment_packs);
  const T* const queries = in.queries + first * in.references->columns;
  for (std::size_t pack = segment * segment_packs; pack < end && !task.stopped(); pack += panel_packs) {
    PanelSums<T> panel = panel_at(in, queries, count, pack, end);
    panel.scratch = scratch;
    add_panel(tiles, panel, sums);
  }
}

// Some rows of queries in float64 by log-sum-exp: exponents relative to the nearest reference. out (bandwidths×count)
template <typename T>
std::vector<double> log_sum_exp(const KernelSumInput<T>& in, const KernelTiles& tiles, const T* queries,
                                std::size_t count, const Task& task) {
  const PackedRows<T>& refs = *in.references;
  std::vector<double> nearest(count, std::numeric_limits<double>::infinity());
  std::vector<double> sums(in.bandwidth_count * count, 0.0);
  const auto scratch = aligned_array<double>(relative_scratch<T>(refs.columns));
  for (std::size_t pack = 0; pack < refs.packs() && !task.stopped(); pack += panel_packs) {
    const double* const weights = refs.exact_weights ? refs.exact_weights.get() + pack * pack_rows<T> : nullptr;
    add_panel_relative(tiles, panel_at(in, queries, count, pack, refs.packs()),
                       {weights, nearest.data(), sums.data(), scratch.get()});
  }
  for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
    const double slope = 1 / (2 * in.bandwidths[b] * in.bandwidths[b]);
    for (std::size_t q = 0; q < count; ++q) {
      double& sum = sums[b * count + q];
      sum = std::log(sum) + refs.log_scale - nearest[q] * slope;
    }
  }
  return sums;
}

// Logarithms of the plain sums of a group, or log-sum-exp where those are too small to trust.
template <typename T>
void finish_group(const KernelSumInput<T>& in, const KernelTiles& tiles, std::size_t first, std::size_t count,
                  const double* sums, Task& task, double* out) {
  const std::size_t columns = in.references->columns;
  std::vector<std::size_t> far;
  for (std::size_t q = 0; q < count; ++q) {
    bool trusted = true;
    for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
      const double sum = sums[b * count + q];
      out[b * in.query_count + first + q] = std::log(sum) + in.references->log_scale;
      trusted = trusted && sum >= plain_sum_floor<T>;
    }
    if (!trusted) far.push_back(q);
  }
  if (!far.empty()) {
    std::vector<T> rows(far.size() * columns);
    for (std::size_t i = 0; i < far.size(); ++i) {
      const T* const row = in.queries + (first + far[i]) * columns;
      std::copy(row, row + columns, rows.data() + i * columns);
    }
    const std::vector<double> exact = log_sum_exp(in, tiles, rows.data(), far.size(), task);
    for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
      for (std::size_t i = 0; i < far.size(); ++i) {
        if (sums[b * count + far[i]] >= plain_sum_floor<T>) continue;
        out[b * in.query_count + first + far[i]] = exact[b * far.size() + i];
      }
    }
  }
  task.advance(count);
}

// Where each group of queries would leave threads idle, the segments of the references are spread over threads instead.
// The order of the additions is the same either way: panels into a segment, segments into the sum.
template <typename T>
bool spreads_segments(const KernelSumInput<T>& in, unsigned threads) {
  return divide_up(in.references->packs(), segment_packs) > 1 && in.query_count <= std::size_t{threads} * tile_queries;
}

}  // namespace

template <typename T>
std::uint64_t kernel_sum_units(std::size_t query_count, std::size_t reference_count) {
  // Each query passes over every segment, and is finished. (Where references of weight 0 are left out, it is less.)
  return std::uint64_t{query_count} * (divide_up(divide_up(reference_count, pack_rows<T>), segment_packs) + 1);
}

template <typename T>
void log_kernel_sum(const KernelSumInput<T>& in, Isa isa, unsigned threads, Task& task, double* out) {
  const KernelTiles& tiles = kernel_tiles(isa);
  const std::size_t segments = divide_up(in.references->packs(), segment_packs);
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
    const std::size_t group = std::min(tile_queries, divide_up(count, threads));
    parallel_for(divide_up(count, group), threads, task, [&](std::size_t item) {
      const std::size_t first = item * group;
      const std::size_t some = std::min(group, count - first);
      std::vector<double> own(bandwidths * some);
      for (std::size_t b = 0; b < bandwidths; ++b) {
        for (std::size_t q = 0; q < some; ++q) own[b * some + q] = sums[b * count + first + q];
      }
      finish_group(in, tiles, first, some, own.data(), task, out);
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

template std::uint64_t kernel_sum_units<float>(std::size_t, std::size_t);
template std::uint64_t kernel_sum_units<double>(std::size_t, std::size_t);
template void log_kernel_sum(const KernelSumInput<float>&, Isa, unsigned, Task&, double*);
template void log_kernel_sum(const KernelSumInput<double>&, Isa, unsigned, Task&, double*);

}  // namespace surprisal
