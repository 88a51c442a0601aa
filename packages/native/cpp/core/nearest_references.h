// The k nearest references of every query, exactly.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cpu.h"
#include "task.h"

namespace surprisal {

template <typename Raw>
struct NearestInput {
  const Raw* queries;  // (query_count×columns) row-major
  std::size_t query_count;
  const Raw* references;  // (reference_count×columns)
  std::size_t reference_count;
  std::size_t columns;
  std::size_t k;
  const std::uint32_t* starts;  // (query_count) references start … end (exclusive) do not count for a query; or null
  const std::uint32_t* ends;
  double beyond;  // squared distance: what is at this one or nearer does not count; below 0 for none
  double within;  // squared distance: what is farther does not count; may be infinite
};

/// Stands in `rows` where fewer than k references count.
constexpr std::uint32_t no_reference = 0xffffffff;

/// For every query the k references that count with the smallest (d², row), nearest first: rows (query_count×k), and
/// d = √Σ_c (x_c − y_c)² in distances (query_count×k), infinite where there is none. Differences, squares and their sum
/// are taken in float64 in the order of the columns, so that the result is the same to the last bit on every instruction
/// set and any number of threads. The unit of progress is a query. Throws std::bad_alloc, Error ABORTED.
template <typename Raw>
void nearest_references(const NearestInput<Raw>& input, Isa isa, unsigned threads, Task& task, std::uint32_t* rows,
                        double* distances);

}  // namespace surprisal
