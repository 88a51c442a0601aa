// The innermost loops of kernel sums, on the vector extensions of GCC and Clang.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.

#include "kernel_tiles.h"

#include "vector_exp2.h"

namespace surprisal {
namespace {

using std::size_t;

// Left alone, the compiler keeps the constants of the exponential in registers through the loop over dimensions, and has
// too few left for the sums. So that loop is a function of its own where there are but 16 registers.
#if defined(__AVX512F__)
#define SURPRISAL_LOOP inline __attribute__((always_inline))
#else
#define SURPRISAL_LOOP __attribute__((noinline))
#endif

// The heart: Q queries against two vectors of one leaf. What is added to is 0 at first, also in half_norms.
template <typename T, int Q, TileForm form>
SURPRISAL_LOOP void tile_products(const T* const (&queries)[Q], size_t columns, const T* rows,
                                  typename Simd<T>::Reals (&out)[Q][2]) {
  using Reals = typename Simd<T>::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(T);
  Reals sums[Q][2];
  const T* own[Q];
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
    sums[q][0] = sums[q][1] = Reals{};
    own[q] = queries[q];
  }
  for (size_t c = 0; c < columns; ++c) {
    const Reals first = load<Reals>(rows);
    const Reals second = load<Reals>(rows + lanes);
    rows += leaf_rows<T>;
#pragma GCC unroll 16
    for (int q = 0; q < Q; ++q) {
      const Reals query = broadcast<Reals>(own[q][c]);
      if constexpr (form == TileForm::product) {
        sums[q][0] += first * query;
        sums[q][1] += second * query;
      } else {
        const Reals a = first - query;
        sums[q][0] += a * a;
        const Reals b = second - query;
        sums[q][1] += b * b;
      }
    }
  }
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
    out[q][0] = sums[q][0];
    out[q][1] = sums[q][1];
  }
}

// What a tile has beside queries and rows.
enum class Extras { none, columns, weights_or_windows };

// 1 where a reference counts for a query, 0 where it is left out.
template <typename T>
inline __attribute__((always_inline)) typename Simd<T>::Reals counting(typename Simd<T>::Naturals ids, std::uint32_t start,
                                                                       std::uint32_t end) {
  using S = Simd<T>;
  using N = typename S::Naturals;
  const N length = N{} + (end - start);
  const auto outside = (ids - start) >= length;  // ids before the start wrap round
  const typename S::Reals one = broadcast<typename S::Reals>(T{1});
  using I = typename S::Integers;
  return reinterpret_cast<typename S::Reals>(reinterpret_cast<I>(one) & reinterpret_cast<I>(outside));
}

template <typename T>
inline __attribute__((always_inline)) typename Simd<T>::Naturals load_ids(const std::uint32_t* ids) {
  using N = typename Simd<T>::Naturals;
  if constexpr (sizeof(T) == 4) {
    return load<N>(ids);
  } else {
    typedef std::uint32_t Narrow __attribute__((vector_size(sizeof(N) / 2)));
    Narrow narrow;
    __builtin_memcpy(&narrow, ids, sizeof narrow);
    return __builtin_convertvector(narrow, N);
  }
}

// Q queries of the list, of which `count` are real, against one leaf.
template <typename T, int Q, TileForm form, Extras extras, bool full>
inline __attribute__((always_inline)) void add_tile(const LeafSums<T>& p, const std::uint32_t* list, size_t count) {
  using S = Simd<T>;
  using Reals = typename S::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(T);
  const T* queries[Q];
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
    queries[q] = p.queries + size_t{list[full || static_cast<size_t>(q) < count ? q : 0]} * p.columns;
  }
  for (size_t offset = 0; offset < leaf_rows<T>; offset += 2 * lanes) {
    Reals exponents[Q][2];
    tile_products<T, Q, form>(queries, p.columns, p.rows + offset, exponents);
    if constexpr (form == TileForm::product) {
      const Reals first = load<Reals>(p.half_norms + offset);
      const Reals second = load<Reals>(p.half_norms + offset + lanes);
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) {
        const Reals own = broadcast<Reals>(p.query_half_norms[list[full || static_cast<size_t>(q) < count ? q : 0]]);
        exponents[q][0] = (exponents[q][0] - own) - first;
        exponents[q][1] = (exponents[q][1] - own) - second;
      }
    }
    for (size_t b = 0; b < p.bandwidth_count; ++b) {
      const T factor = p.factors[b];
      Reals column_first{}, column_second{};
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) {
        if (!full && static_cast<size_t>(q) >= count) continue;
        Reals first = exponents[q][0] * factor;
        Reals second = exponents[q][1] * factor;
        if constexpr (form == TileForm::difference) {
          // Squares may overflow.
          const Reals least = broadcast<Reals>(S::smallest_exponent * 2);
          first = first > least ? first : least;
          second = second > least ? second : least;
        }
        first = exp2_of<T>(first);
        second = exp2_of<T>(second);
        if constexpr (extras == Extras::columns) {
          column_first += first;
          column_second += second;
        }
        if constexpr (extras == Extras::weights_or_windows) {
          if (p.weights != nullptr) {
            first *= load<Reals>(p.weights + offset);
            second *= load<Reals>(p.weights + offset + lanes);
          }
          if (p.ids != nullptr) {
            const std::uint32_t start = p.starts[list[q]];
            const std::uint32_t end = p.ends[list[q]];
            first *= counting<T>(load_ids<T>(p.ids + offset), start, end);
            second *= counting<T>(load_ids<T>(p.ids + offset + lanes), start, end);
          }
        }
        T* const sum = p.row_sums + b * p.row_sum_stride + size_t{list[q]} * sum_lanes<T>;
        store(sum, load<Reals>(sum) + (first + second));
      }
      if constexpr (extras == Extras::columns) {
        T* const column = p.column_sums + b * p.column_sum_stride + offset;
        store(column, load<Reals>(column) + column_first);
        store(column + lanes, load<Reals>(column + lanes) + column_second);
      }
    }
  }
}

template <typename T, TileForm form, Extras extras>
void add_tiles(const LeafSums<T>& p) {
  constexpr int Q = queries_per_tile;
  size_t first = 0;
  for (; first + Q <= p.count; first += Q) add_tile<T, Q, form, extras, true>(p, p.list + first, Q);
  if (first < p.count) add_tile<T, Q, form, extras, false>(p, p.list + first, p.count - first);
}

template <typename T, TileForm form>
void add_leaf_in(const LeafSums<T>& p) {
  if (p.column_sums != nullptr) return add_tiles<T, form, Extras::columns>(p);
  if (p.weights != nullptr || p.ids != nullptr) return add_tiles<T, form, Extras::weights_or_windows>(p);
  add_tiles<T, form, Extras::none>(p);
}

template <typename T>
void add_leaf(const LeafSums<T>& p) {
  if (p.form == TileForm::product) return add_leaf_in<T, TileForm::product>(p);
  add_leaf_in<T, TileForm::difference>(p);
}

// The norm of a row beyond which it takes no part, and the half norm that it gets instead: far from every overflow.
constexpr double largest_half_norm = 1e12;
constexpr double half_norm_of_the_far = 1e30;

template <typename T>
void centre_rows(const CentreRows<T>& p) {
  using Reals = typename Simd<T>::Reals;
  constexpr int at_once = 8;
  for (size_t first = 0; first < p.count; first += at_once) {
    const size_t count = p.count - first < at_once ? p.count - first : at_once;
    for (size_t i = 0; i < count; ++i) {
      const T* const from = p.rows + size_t{p.list[first + i]} * p.columns;
      T* const to = p.centred + size_t{p.list[first + i]} * p.columns;
      for (size_t c = 0; c < p.columns; ++c) to[c] = static_cast<T>((from[c] - p.centre[c]) * p.scale);
    }
    const T* row[at_once];
    for (size_t i = 0; i < at_once; ++i) row[i] = p.centred + size_t{p.list[first + (i < count ? i : 0)]} * p.columns;
    Reals sums[at_once];
    for (int i = 0; i < at_once; ++i) sums[i] = Reals{};
    for (size_t c = 0; c < p.columns; ++c) {
#pragma GCC unroll 8
      for (int i = 0; i < at_once; ++i) {
        const Reals x = broadcast<Reals>(row[i][c]);
        sums[i] += x * x;
      }
    }
    for (size_t i = 0; i < count; ++i) {
      const std::uint32_t query = p.list[first + i];
      p.half_norms[query] = sums[i][0] / 2;
      if (sums[i][0] / 2 < static_cast<T>(largest_half_norm)) continue;
      p.half_norms[query] = static_cast<T>(half_norm_of_the_far);
      for (size_t c = 0; c < p.columns; ++c) p.centred[size_t{query} * p.columns + c] = 0;
    }
  }
}

template <typename T>
void take_sums(T* lanes_of_queries, const std::uint32_t* list, size_t count, double* totals) {
  constexpr size_t lanes = vector_bytes / sizeof(T);
  for (size_t i = 0; i < count; ++i) {
    T* const from = lanes_of_queries + size_t{list[i]} * sum_lanes<T>;
    double total = 0;
    for (size_t lane = 0; lane < lanes; ++lane) {
      total += from[lane];
      from[lane] = 0;
    }
    totals[list[i]] = total;
  }
}

constexpr double log2_e = 1.4426950408889634074;

void add_relative(const RelativeSums& p) {
  using Reals = Simd<double>::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(double);
  constexpr int Q = 4;
  for (size_t first = 0; first < p.count; first += Q) {
    const size_t count = p.count - first < Q ? p.count - first : Q;
    const std::uint32_t* const list = p.list + first;
    double squared[Q][relative_rows];
    for (size_t row = 0; row < relative_rows; row += lanes) {
      Reals sums[Q];
      for (int q = 0; q < Q; ++q) sums[q] = Reals{};
      for (size_t c = 0; c < p.columns; ++c) {
        const Reals own = load<Reals>(p.rows + c * relative_rows + row);
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) {
          const Reals query = broadcast<Reals>(p.queries[size_t{list[static_cast<size_t>(q) < count ? q : 0]} * p.columns + c]);
          const Reals difference = own - query;
          sums[q] += difference * difference;
        }
      }
      for (int q = 0; q < Q; ++q) store(&squared[q][row], sums[q]);
    }
    for (size_t q = 0; q < count; ++q) {
      const std::uint32_t query = list[q];
      double weights[relative_rows];
      double own_nearest = __builtin_inf();
      for (size_t row = 0; row < relative_rows; ++row) {
        const bool counts = p.ids == nullptr || p.ids[row] - p.starts[query] >= p.ends[query] - p.starts[query];
        weights[row] = counts ? p.weights[row] : 0;
        if (weights[row] > 0 && squared[q][row] < own_nearest) own_nearest = squared[q][row];
      }
      if (own_nearest == __builtin_inf()) continue;
      double& nearest = p.nearest[query];
      const bool nearer = own_nearest < nearest;
      for (size_t b = 0; b < p.bandwidth_count; ++b) {
        const double slope = 1 / (2 * p.bandwidths[b] * p.bandwidths[b]);
        double& sum = p.sums[b * p.sum_stride + query];
        if (nearer) sum *= __builtin_exp((own_nearest - nearest) * slope);
        const Reals from = broadcast<Reals>(nearer ? own_nearest : nearest);
        Reals total{};
        for (size_t row = 0; row < relative_rows; row += lanes) {
          Reals exponent = (from - load<Reals>(&squared[q][row])) * (log2_e * slope);
          // What does not count may be nearer than the nearest.
          exponent = exponent > 0.0 ? Reals{} : exponent;
          total += exp2_of<double>(exponent) * load<Reals>(weights + row);
        }
        for (size_t lane = 0; lane < lanes; ++lane) sum += total[lane];
      }
      if (nearer) nearest = own_nearest;
    }
  }
}

size_t near_queries(const BoundCheck& p, std::uint32_t* list) {
  using S = Simd<float>;
  using Reals = S::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(float);
  const Reals least = broadcast<Reals>(p.least_limit);
  size_t found = 0;
  for (size_t group = 0; group < p.group_count; ++group) {
    const size_t begin = size_t{p.groups[group]} * bound_group;
    for (size_t first = begin; first < begin + bound_group; first += lanes) {
      Reals squared{};
      for (size_t c = 0; c < p.dimensions; ++c) {
        const Reals below = p.low[c] - load<Reals>(p.query_high + c * p.query_stride + first);
        const Reals above = load<Reals>(p.query_low + c * p.query_stride + first) - p.high[c];
        Reals gap = below > above ? below : above;
        gap = gap > 0.0f ? gap : Reals{};
        squared += gap * gap;
      }
      // What has a limit below 0 is no query, whatever the box: of one that is infinite it is not told apart by its interval.
      const Reals own = load<Reals>(p.limits + first);
      const Reals limit = own > least ? own : least;
      int near[lanes];
      store(near, reinterpret_cast<S::Integers>((squared < limit) & (own >= 0.0f)));
      for (size_t lane = 0; lane < lanes; ++lane) {
        list[found] = static_cast<std::uint32_t>(first + lane);
        found -= static_cast<size_t>(near[lane]);
      }
    }
  }
  return found;
}

void leaf_squares(const float* const* queries, size_t count, size_t columns, const float* rows, float* squares,
                  float* smallest) {
  using Reals = Simd<float>::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(float);
  constexpr size_t length = leaf_rows<float>;
  constexpr int Q = queries_per_tile;
  for (size_t first = 0; first < count; first += Q) {
    const size_t some = count - first < Q ? count - first : Q;
    // A tile is always full: its first query stands in for those that are missing.
    const float* asked[Q];
    for (size_t q = 0; q < Q; ++q) asked[q] = queries[first + (q < some ? q : 0)];
    for (size_t offset = 0; offset < length; offset += 2 * lanes) {
      Reals sums[Q][2];
      tile_products<float, Q, TileForm::difference>(asked, columns, rows + offset, sums);
      for (size_t q = 0; q < some; ++q) {
        store(squares + (first + q) * length + offset, sums[q][0]);
        store(squares + (first + q) * length + offset + lanes, sums[q][1]);
      }
    }
  }
  for (size_t q = 0; q < count; ++q) {
    Reals least = load<Reals>(squares + q * length);
    for (size_t offset = lanes; offset < length; offset += lanes) {
      const Reals other = load<Reals>(squares + q * length + offset);
      least = other < least ? other : least;
    }
    smallest[q] = least[0];
    for (size_t lane = 1; lane < lanes; ++lane) {
      if (least[lane] < smallest[q]) smallest[q] = least[lane];
    }
  }
}

}  // namespace

extern const KernelTiles SURPRISAL_FOR_ISA(kernel_tiles);
const KernelTiles SURPRISAL_FOR_ISA(kernel_tiles) = {
    add_leaf<float>,  add_leaf<double>,  centre_rows<float>,  centre_rows<double>, take_sums<float>,
    take_sums<double>, add_relative, near_queries, leaf_squares};

}  // namespace surprisal
