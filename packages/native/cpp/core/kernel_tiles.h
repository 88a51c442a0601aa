// The innermost loops of kernel sums, compiled once for each instruction set from kernel_tiles.cpp.
#pragma once

#include <cstddef>

namespace surprisal {

/// Rows of one pack. A pack fills two vectors of the widest instruction set, in either precision; it does not depend on
/// the instruction set in use, so neither do block borders.
template <typename T>
constexpr std::size_t pack_rows = 128 / sizeof(T);

/// Packs in a panel, at the most: about 128 kB of references at 63 dimensions, which stay in the second-level cache while
/// a group of queries passes over them.
constexpr std::size_t panel_packs = 16;

/// A run of packs against a run of queries: the work of one call.
template <typename T>
struct PanelSums {
  const T* queries;          // (query_count×columns) row-major
  std::size_t query_count;
  std::size_t columns;
  const T* packs;            // [pack][dimension][lane], see packed_rows.h
  const T* weights;          // [pack][lane], or null
  std::size_t pack_count;
  const double* bandwidths;  // (bandwidth_count), 1/Å
  std::size_t bandwidth_count;
  std::size_t sum_stride;    // from the sums of one bandwidth to those of the next, query_count or more
  T* scratch;                // panel_scratch<T>(columns, bandwidth_count) numbers, aligned to a cache line
};

/// Queries that a tile takes at once, at the most.
constexpr std::size_t tile_queries = 8;

template <typename T>
constexpr std::size_t panel_scratch(std::size_t columns, std::size_t bandwidth_count) {
  return tile_queries * columns + tile_queries * bandwidth_count * (64 / sizeof(T)) + bandwidth_count + 128;
}

/// Room that add_panel_relative needs, in float64 numbers.
template <typename T>
constexpr std::size_t relative_scratch(std::size_t columns) {
  return tile_queries * columns + tile_queries * panel_packs * pack_rows<T> + 64;
}

/// Sums relative to the nearest reference so far, for queries whose plain sums are too small to trust.
struct RelativeSums {
  const double* weights;  // [pack][lane] of the same packs, or null
  double* nearest;        // (query_count) smallest squared distance so far, infinity at first
  double* sums;           // (bandwidth_count×query_count), the panel's sum_stride apart, 0 at first
  double* scratch;        // relative_scratch<T>(columns) numbers
};

struct KernelTiles {
  /// sums[b·sum_stride + q] += Σ_j w_j exp(−|x_q − y_j|² / 2h_b²), each term in T, the total of the run in float64.
  void (*add_panel_f32)(const PanelSums<float>&, double* sums);
  void (*add_panel_f64)(const PanelSums<double>&, double* sums);

  /// One more panel of Σ_j w_j exp(−(d²_j − d²_nearest)/2h²), in float64 whatever the storage; what was summed before is
  /// scaled whenever a nearer reference turns up. The panel's own weights and scratch are not used.
  void (*add_panel_relative_f32)(const PanelSums<float>&, const RelativeSums&);
  void (*add_panel_relative_f64)(const PanelSums<double>&, const RelativeSums&);

  /// Rounds of independent multiply-adds in registers, to measure what the processor can do; returns how many those
  /// were. `sink` holds factor and term, and receives a number that depends on all of them.
  double (*multiply_add_f32)(std::size_t rounds, float* sink);
  double (*multiply_add_f64)(std::size_t rounds, double* sink);
};

}  // namespace surprisal
