// Logarithms of Gaussian kernel sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"
#include "packed_rows.h"
#include "task.h"

namespace surprisal {

/// Places start … end (exclusive) among packed rows.
struct RowWindow {
  std::size_t start;
  std::size_t end;
};

template <typename T>
struct KernelSumInput {
  const T* queries;  // (query_count×columns) row-major
  std::size_t query_count;
  const PackedRows<T>* references;
  const double* bandwidths;  // (bandwidth_count), above 0
  std::size_t bandwidth_count;
  const RowWindow* left_out;  // (query_count), the references that do not count for a query, or null
};

/// Units of work of log_kernel_sum, for Task::total.
template <typename T>
std::uint64_t kernel_sum_units(std::size_t query_count, std::size_t reference_count);

/// out[b·query_count + i] = ln Σ_j w_j exp(−|x_i − y_j|² / 2h_b²), finite however far a query lies.
///
/// j runs over all references but those that are left out for the query; −∞ where nothing is left.
///
/// The sum of a query is added panel by panel in one order that depends on the references, and on what is left out for
/// that query: neither on threads nor on the other queries. Where the plain sum would lose accuracy (below
/// `plain_sum_floor`) the query is done again in float64 by log-sum-exp. Throws Error ABORTED.
template <typename T>
void log_kernel_sum(const KernelSumInput<T>& input, Isa isa, unsigned threads, Task& task, double* out);

/// Sums (of weights relative to the largest) below this are done again. Single precision: e⁻²⁰, where the rounding of the exponent begins to show. Double:
/// far above the smallest kernel (2^−1021) that the tiles tell from 0.
template <typename T>
constexpr double plain_sum_floor = sizeof(T) == 4 ? 2.061153622438558e-9 : 1e-200;

}  // namespace surprisal
