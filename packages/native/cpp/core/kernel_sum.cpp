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

// Some packs, of the references or copied from them, against queries first … first + count of those at hand.
template <typename T>
struct Piece {
  std::size_t first;
  std::size_t count;
  const T* packs;
  const T* weights;             // or null
  const double* exact_weights;  // or null
  std::size_t pack_count;
};

// Which packs of a panel a window touches: before … after (exclusive), none of them where both are the panel's end. What
// it leaves out of them is start … end.
struct Cut {
  std::size_t before;
  std::size_t after;
  std::size_t start;
  std::size_t end;
};

template <typename T>
Cut cut_of(const PackedRows<T>& refs, const RowWindow& window, std::size_t pack, std::size_t end_pack) {
  constexpr std::size_t lanes = pack_rows<T>;
  const std::size_t start = std::max(window.start, pack * lanes);
  // What fills up the last pack goes with the last row, so that no pack is left that holds nothing else.
  const std::size_t end = std::min(window.end >= refs.rows ? refs.packs() * lanes : window.end, end_pack * lanes);
  if (window.start >= window.end || start >= end) return {end_pack, end_pack, 0, 0};
  return {start / lanes, divide_up(end, lanes), start, end};
}

// Room for the packs at the two ends of a window, with what is left out at infinity, as what fills up a pack is.
template <typename T>
struct BorderPacks {
  HeapPointer<T> data;
  HeapPointer<T> weights;
  HeapPointer<double> exact_weights;

  explicit BorderPacks(const KernelSumInput<T>& in) {
    if (in.left_out == nullptr) return;
    data = aligned_array<T>(2 * in.references->columns * pack_rows<T>);
    if (in.references->weights == nullptr) return;
    weights = aligned_array<T>(2 * pack_rows<T>);
    exact_weights = aligned_array<double>(2 * pack_rows<T>);
  }

  // Copies those packs of a cut that are left out in part: none, one or two. Returns how many.
  std::size_t copy(const PackedRows<T>& refs, const Cut& cut) {
    constexpr std::size_t lanes = pack_rows<T>;
    std::size_t count = 0;
    for (std::size_t pack = cut.before; pack < cut.after; pack = pack + 1 < cut.after ? cut.after - 1 : cut.after) {
      const std::size_t start = std::max(cut.start, pack * lanes) - pack * lanes;
      const std::size_t end = std::min(cut.end, (pack + 1) * lanes) - pack * lanes;
      if (end - start == lanes) continue;
      const T* const from = refs.data.get() + pack * refs.columns * lanes;
      T* const to = data.get() + count * refs.columns * lanes;
      std::copy(from, from + refs.columns * lanes, to);
      for (std::size_t c = 0; c < refs.columns; ++c) {
        std::fill(to + c * lanes + start, to + c * lanes + end, std::numeric_limits<T>::infinity());
      }
      if (weights != nullptr) {
        std::copy_n(refs.weights.get() + pack * lanes, lanes, weights.get() + count * lanes);
        std::copy_n(refs.exact_weights.get() + pack * lanes, lanes, exact_weights.get() + count * lanes);
        std::fill(weights.get() + count * lanes + start, weights.get() + count * lanes + end, T{0});
        std::fill(exact_weights.get() + count * lanes + start, exact_weights.get() + count * lanes + end, 0.0);
      }
      ++count;
    }
    return count;
  }
};

// The panel that begins at a pack against `count` queries, in pieces: all of it for those whose window does not meet it;
// else what lies before the window, what lies after it, and the packs at its ends. How a panel is cut up for a query
// depends on the window of that query alone; queries that are cut up alike go together.
template <typename T, typename Body>
void for_each_piece(const PackedRows<T>& refs, const RowWindow* left_out, std::size_t count, std::size_t pack,
                    std::size_t end_pack, BorderPacks<T>& borders, const Body& body) {
  const auto uncut = [&](std::size_t first, std::size_t end_query, std::size_t begin, std::size_t end) {
    if (begin == end) return;
    const std::size_t row = begin * pack_rows<T>;
    body(Piece<T>{first, end_query - first, refs.data.get() + row * refs.columns,
                  refs.weights ? refs.weights.get() + row : nullptr,
                  refs.exact_weights ? refs.exact_weights.get() + row : nullptr, end - begin});
  };
  if (left_out == nullptr) return uncut(0, count, pack, end_pack);
  for (std::size_t first = 0; first < count;) {
    const Cut cut = cut_of(refs, left_out[first], pack, end_pack);
    std::size_t end = first;
    while (end < count) {
      const Cut own = cut_of(refs, left_out[end], pack, end_pack);
      if (own.before != cut.before || own.after != cut.after) break;
      // The packs at the ends go with the queries that have the very same window, as the atoms of a frame may.
      const std::size_t begin = end++;
      for (; end < count; ++end) {
        const Cut other = cut_of(refs, left_out[end], pack, end_pack);
        if (other.start != own.start || other.end != own.end) break;
      }
      const std::size_t partly = borders.copy(refs, own);
      if (partly == 0) continue;
      body(Piece<T>{begin, end - begin, borders.data.get(), borders.weights.get(), borders.exact_weights.get(), partly});
    }
    uncut(first, end, pack, cut.before);
    uncut(first, end, cut.after, end_pack);
    first = end;
  }
}

template <typename T>
PanelSums<T> panel_of(const Piece<T>& piece, std::size_t columns, const T* queries, const double* bandwidths,
                      std::size_t bandwidth_count, std::size_t sum_stride) {
  PanelSums<T> panel;
  panel.queries = queries + piece.first * columns;
  panel.query_count = piece.count;
  panel.columns = columns;
  panel.packs = piece.packs;
  panel.weights = piece.weights;
  panel.pack_count = piece.pack_count;
  panel.bandwidths = bandwidths;
  panel.bandwidth_count = bandwidth_count;
  panel.sum_stride = sum_stride;
  panel.scratch = nullptr;
  return panel;
}

// What a thread needs to add panels to sums.
template <typename T>
struct Workplace {
  HeapPointer<T> scratch;
  BorderPacks<T> borders;

  explicit Workplace(const KernelSumInput<T>& in)
      : scratch(aligned_array<T>(panel_scratch<T>(in.references->columns, in.bandwidth_count))), borders(in) {}
};

// The plain sums of queries first … first + count over one segment, panel after panel: sums (bandwidths×count).
template <typename T>
void add_segment(const KernelSumInput<T>& in, const KernelTiles& tiles, std::size_t first, std::size_t count,
                 std::size_t segment, const Task& task, Workplace<T>& workplace, double* sums) {
  const PackedRows<T>& refs = *in.references;
  const std::size_t end = std::min(refs.packs(), (segment + 1) * segment_packs);
  const T* const queries = in.queries + first * refs.columns;
  const RowWindow* const left_out = in.left_out == nullptr ? nullptr : in.left_out + first;
  for (std::size_t pack = segment * segment_packs; pack < end && !task.stopped(); pack += panel_packs) {
    const std::size_t end_pack = std::min(end, pack + panel_packs);
    for_each_piece(refs, left_out, count, pack, end_pack, workplace.borders, [&](const Piece<T>& piece) {
      PanelSums<T> panel = panel_of(piece, refs.columns, queries, in.bandwidths, in.bandwidth_count, count);
      panel.scratch = workplace.scratch.get();
      add_panel(tiles, panel, sums + piece.first);
    });
  }
}

// Some rows of queries at some bandwidths in float64 by log-sum-exp: exponents relative to the nearest reference.
// out (bandwidths×count)
template <typename T>
std::vector<double> log_sum_exp(const KernelSumInput<T>& in, const KernelTiles& tiles, const std::vector<T>& queries,
                                const std::vector<RowWindow>& left_out, const std::vector<double>& bandwidths,
                                const Task& task) {
  const PackedRows<T>& refs = *in.references;
  const std::size_t count = queries.size() / refs.columns;
  std::vector<double> nearest(count, std::numeric_limits<double>::infinity());
  std::vector<double> sums(bandwidths.size() * count, 0.0);
  const auto scratch = aligned_array<double>(relative_scratch<T>(refs.columns));
  BorderPacks<T> borders(in);
  for (std::size_t pack = 0; pack < refs.packs() && !task.stopped(); pack += panel_packs) {
    const std::size_t end_pack = std::min(refs.packs(), pack + panel_packs);
    const RowWindow* const windows = in.left_out == nullptr ? nullptr : left_out.data();
    for_each_piece(refs, windows, count, pack, end_pack, borders, [&](const Piece<T>& piece) {
      add_panel_relative(
          tiles, panel_of(piece, refs.columns, queries.data(), bandwidths.data(), bandwidths.size(), count),
          {piece.exact_weights, nearest.data() + piece.first, sums.data() + piece.first, scratch.get()});
    });
  }
  for (std::size_t b = 0; b < bandwidths.size(); ++b) {
    const double slope = 1 / (2 * bandwidths[b] * bandwidths[b]);
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
  const auto trusted = [&](std::size_t b, std::size_t q) { return sums[b * count + q] >= plain_sum_floor<T>; };
  // Only what is not trusted is done again: at which bandwidths, and for which queries.
  std::vector<std::size_t> narrow;
  std::vector<double> bandwidths;
  std::vector<bool> is_far(count, false);
  for (std::size_t b = 0; b < in.bandwidth_count; ++b) {
    bool all = true;
    for (std::size_t q = 0; q < count; ++q) {
      out[b * in.query_count + first + q] = std::log(sums[b * count + q]) + in.references->log_scale;
      if (trusted(b, q)) continue;
      all = false;
      is_far[q] = true;
    }
    if (all) continue;
    narrow.push_back(b);
    bandwidths.push_back(in.bandwidths[b]);
  }
  if (!narrow.empty()) {
    std::vector<std::size_t> far;
    std::vector<T> rows;
    std::vector<RowWindow> left_out;
    for (std::size_t q = 0; q < count; ++q) {
      if (!is_far[q]) continue;
      far.push_back(q);
      const T* const row = in.queries + (first + q) * columns;
      rows.insert(rows.end(), row, row + columns);
      if (in.left_out != nullptr) left_out.push_back(in.left_out[first + q]);
    }
    const std::vector<double> exact = log_sum_exp(in, tiles, rows, left_out, bandwidths, task);
    for (std::size_t b = 0; b < narrow.size(); ++b) {
      for (std::size_t i = 0; i < far.size(); ++i) {
        if (trusted(narrow[b], far[i])) continue;
        out[narrow[b] * in.query_count + first + far[i]] = exact[b * far.size() + i];
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
  const std::size_t bandwidths = in.bandwidth_count;

  if (spreads_segments(in, threads)) {
    const std::size_t count = in.query_count;
    std::vector<double> partial(segments * bandwidths * count, 0.0);
    parallel_for(segments, threads, task, [&](std::size_t segment) {
      Workplace<T> workplace(in);
      add_segment(in, tiles, 0, count, segment, task, workplace, partial.data() + segment * bandwidths * count);
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
    Workplace<T> workplace(in);
    std::vector<double> sums(bandwidths * count, 0.0);
    std::vector<double> partial(sums.size());
    for (std::size_t segment = 0; segment < segments && !task.stopped(); ++segment) {
      std::fill(partial.begin(), partial.end(), 0.0);
      add_segment(in, tiles, first, count, segment, task, workplace, partial.data());
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
