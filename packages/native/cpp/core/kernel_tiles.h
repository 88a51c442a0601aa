// The innermost loops of kernel sums, compiled once for each instruction set from kernel_tiles.cpp.
#pragma once

#include <cstddef>

namespace surprisal {

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
  T* scratch;                // panel_scratch<T>(columns, bandwidth_count) numbers, aligned to a cache line
};

/// Queries that a tile takes at once, at the most.
constexpr std::size_t tile_queries = 8;

template <typename T>
constexpr std::size_t panel_scratch(std::size_t columns, std::size_t bandwidth_count) {
  return tile_queries * columns + tile_queries * bandwidth_count * (64 / sizeof(T)) + bandwidth_count + 128;
}

struct KernelTiles {
  /// sums[b·query_count + q] += Σ_j w_j exp(−|x_q − y_j|² / 2h_b²), each term in T, the total of the run in float64.
  void (*add_panel_f32)(const PanelSums<float>&, double* sums);
  void (*add_panel_f64)(const PanelSums<double>&, double* sums);

  /// Squared distances in float64 of one query (columns) to every lane of a run of packs: out (pack_count×lanes).
  void (*distances_f32)(const float* query, std::size_t columns, const float* packs, std::size_t pack_count, double* out);
  void (*distances_f64)(const double* query, std::size_t columns, const double* packs, std::size_t pack_count,
                        double* out);

  /// Rounds of independent multiply-adds in registers, to measure what the processor can do; returns how many those
  /// were. `sink` holds factor and term, and receives a number that depends on all of them.
  double (*multiply_add_f32)(std::size_t rounds, float* sink);
  double (*multiply_add_f64)(std::size_t rounds, double* sink);
};

}  // namespace surprisal
