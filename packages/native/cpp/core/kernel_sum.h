// Logarithms of Gaussian kernel sums.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"
#include "task.h"

namespace surprisal {

/// What exponents in float32 can be made of: 1/Å, far beyond what any descriptor asks for.
constexpr double smallest_bandwidth = 1e-12;
constexpr double largest_bandwidth = 1e12;

/// What every kernel sum takes.
struct KernelSumOptions {
  const double* bandwidths;  // (bandwidth_count), smallest_bandwidth … largest_bandwidth
  std::size_t bandwidth_count;
  /// Nats by which what is left out may raise a δH at the most; 0: nothing is left out.
  double skip_below;
};

/// Raw is the precision of the rows, T that of the work on them: float in float, double in double, or float in double. All
/// numbers of rows are finite.
template <typename Raw>
struct KernelSumInput {
  const Raw* queries;  // (query_count×columns) row-major
  std::size_t query_count;
  const Raw* references;  // (reference_count×columns), one or more
  std::size_t reference_count;
  std::size_t columns;
  /// (reference_count) finite, not below 0, not all 0; or null. Those below 5e-324 of the largest count as 0.
  const double* weights;
  const std::uint32_t* starts;  // (query_count) references starts … ends (exclusive) do not count for a query; or null
  const std::uint32_t* ends;
  const double* decisions;  // (decision_count) values of ln s: sums too near one to tell are done again in float64
  std::size_t decision_count;
  bool all_exact;  // everything by log-sum-exp of differences in float64, as what is done again
};

/// Units of work of log_kernel_sum and self_kernel_sums, for Task::total.
std::uint64_t kernel_sum_units(std::size_t query_count, std::size_t reference_count);
std::uint64_t self_kernel_sum_units(std::size_t rows);

/// out[b·query_count + i] = ln Σ_j w_j exp(−|x_i − y_j|² / 2h_b²), finite however far a query lies.
///
/// j runs over all references but those that are left out for the query; −∞ where nothing is left. What a query's sum is
/// depends on the query, on what is left out for it, on the references and the bandwidths, but neither on threads nor on
/// other queries. Sums below `plain_sum_floor`, and those near a decision, are done again in float64 by log-sum-exp.
/// Throws std::bad_alloc, Error ABORTED.
template <typename Raw, typename T>
void log_kernel_sum(const KernelSumInput<Raw>& input, const KernelSumOptions& options, Isa isa, unsigned threads,
                    Task& task, double* out);

/// Σ_j exp(−|x_i − x_j|² / 2h_b²) of every row over all rows, each pair once: of the pairs, those of one share (0 ≤ share <
/// shares). The totals of all shares added up are the sums, to the same bits for any number of shares and threads.
///
/// @param out  (bandwidth_count×rows×3) whole numbers, see ExactTotal::to_limbs
template <typename Raw, typename T>
void self_kernel_sums(const Raw* rows, std::size_t row_count, std::size_t columns, const KernelSumOptions& options,
                      std::size_t share, std::size_t shares, Isa isa, unsigned threads, Task& task, double* out);

/// Sums (of weights relative to the largest) below this, e⁻²⁰, are done again: the exponents of float32 begin to show, and
/// the digits of an ExactTotal end.
constexpr double plain_sum_floor = 2.061153622438558e-9;

}  // namespace surprisal
