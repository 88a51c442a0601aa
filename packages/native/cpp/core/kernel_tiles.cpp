// The innermost loops of kernel sums, on the vector extensions of GCC and Clang.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.

#include "kernel_tiles.h"

#include "simd.h"

namespace surprisal {
namespace {

using std::size_t;

// How many queries meet how many vectors of a leaf at once: as many sums as there are registers for them.
struct TileShape {
  int queries, vectors;
};

#if defined(__AVX512F__) || defined(__aarch64__)
// 16 of 32 registers hold sums.
constexpr TileShape product_tile{8, 2};
constexpr TileShape difference_tile{8, 2};
#elif defined(__AVX2__)
// 12 of 16 registers hold sums. A product needs no register of its own, and then few queries save instructions.
constexpr TileShape product_tile{3, 4};
constexpr TileShape difference_tile{6, 2};
#else
// 8 of 16 registers hold sums; products need one for themselves.
constexpr TileShape product_tile{4, 2};
constexpr TileShape difference_tile{4, 2};
#endif

// The heart: Q queries against V vectors of one leaf. In the form of products, sums begin at 0 and go through the dimensions
// as those of centre_rows do, by the same multiply_add, and half norms are taken off one by one, so that equal rows leave 0.
//
// A function of its own: left alone, the compiler keeps what comes after it in registers through the loop over dimensions,
// and has too few left for the sums.
template <typename T, int Q, int V, TileForm form>
__attribute__((noinline)) void tile_sums(const T* const (&queries)[Q], size_t columns, const T* rows,
                                         const T* query_half_norms, const T* half_norms, T* out) {
  using Reals = typename Simd<T>::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(T);
  Reals sums[Q][V];
  const T* own[Q];
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sums[q][v] = Reals{};
    own[q] = queries[q];
  }
#pragma GCC unroll 2
  for (size_t c = 0; c < columns; ++c) {
    if constexpr (form == TileForm::product && V > Q) {
      Reals query[Q];
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) query[q] = broadcast<Reals>(own[q][c]);
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) {
        const Reals row = load<Reals>(rows + v * lanes);
#pragma GCC unroll 16
        for (int q = 0; q < Q; ++q) sums[q][v] = multiply_add(row, query[q], sums[q][v]);
      }
    } else {
      Reals row[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) row[v] = load<Reals>(rows + v * lanes);
#pragma GCC unroll 16
      for (int q = 0; q < Q; ++q) {
        const Reals query = broadcast<Reals>(own[q][c]);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) {
          if constexpr (form == TileForm::product) {
            sums[q][v] = multiply_add(row[v], query, sums[q][v]);
          } else {
            const Reals difference = row[v] - query;
            sums[q][v] -= difference * difference;
          }
        }
      }
    }
    rows += leaf_rows<T>;
  }
#pragma GCC unroll 16
  for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      if constexpr (form == TileForm::product) {
        sums[q][v] = (sums[q][v] - broadcast<Reals>(query_half_norms[q])) - load<Reals>(half_norms + v * lanes);
      }
      store(out + q * leaf_rows<T> + v * lanes, sums[q][v]);
    }
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

template <int count, typename Reals>
inline __attribute__((always_inline)) Reals sum_of(const Reals* vectors) {
  if constexpr (count == 1) {
    return vectors[0];
  } else {
    return sum_of<count / 2>(vectors) + sum_of<count / 2>(vectors + count / 2);
  }
}

// Queries whose exponents are computed before their exponentials: enough that a core, which looks but some hundred
// instructions ahead, has the products of one tile beside the end of another, and exponentials beside one another.
constexpr size_t queries_at_once = 24;

// Exponentials that a core computes side by side.
constexpr int exponentials_at_once = 4;

// Exponents of some queries, of the list, one row of the leaf after the other.
template <typename T, TileForm form>
inline __attribute__((always_inline)) void find_exponents(const LeafSums<T>& p, const std::uint32_t* list, size_t count,
                                                          T* exponents) {
  constexpr TileShape shape = form == TileForm::product ? product_tile : difference_tile;
  constexpr int Q = shape.queries;
  constexpr size_t width = shape.vectors * (vector_bytes / sizeof(T));
  static_assert(queries_at_once % Q == 0 && leaf_rows<T> % width == 0);
  for (size_t first = 0; first < count; first += Q) {
    const T* queries[Q];
    T query_half_norms[Q];
    for (size_t q = 0; q < Q; ++q) {
      // A tile is always full: its first query stands in for those that are missing.
      const size_t query = list[first + (first + q < count ? q : 0)];
      queries[q] = p.queries + query * p.query_stride;
      query_half_norms[q] = form == TileForm::product ? p.query_half_norms[query] : T{0};
    }
    for (size_t offset = 0; offset < leaf_rows<T>; offset += width) {
      tile_sums<T, Q, shape.vectors, form>(queries, p.columns, p.rows + offset, query_half_norms, p.half_norms + offset,
                                           exponents + first * leaf_rows<T> + offset);
    }
  }
}

// Adds the kernels of some queries, at one bandwidth, to what they are to be added to.
template <typename T, TileForm form, Extras extras>
inline __attribute__((always_inline)) void add_kernels(const LeafSums<T>& p, const std::uint32_t* list, size_t count,
                                                       const T* exponents, size_t bandwidth) {
  using Reals = typename Simd<T>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
  constexpr int vectors = leaf_rows<T> / lanes;
  constexpr int together = vectors < exponentials_at_once ? vectors : exponentials_at_once;
  const Reals factor = broadcast<Reals>(p.factors[bandwidth]);
  const Reals least = Simd<T>::smallest_exponent / factor;
  T* const row_sums = p.row_sums + bandwidth * p.row_sum_stride;
  const T* const weights = p.weights;
  const std::uint32_t* const ids = p.ids;
  Reals columns[vectors] = {};
  for (size_t i = 0; i < count; ++i) {
    const size_t query = list[i];
    Reals totals[vectors / together];
#pragma GCC unroll 16
    for (int begin = 0; begin < vectors; begin += together) {
      Reals kernels[together];
#pragma GCC unroll 16
      for (int v = 0; v < together; ++v) kernels[v] = load<Reals>(exponents + i * leaf_rows<T> + (begin + v) * lanes);
      // Squares may overflow.
      exp2_of<T, together, form == TileForm::product>(kernels, factor, least);
      if constexpr (extras == Extras::columns) {
#pragma GCC unroll 16
        for (int v = 0; v < together; ++v) columns[begin + v] += kernels[v];
      }
      if constexpr (extras == Extras::weights_or_windows) {
        if (weights != nullptr) {
#pragma GCC unroll 16
          for (int v = 0; v < together; ++v) kernels[v] *= load<Reals>(weights + (begin + v) * lanes);
        }
        if (ids != nullptr) {
#pragma GCC unroll 16
          for (int v = 0; v < together; ++v) {
            kernels[v] *= counting<T>(load_ids<T>(ids + (begin + v) * lanes), p.starts[query], p.ends[query]);
          }
        }
      }
      totals[begin / together] = sum_of<together>(kernels);
    }
    T* const sum = row_sums + query * sum_lanes<T>;
    store(sum, load<Reals>(sum) + sum_of<vectors / together>(totals));
  }
  if constexpr (extras == Extras::columns) {
    T* const column = p.column_sums + bandwidth * p.column_sum_stride;
#pragma GCC unroll 16
    for (int v = 0; v < vectors; ++v) store(column + v * lanes, load<Reals>(column + v * lanes) + columns[v]);
  }
}

template <typename T, TileForm form, Extras extras>
void add_tiles(const LeafSums<T>& p) {
  alignas(64) T exponents[queries_at_once * leaf_rows<T>];
  for (size_t first = 0; first < p.count; first += queries_at_once) {
    const size_t count = p.count - first < queries_at_once ? p.count - first : queries_at_once;
    find_exponents<T, form>(p, p.list + first, count, exponents);
    for (size_t b = 0; b < p.bandwidth_count; ++b) add_kernels<T, form, extras>(p, p.list + first, count, exponents, b);
  }
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

// The half norm beyond which a row takes no part, and what it gets instead: far from every overflow.
constexpr double largest_half_norm = 1e12;
constexpr double half_norm_of_the_far = 1e30;

// Rows seen across: one number of each, as many as a vector holds, eight at the most.
template <typename T>
constexpr size_t rows_across = vector_bytes / sizeof(T) < 8 ? vector_bytes / sizeof(T) : 8;
template <typename T>
struct AcrossOf {
  typedef T Numbers __attribute__((vector_size(rows_across<T> * sizeof(T))));
};
template <typename T>
using Across = typename AcrossOf<T>::Numbers;

// Transposes as many vectors as each has numbers, in rounds of pairs.
template <typename V>
inline __attribute__((always_inline)) void transpose(V (&x)[2]) {
  const V first = chosen<0, 2>(x[0], x[1]);
  x[1] = chosen<1, 3>(x[0], x[1]);
  x[0] = first;
}
template <typename V>
inline __attribute__((always_inline)) void transpose(V (&x)[4]) {
  V pairs[4];
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; i += 2) {
    pairs[i] = chosen<0, 4, 1, 5>(x[i], x[i + 1]);
    pairs[i + 1] = chosen<2, 6, 3, 7>(x[i], x[i + 1]);
  }
#pragma GCC unroll 4
  for (size_t i = 0; i < 2; ++i) {
    x[2 * i] = chosen<0, 1, 4, 5>(pairs[i], pairs[i + 2]);
    x[2 * i + 1] = chosen<2, 3, 6, 7>(pairs[i], pairs[i + 2]);
  }
}
template <typename V>
inline __attribute__((always_inline)) void transpose(V (&x)[8]) {
  V pairs[8], quads[8];
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i += 2) {
    pairs[i] = chosen<0, 8, 1, 9, 4, 12, 5, 13>(x[i], x[i + 1]);
    pairs[i + 1] = chosen<2, 10, 3, 11, 6, 14, 7, 15>(x[i], x[i + 1]);
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < 8; i += 4) {
#pragma GCC unroll 8
    for (size_t j = 0; j < 2; ++j) {
      quads[i + 2 * j] = chosen<0, 1, 8, 9, 4, 5, 12, 13>(pairs[i + j], pairs[i + j + 2]);
      quads[i + 2 * j + 1] = chosen<2, 3, 10, 11, 6, 7, 14, 15>(pairs[i + j], pairs[i + j + 2]);
    }
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < 4; ++i) {
    x[i] = chosen<0, 1, 2, 3, 8, 9, 10, 11>(quads[i], quads[i + 4]);
    x[i + 4] = chosen<4, 5, 6, 7, 12, 13, 14, 15>(quads[i], quads[i + 4]);
  }
}

// Centres rows_across rows for each group, and sums their squares by the multiply-adds of the tiles, from the first number of
// a row to its last. Of a number that is broadcast compilers square first and add then, which rounds once more; hence the
// transposition.
template <typename T, int groups>
inline __attribute__((always_inline)) void centre_across(const CentreRows<T>& p, const size_t* places, Across<T>* sums) {
  constexpr size_t R = rows_across<T>;
#pragma GCC unroll 8
  for (int g = 0; g < groups; ++g) sums[g] = Across<T>{};
  for (size_t c = 0; c < p.stride; c += R) {
    const Across<T> centre = load<Across<T>>(p.centre + c);
#pragma GCC unroll 8
    for (int g = 0; g < groups; ++g) {
      Across<T> x[R];
#pragma GCC unroll 8
      for (size_t i = 0; i < R; ++i) {
        const size_t place = places[g * R + i] + c;
        x[i] = (load<Across<T>>(p.rows + place) - centre) * p.scale;
        store(p.centred + place, x[i]);
      }
      transpose(x);
#pragma GCC unroll 8
      for (size_t i = 0; i < R; ++i) sums[g] = multiply_add(x[i], x[i], sums[g]);
    }
  }
}

template <typename T>
void centre_rows(const CentreRows<T>& p) {
  constexpr int groups = 2;
  constexpr size_t R = rows_across<T>;
  constexpr size_t at_once = groups * R;
  for (size_t first = 0; first < p.count; first += at_once) {
    const size_t count = p.count - first < at_once ? p.count - first : at_once;
    // The first row stands in for those that are missing.
    size_t places[at_once];
    for (size_t i = 0; i < at_once; ++i) places[i] = size_t{p.list[first + (i < count ? i : 0)]} * p.stride;
    Across<T> sums[groups]{};
    if (count > R) {
      centre_across<T, groups>(p, places, sums);
    } else {
      centre_across<T, 1>(p, places, sums);
    }
    for (size_t i = 0; i < count; ++i) {
      const std::uint32_t query = p.list[first + i];
      const T half_norm = sums[i / R][i % R] / 2;
      p.half_norms[query] = half_norm;
      if (half_norm < static_cast<T>(largest_half_norm)) continue;
      p.half_norms[query] = static_cast<T>(half_norm_of_the_far);
      for (size_t c = 0; c < p.stride; ++c) p.centred[places[i] + c] = 0;
    }
  }
}

template <typename T>
void take_sums(T* lanes_of_queries, const std::uint32_t* list, size_t count, double* totals) {
  constexpr size_t lanes = vector_bytes / sizeof(T);
  for (size_t i = 0; i < count; ++i) {
    T* const from = lanes_of_queries + size_t{list[i]} * sum_lanes<T>;
    double sums[lanes];
    for (size_t lane = 0; lane < lanes; ++lane) sums[lane] = from[lane];
    for (size_t lane = 0; lane < lanes; ++lane) from[lane] = 0;
#pragma GCC unroll 4
    for (size_t half = lanes / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
      for (size_t lane = 0; lane < half; ++lane) sums[lane] += sums[lane + half];
    }
    totals[list[i]] = sums[0];
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
          const Reals query = broadcast<Reals>(p.queries[size_t{list[static_cast<size_t>(q) < count ? q : 0]} * p.query_stride + c]);
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
  constexpr size_t vectors = bound_group / lanes;
  const Reals least = broadcast<Reals>(p.least_limit);
  size_t found = 0;
  for (size_t i = 0; i < p.group_count; ++i) {
    const size_t group = p.groups[i];
    const float* low = p.query_low + group * p.dimensions * bound_group;
    const float* high = p.query_high + group * p.dimensions * bound_group;
    Reals squared[vectors] = {};
    for (size_t c = 0; c < p.dimensions; ++c) {
      const Reals box_low = broadcast<Reals>(p.low[c]);
      const Reals box_high = broadcast<Reals>(p.high[c]);
#pragma GCC unroll 4
      for (size_t v = 0; v < vectors; ++v) {
        const Reals below = box_low - load<Reals>(high + v * lanes);
        const Reals above = load<Reals>(low + v * lanes) - box_high;
        const Reals gap = larger(larger(below, above), Reals{});
        squared[v] += gap * gap;
      }
      low += bound_group;
      high += bound_group;
    }
#pragma GCC unroll 4
    for (size_t v = 0; v < vectors; ++v) {
      const size_t first = group * bound_group + v * lanes;
      // What has a limit below 0 is no query, whatever the box: of one that is infinite it is not told apart by its interval.
      const Reals own = load<Reals>(p.limits + first);
      const Reals limit = larger(own, least);
      const auto is_near = reinterpret_cast<S::Integers>((squared[v] < limit) & (own >= 0.0f));
      if (is_nowhere(is_near)) continue;
      int near[lanes];
      store(near, is_near);
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
  constexpr int Q = difference_tile.queries;
  constexpr int V = difference_tile.vectors;
  for (size_t first = 0; first < count; first += Q) {
    const size_t some = count - first < Q ? count - first : Q;
    const float* asked[Q];
    for (size_t q = 0; q < Q; ++q) asked[q] = queries[first + (q < some ? q : 0)];
    float tile[Q * length];
    for (size_t offset = 0; offset < length; offset += V * lanes) {
      tile_sums<float, Q, V, TileForm::difference>(asked, columns, rows + offset, nullptr, nullptr, tile + offset);
    }
    for (size_t i = 0; i < some * length; ++i) squares[first * length + i] = -tile[i];
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
    add_leaf<float>,  add_leaf<double>,  centre_rows<float>, centre_rows<double>, take_sums<float>,
    take_sums<double>, add_relative, near_queries, leaf_squares};

}  // namespace surprisal
