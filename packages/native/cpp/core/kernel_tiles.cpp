// The innermost loops of kernel sums, on the vector extensions of GCC and Clang.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.

#include "kernel_tiles.h"

#include "instruction_set.h"
#include "packed_rows.h"

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

// The heart: Q queries against V vectors of one pack, differences first, so that equal rows are at distance exactly 0.
template <typename T, int Q, int V>
inline __attribute__((always_inline)) void tile_distances(const T* queries, size_t columns, const T* pack,
                                                          typename Simd<T>::Reals (&d2)[Q][V]) {
  using Reals = typename Simd<T>::Reals;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
#pragma GCC unroll 8
  for (int q = 0; q < Q; ++q) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) d2[q][v] = Reals{};
  }
  for (size_t c = 0; c < columns; ++c) {
    Reals row[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) row[v] = load<Reals>(pack + c * pack_rows<T> + v * lanes);
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
      tile_distances<T, Q, V>(queries, p.columns, rows + offset, d2);
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
  constexpr double log2_e = 1.4426950408889634074;
  T* const queries = p.scratch;
  T* const partial = p.scratch + (tile_queries * p.columns + 63) / 64 * 64;
  T* const factors = partial + tile_queries * p.bandwidth_count * lanes;
  for (size_t b = 0; b < p.bandwidth_count; ++b) {
    factors[b] = static_cast<T>(-log2_e / (2 * p.bandwidths[b] * p.bandwidths[b]));
  }
  for (size_t first = 0; first < p.query_count; first += Q) {
    const size_t count = p.query_count - first < Q ? p.query_count - first : Q;
    for (size_t q = 0; q < Q; ++q) {
      // A tile is always full: the last query stands in for those that are missing.
      const T* const row = p.queries + (first + (q < count ? q : count - 1)) * p.columns;
      for (size_t c = 0; c < p.columns; ++c) queries[c * tile_queries + q] = row[c];
    }
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
        sums[b * p.query_count + first + q] += sum;
      }
    }
  }
}

template <typename T>
void distances(const T* query, size_t columns, const T* packs, size_t pack_count, double* out) {
  constexpr size_t lanes = pack_rows<T>;
  for (size_t pack = 0; pack < pack_count; ++pack) {
    const T* const rows = packs + pack * columns * lanes;
    double d2[lanes] = {};
    for (size_t c = 0; c < columns; ++c) {
      const double x = query[c];
      for (size_t lane = 0; lane < lanes; ++lane) {
        const double difference = static_cast<double>(rows[c * lanes + lane]) - x;
        d2[lane] += difference * difference;
      }
    }
    for (size_t lane = 0; lane < lanes; ++lane) out[pack * lanes + lane] = d2[lane];
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
const KernelTiles SURPRISAL_FOR_ISA(kernel_tiles) = {add_panel<float>, add_panel<double>,    distances<float>,
                                                     distances<double>, multiply_add<float>, multiply_add<double>};

}  // namespace surprisal
