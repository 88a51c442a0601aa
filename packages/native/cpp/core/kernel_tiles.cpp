// The innermost loops of kernel sums, on the vector extensions of GCC and Clang.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.

#include "kernel_tiles.h"

#include "instruction_set.h"

namespace surprisal {
namespace {

using std::size_t;

template <typename T>
struct Simd;

template <>
struct Simd<float> {
  typedef float Reals __attribute__((vector_size(vector_bytes)));
  typedef int Integers __attribute__((vector_size(vector_bytes)));
  typedef int Integer;
  static constexpr int mantissa_bits = 23;
  static constexpr float round_magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer in the low bits
  static constexpr float smallest_exponent = -125.0f;
  static constexpr int terms = 8;
};

template <>
struct Simd<double> {
  typedef double Reals __attribute__((vector_size(vector_bytes)));
  typedef long long Integers __attribute__((vector_size(vector_bytes)));
  typedef long long Integer;
  static constexpr int mantissa_bits = 52;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 · 2^52
  static constexpr double smallest_exponent = -1021.0;
  static constexpr int terms = 13;
};

// (ln 2)^i / i!: the series of 2^f, within 5e-9 (8 terms) and 2e-16 (13 terms) for |f| ≤ 1/2.
constexpr double exp2_series[13] = {1.0,
                                    0.69314718055994530942,
                                    0.24022650695910071233,
                                    0.055504108664821579953,
                                    0.0096181291076284771619,
                                    0.0013333558146428443423,
                                    0.00015403530393381609954,
                                    0.000015252733804059840280,
                                    0.0000013215486790144309488,
                                    1.0178086009239699727e-7,
                                    7.0549116208011233299e-9,
                                    4.4455382718708114976e-10,
                                    2.5678435993488205142e-11};

// 2^z for z ≤ 0; below the smallest exponent of normal numbers it stays at that smallest number.
template <typename T>
inline __attribute__((always_inline)) typename Simd<T>::Reals exp2_of(typename Simd<T>::Reals z) {
  using S = Simd<T>;
  using V = typename S::Reals;
  using I = typename S::Integers;
  const V least = broadcast<V>(S::smallest_exponent);
  z = z < least ? least : z;
  const V shifted = z + S::round_magic;
  const V fraction = z - (shifted - S::round_magic);
  V power = broadcast<V>(static_cast<T>(exp2_series[S::terms - 1]));
#pragma GCC unroll 16
  for (int i = S::terms - 2; i >= 0; --i) power = power * fraction + static_cast<T>(exp2_series[i]);
  return reinterpret_cast<V>(reinterpret_cast<I>(power) + (reinterpret_cast<I>(shifted) << S::mantissa_bits));
}

// Consecutive numbers of type T as a vector of R.
template <typename R, typename T>
inline __attribute__((always_inline)) typename Simd<R>::Reals load_as(const T* from) {
  using Reals = typename Simd<R>::Reals;
  if constexpr (sizeof(T) == sizeof(R)) {
    return load<Reals>(from);
  } else {
    typedef T Narrow __attribute__((vector_size(sizeof(T) * sizeof(Reals) / sizeof(R))));
    return __builtin_convertvector(load<Narrow>(from), Reals);
  }
}

// The heart: Q queries against V vectors of one pack, in R whatever the storage; differences first, so that equal rows
// are at distance exactly 0.
template <typename R, typename T, int Q, int V>
inline __attribute__((always_inline)) void tile_distances(const R* queries, size_t columns, const T* pack,
                                                          typename Simd<R>::Reals (&d2)[Q][V]) {
  using Reals = typename Simd<R>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(R);
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) d2[q][v] = Reals{};
  }
  for (size_t c = 0; c < columns; ++c) {
    Reals row[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) row[v] = load_as<R>(pack + c * pack_rows<T> + v * lanes);
#pragma GCC unroll 8
    for (int q = 0; q < Q; ++q) {
      const Reals query = broadcast<Reals>(queries[c * tile_queries + q]);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) {
        const Reals difference = row[v] - query;
        d2[q][v] += difference * difference;
      }
    }
  }
}

// Up to Q query rows as [dimension][query]. A tile is always full: the last query stands in for those that are missing.
template <typename R, typename T>
void gather_queries(const PanelSums<T>& p, size_t first, size_t count, R* queries) {
  for (size_t q = 0; q < static_cast<size_t>(queries_per_tile); ++q) {
    const T* const row = p.queries + (first + (q < count ? q : count - 1)) * p.columns;
    for (size_t c = 0; c < p.columns; ++c) queries[c * tile_queries + q] = row[c];
  }
}

constexpr double log2_e = 1.4426950408889634074;

template <typename T, int Q, bool Weighted>
void add_tile(const PanelSums<T>& p, const T* queries, T* partial, const T* factors) {
  using Reals = typename Simd<T>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
  constexpr int V = 2;
  constexpr size_t step = V * lanes;
  for (size_t pack = 0; pack < p.pack_count; ++pack) {
    const T* const rows = p.packs + pack * p.columns * pack_rows<T>;
    for (size_t offset = 0; offset < pack_rows<T>; offset += step) {
      Reals d2[Q][V];
      tile_distances<T, T, Q, V>(queries, p.columns, rows + offset, d2);
      for (size_t b = 0; b < p.bandwidth_count; ++b) {
        const T factor = factors[b];
#pragma GCC unroll 8
        for (int q = 0; q < Q; ++q) {
          Reals sum = load<Reals>(partial + (b * tile_queries + q) * lanes);
#pragma GCC unroll 8
          for (int v = 0; v < V; ++v) {
            Reals kernel = exp2_of<T>(d2[q][v] * factor);
            if constexpr (Weighted) kernel *= load<Reals>(p.weights + pack * pack_rows<T> + offset + v * lanes);
            sum += kernel;
          }
          store(partial + (b * tile_queries + q) * lanes, sum);
        }
      }
    }
  }
}

template <typename T>
void add_panel(const PanelSums<T>& p, double* sums) {
  using Reals = typename Simd<T>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
  constexpr size_t Q = queries_per_tile;
  T* const queries = p.scratch;
  T* const partial = p.scratch + (tile_queries * p.columns + 63) / 64 * 64;
  T* const factors = partial + tile_queries * p.bandwidth_count * lanes;
  for (size_t b = 0; b < p.bandwidth_count; ++b) {
    factors[b] = static_cast<T>(-log2_e / (2 * p.bandwidths[b] * p.bandwidths[b]));
  }
  for (size_t first = 0; first < p.query_count; first += Q) {
    const size_t count = p.query_count - first < Q ? p.query_count - first : Q;
    gather_queries(p, first, count, queries);
    for (size_t i = 0; i < tile_queries * p.bandwidth_count * lanes; ++i) partial[i] = 0;
    if (p.weights == nullptr) {
      add_tile<T, Q, false>(p, queries, partial, factors);
    } else {
      add_tile<T, Q, true>(p, queries, partial, factors);
    }
    for (size_t b = 0; b < p.bandwidth_count; ++b) {
      for (size_t q = 0; q < count; ++q) {
        double sum = 0;
        for (int lane = 0; lane < lanes; ++lane) sum += partial[(b * tile_queries + q) * lanes + lane];
        sums[b * p.sum_stride + first + q] += sum;
      }
    }
  }
}

template <typename T>
void add_panel_relative(const PanelSums<T>& p, const RelativeSums& relative) {
  using Reals = Simd<double>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(double);
  constexpr int Q = queries_per_tile;
  constexpr int V = 2;
  const size_t rows = p.pack_count * pack_rows<T>;
  double* const queries = relative.scratch;
  double* const squared = relative.scratch + tile_queries * p.columns;  // [query][row]
  for (size_t first = 0; first < p.query_count; first += Q) {
    const size_t count = p.query_count - first < Q ? p.query_count - first : Q;
    gather_queries(p, first, count, queries);
    Reals smallest[Q];
    for (int q = 0; q < Q; ++q) smallest[q] = broadcast<Reals>(__builtin_inf());
    for (size_t row = 0; row < rows; row += V * lanes) {
      Reals d2[Q][V];
      const T* const pack = p.packs + row / pack_rows<T> * p.columns * pack_rows<T> + row % pack_rows<T>;
      tile_distances<double, T, Q, V>(queries, p.columns, pack, d2);
      for (int q = 0; q < Q; ++q) {
        for (int v = 0; v < V; ++v) {
          smallest[q] = d2[q][v] < smallest[q] ? d2[q][v] : smallest[q];
          store(squared + q * rows + row + v * lanes, d2[q][v]);
        }
      }
    }
    for (size_t q = 0; q < count; ++q) {
      double panel_nearest = smallest[q][0];
      for (int lane = 1; lane < lanes; ++lane) {
        if (smallest[q][lane] < panel_nearest) panel_nearest = smallest[q][lane];
      }
      double& nearest = relative.nearest[first + q];
      const bool nearer = panel_nearest < nearest;
      for (size_t b = 0; b < p.bandwidth_count; ++b) {
        const double slope = 1 / (2 * p.bandwidths[b] * p.bandwidths[b]);
        double& sum = relative.sums[b * p.sum_stride + first + q];
        if (nearer) sum *= __builtin_exp((panel_nearest - nearest) * slope);
        const Reals from = broadcast<Reals>(nearer ? panel_nearest : nearest);
        const double factor = -log2_e * slope;
        Reals total{};
        for (size_t row = 0; row < rows; row += lanes) {
          Reals kernel = exp2_of<double>((load<Reals>(squared + q * rows + row) - from) * factor);
          if (relative.weights != nullptr) kernel *= load<Reals>(relative.weights + row);
          total += kernel;
        }
        for (int lane = 0; lane < lanes; ++lane) sum += total[lane];
      }
      if (nearer) nearest = panel_nearest;
    }
  }
}

// Independent chains: enough of them to hide the latency of a multiply-add.
template <typename T>
double multiply_add(size_t rounds, T* sink) {
  using Reals = typename Simd<T>::Reals;
  constexpr int chains = 12;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
  Reals a[chains];
  for (int i = 0; i < chains; ++i) a[i] = broadcast<Reals>(static_cast<T>(i));
  const Reals factor = broadcast<Reals>(sink[0]);
  const Reals term = broadcast<Reals>(sink[1]);
  for (size_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 16
    for (int i = 0; i < chains; ++i) a[i] = a[i] * factor + term;
  }
  for (int i = 1; i < chains; ++i) a[0] += a[i];
  for (int lane = 0; lane < lanes; ++lane) sink[0] += a[0][lane];
  return static_cast<double>(rounds) * chains * lanes;
}

}  // namespace

extern const KernelTiles SURPRISAL_FOR_ISA(kernel_tiles);
const KernelTiles SURPRISAL_FOR_ISA(kernel_tiles) = {add_panel<float>,          add_panel<double>,
                                                     add_panel_relative<float>, add_panel_relative<double>,
                                                     multiply_add<float>,       multiply_add<double>};

}  // namespace surprisal
