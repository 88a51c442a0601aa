// The innermost loops of neighbour search and descriptors.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.
// Compiled without contraction of a·b + c, with divisions and roots that are rounded as the standard says, and with sums in
// one order: every instruction set gives the same bits, in float32 as in float64.

#include "environment_loops.h"

#include "instruction_set.h"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define SURPRISAL_INLINE inline __attribute__((always_inline))

namespace surprisal {
namespace {

using std::size_t;
using std::uint32_t;

typedef double Doubles __attribute__((vector_size(vector_bytes)));
typedef long long Wholes __attribute__((vector_size(vector_bytes)));
typedef float Floats __attribute__((vector_size(vector_bytes)));
typedef int Ints __attribute__((vector_size(vector_bytes)));

template <typename T>
struct VectorOf;
template <>
struct VectorOf<float> {
  typedef Floats type;
};
template <>
struct VectorOf<double> {
  typedef Doubles type;
};
template <typename T>
using Vector = typename VectorOf<T>::type;

template <typename T>
constexpr size_t lanes_of = vector_bytes / sizeof(T);

// What the compiler makes of (a > b ? a : b) is two instructions where there is one. (Under a mask of all lanes, which costs
// nothing, because GCC 12 takes the plain forms for uses of an uninitialised vector.)
#if defined(__AVX512F__)
SURPRISAL_INLINE Doubles larger(Doubles a, Doubles b) { return (Doubles)_mm512_maskz_max_pd(0xff, (__m512d)a, (__m512d)b); }
SURPRISAL_INLINE Doubles smaller(Doubles a, Doubles b) { return (Doubles)_mm512_maskz_min_pd(0xff, (__m512d)a, (__m512d)b); }
SURPRISAL_INLINE Floats larger(Floats a, Floats b) { return (Floats)_mm512_maskz_max_ps(0xffff, (__m512)a, (__m512)b); }
SURPRISAL_INLINE Floats smaller(Floats a, Floats b) { return (Floats)_mm512_maskz_min_ps(0xffff, (__m512)a, (__m512)b); }
SURPRISAL_INLINE Doubles root(Doubles a) { return (Doubles)_mm512_maskz_sqrt_pd(0xff, (__m512d)a); }
SURPRISAL_INLINE Floats root(Floats a) { return (Floats)_mm512_maskz_sqrt_ps(0xffff, (__m512)a); }
#elif defined(__AVX2__)
SURPRISAL_INLINE Doubles larger(Doubles a, Doubles b) { return (Doubles)_mm256_max_pd((__m256d)a, (__m256d)b); }
SURPRISAL_INLINE Doubles smaller(Doubles a, Doubles b) { return (Doubles)_mm256_min_pd((__m256d)a, (__m256d)b); }
SURPRISAL_INLINE Floats larger(Floats a, Floats b) { return (Floats)_mm256_max_ps((__m256)a, (__m256)b); }
SURPRISAL_INLINE Floats smaller(Floats a, Floats b) { return (Floats)_mm256_min_ps((__m256)a, (__m256)b); }
SURPRISAL_INLINE Doubles root(Doubles a) { return (Doubles)_mm256_sqrt_pd((__m256d)a); }
SURPRISAL_INLINE Floats root(Floats a) { return (Floats)_mm256_sqrt_ps((__m256)a); }
#else
template <typename V>
SURPRISAL_INLINE V larger(V a, V b) {
  return a > b ? a : b;
}
template <typename V>
SURPRISAL_INLINE V smaller(V a, V b) {
  return a > b ? b : a;
}
SURPRISAL_INLINE Doubles root(Doubles a) {
  for (size_t i = 0; i < lanes_of<double>; ++i) a[i] = __builtin_sqrt(a[i]);
  return a;
}
SURPRISAL_INLINE Floats root(Floats a) {
  for (size_t i = 0; i < lanes_of<float>; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}
#endif

// ---- candidates

void gather(const GridAtoms& atoms, size_t from, size_t count, const double* image, size_t at, Candidates& candidates) {
  const double a = image[0];
  const double b = image[1];
  const double c = image[2];
  for (size_t i = 0; i < count; i += lanes_of<double>) {
    store(candidates.x + at + i, load<Doubles>(atoms.x + from + i));
    store(candidates.y + at + i, load<Doubles>(atoms.y + from + i));
    store(candidates.z + at + i, load<Doubles>(atoms.z + from + i));
    store(candidates.sx + at + i, load<Doubles>(atoms.sx + from + i) + a);
    store(candidates.sy + at + i, load<Doubles>(atoms.sy + from + i) + b);
    store(candidates.sz + at + i, load<Doubles>(atoms.sz + from + i) + c);
  }
}

bool translate(const double* home, const double* cell, Candidates& candidates) {
  const size_t count = candidates.padded();
  Wholes moved{};
  for (size_t i = 0; i < count; i += lanes_of<double>) {
    const Doubles a = load<Doubles>(candidates.sx + i) - home[0];
    const Doubles b = load<Doubles>(candidates.sy + i) - home[1];
    const Doubles c = load<Doubles>(candidates.sz + i) - home[2];
    moved |= (a != 0) | (b != 0) | (c != 0);
    store(candidates.tx + i, a * cell[0] + b * cell[3] + c * cell[6]);
    store(candidates.ty + i, a * cell[1] + b * cell[4] + c * cell[7]);
    store(candidates.tz + i, a * cell[2] + b * cell[5] + c * cell[8]);
  }
  long long any = 0;
  for (size_t lane = 0; lane < lanes_of<double>; ++lane) any |= moved[lane];
  return any != 0;
}

// Without translations, which are 0 in the midst of a large cell, the distance is the same to the last bit.
template <bool translated>
SURPRISAL_INLINE Doubles squared_at(const Candidates& candidates, size_t i, double x, double y, double z) {
  Doubles dx = load<Doubles>(candidates.x + i) - x;
  Doubles dy = load<Doubles>(candidates.y + i) - y;
  Doubles dz = load<Doubles>(candidates.z + i) - z;
  if constexpr (translated) {
    dx += load<Doubles>(candidates.tx + i);
    dy += load<Doubles>(candidates.ty + i);
    dz += load<Doubles>(candidates.tz + i);
  }
  return dx * dx + dy * dy + dz * dz;
}

#if defined(__AVX2__) && !defined(__AVX512F__)
// For each set of lanes, as pairs of 32 bits: where the chosen ones come from, in their order.
struct Compaction {
  alignas(32) int doubles[16][8];
  alignas(16) int wholes[16][4];

  constexpr Compaction() : doubles(), wholes() {
    for (int mask = 0; mask < 16; ++mask) {
      int next = 0;
      for (int lane = 0; lane < 4; ++lane) {
        if ((mask >> lane & 1) == 0) continue;
        doubles[mask][2 * next] = 2 * lane;
        doubles[mask][2 * next + 1] = 2 * lane + 1;
        wholes[mask][next] = lane;
        ++next;
      }
    }
  }
};
constexpr Compaction compaction;
#endif

template <bool translated>
SURPRISAL_INLINE size_t find_hits(const Candidates& candidates, double x, double y, double z, double limit, double* squared,
                 uint32_t* hits) {
  const size_t padded = candidates.padded();
  size_t count = 0;
#if defined(__AVX512F__)
  // Compressed in registers: some processors write memory lane by lane if they are told to do both at once.
  __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i step = _mm256_set1_epi32(8);
  const __m512d bound = _mm512_set1_pd(limit);
  for (size_t i = 0; i < padded; i += 8) {
    const __m512d d = (__m512d)squared_at<translated>(candidates, i, x, y, z);
    const __mmask8 mask = _mm512_cmp_pd_mask(d, bound, _CMP_LT_OQ);
    _mm512_storeu_pd(squared + count, _mm512_maskz_compress_pd(mask, d));
    _mm256_storeu_si256((__m256i*)(hits + count), _mm256_maskz_compress_epi32(mask, index));
    count += (size_t)__builtin_popcount(mask);
    index = _mm256_add_epi32(index, step);
  }
#elif defined(__AVX2__)
  __m128i index = _mm_setr_epi32(0, 1, 2, 3);
  const __m128i step = _mm_set1_epi32(4);
  const __m256d bound = _mm256_set1_pd(limit);
  for (size_t i = 0; i < padded; i += 4) {
    const __m256d d = (__m256d)squared_at<translated>(candidates, i, x, y, z);
    const int mask = _mm256_movemask_pd(_mm256_cmp_pd(d, bound, _CMP_LT_OQ));
    const __m256i places = _mm256_load_si256((const __m256i*)compaction.doubles[mask]);
    _mm256_storeu_pd(squared + count, (__m256d)_mm256_permutevar8x32_epi32((__m256i)d, places));
    const __m128 chosen = _mm_permutevar_ps((__m128)index, _mm_load_si128((const __m128i*)compaction.wholes[mask]));
    _mm_storeu_si128((__m128i*)(hits + count), (__m128i)chosen);
    count += (size_t)__builtin_popcount((unsigned)mask);
    index = _mm_add_epi32(index, step);
  }
#else
  for (size_t i = 0; i < padded; i += lanes_of<double>) {
    const Doubles d = squared_at<translated>(candidates, i, x, y, z);
    for (size_t lane = 0; lane < lanes_of<double>; ++lane) {
      squared[count] = d[lane];
      hits[count] = (uint32_t)(i + lane);
      count += d[lane] < limit;
    }
  }
#endif
  return count;
}

template <bool translated>
SURPRISAL_INLINE void count_hits(const Candidates& candidates, double x, double y, double z, double limit, double near, size_t* within,
                size_t* at_once) {
  const size_t padded = candidates.padded();
  Wholes inside{};
  Wholes together{};
  for (size_t i = 0; i < padded; i += lanes_of<double>) {
    const Doubles d = squared_at<translated>(candidates, i, x, y, z);
    inside -= d < limit;
    together -= d <= near;
  }
  *within = 0;
  *at_once = 0;
  for (size_t lane = 0; lane < lanes_of<double>; ++lane) {
    *within += (size_t)inside[lane];
    *at_once += (size_t)together[lane];
  }
}

size_t find_hits_of(const Candidates& candidates, bool translated, double x, double y, double z, double limit,
                    double* squared, uint32_t* hits) {
  return translated ? find_hits<true>(candidates, x, y, z, limit, squared, hits)
                    : find_hits<false>(candidates, x, y, z, limit, squared, hits);
}

void count_hits_of(const Candidates& candidates, bool translated, double x, double y, double z, double limit,
                   double near, size_t* within, size_t* at_once) {
  if (translated) {
    count_hits<true>(candidates, x, y, z, limit, near, within, at_once);
  } else {
    count_hits<false>(candidates, x, y, z, limit, near, within, at_once);
  }
}

// Adds 1 where a < b, or a ≤ b, or where they are equal behind a lane.
#if defined(__AVX512F__)
template <bool or_equal>
SURPRISAL_INLINE Ints one_more_where(Floats a, Floats b, Ints to) {
  const __mmask16 mask = _mm512_cmp_ps_mask((__m512)a, (__m512)b, or_equal ? _CMP_LE_OQ : _CMP_LT_OQ);
  return (Ints)_mm512_mask_sub_epi32((__m512i)to, mask, (__m512i)to, _mm512_set1_epi32(-1));
}
SURPRISAL_INLINE Ints one_more_where_equal(Floats a, Floats b, int lane, Ints to) {
  const __mmask16 behind = (__mmask16)(0xfffeu << lane);
  const __mmask16 mask = _mm512_mask_cmp_ps_mask(behind, (__m512)a, (__m512)b, _CMP_EQ_OQ);
  return (Ints)_mm512_mask_sub_epi32((__m512i)to, mask, (__m512i)to, _mm512_set1_epi32(-1));
}
#else
template <bool or_equal>
SURPRISAL_INLINE Ints one_more_where(Floats a, Floats b, Ints to) {
  return to - (or_equal ? a <= b : a < b);
}
SURPRISAL_INLINE Ints one_more_where_equal(Floats a, Floats b, int lane, Ints to) {
  Ints lane_numbers;
  for (size_t i = 0; i < lanes_of<float>; ++i) lane_numbers[i] = (int)i;
  return to - ((a == b) & (lane_numbers > lane));
}
#endif

// The place of each is the number of those that come before it: no branches, and every comparison of a vector at once.
void sort_hits(const double* squared, const uint32_t* hits, size_t count, double* sorted, uint32_t* sorted_hits) {
  constexpr size_t lanes = lanes_of<float>;
  alignas(64) float keys[most_sorted_hits];
  alignas(64) int places[most_sorted_hits];
  const size_t padded = (count + lanes - 1) / lanes * lanes;
  for (size_t i = 0; i < count; ++i) keys[i] = (float)squared[i];
  for (size_t i = count; i < padded; ++i) keys[i] = __builtin_inff();
  for (size_t block = 0; block < padded; block += lanes) {
    const Floats here = load<Floats>(keys + block);
    Ints before{};
    for (size_t j = 0; j < block; ++j) before = one_more_where<true>(broadcast<Floats>(keys[j]), here, before);
    // Of its own block those count as before a lane that stand before it, equal or not: one lane after the other.
    for (size_t lane = 0; lane < lanes; ++lane) {
      const Floats other = broadcast<Floats>(keys[block + lane]);
      before = one_more_where<false>(other, here, before);
      before = one_more_where_equal(other, here, (int)lane, before);
    }
    for (size_t j = block + lanes; j < count; ++j) {
      before = one_more_where<false>(broadcast<Floats>(keys[j]), here, before);
    }
    store(places + block, before);
  }
  for (size_t i = 0; i < count; ++i) {
    sorted[places[i]] = squared[i];
    sorted_hits[places[i]] = hits[i];
  }
}

// ---- X1 and X2

typedef double EightDoubles __attribute__((vector_size(64)));
typedef float EightFloats __attribute__((vector_size(32)));

template <typename T>
void weights(const double* squared, size_t count, double inverse_squared_cutoff, T* root_weight, T* x1) {
  typedef Vector<T> V;
  for (size_t i = 0; i < count; i += lanes_of<double>) {
    const Doubles s = 1 - load<Doubles>(squared + i) * inverse_squared_cutoff;
    const Doubles positive = larger(s, Doubles{});
    for (size_t lane = 0; lane < lanes_of<double>; ++lane) {
      root_weight[i + lane] = (T)positive[lane];
      x1[i + lane] = (T)squared[i + lane];
    }
  }
  for (size_t i = 0; i < count; i += lanes_of<T>) {
    const V s = load<V>(root_weight + i);
    store(x1 + i, s * s / root(load<V>(x1 + i)));
  }
}

// Vectors a and b by turns: a0 b0 a1 b1 … and what is left of them.
#if defined(__clang__) || __GNUC__ >= 12
#define SURPRISAL_SHUFFLE(Mask, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SURPRISAL_SHUFFLE(Mask, a, b, ...) __builtin_shuffle(a, b, Mask{__VA_ARGS__})
#endif

typedef long long TwoWholes __attribute__((vector_size(16)));
typedef long long FourWholes __attribute__((vector_size(32)));
typedef long long EightWholes __attribute__((vector_size(64)));
typedef int FourInts __attribute__((vector_size(16)));
typedef int EightInts __attribute__((vector_size(32)));
typedef double TwoDoubles __attribute__((vector_size(16)));
typedef double FourDoubles __attribute__((vector_size(32)));
typedef float FourFloats __attribute__((vector_size(16)));

SURPRISAL_INLINE TwoDoubles first_halves(TwoDoubles a, TwoDoubles b) { return SURPRISAL_SHUFFLE(TwoWholes, a, b, 0, 2); }
SURPRISAL_INLINE TwoDoubles last_halves(TwoDoubles a, TwoDoubles b) { return SURPRISAL_SHUFFLE(TwoWholes, a, b, 1, 3); }
SURPRISAL_INLINE FourFloats first_halves(FourFloats a, FourFloats b) {
  return SURPRISAL_SHUFFLE(FourInts, a, b, 0, 4, 1, 5);
}
SURPRISAL_INLINE FourFloats last_halves(FourFloats a, FourFloats b) {
  return SURPRISAL_SHUFFLE(FourInts, a, b, 2, 6, 3, 7);
}
#if defined(__AVX2__)
SURPRISAL_INLINE FourDoubles first_halves(FourDoubles a, FourDoubles b) {
  return SURPRISAL_SHUFFLE(FourWholes, a, b, 0, 4, 1, 5);
}
SURPRISAL_INLINE FourDoubles last_halves(FourDoubles a, FourDoubles b) {
  return SURPRISAL_SHUFFLE(FourWholes, a, b, 2, 6, 3, 7);
}
SURPRISAL_INLINE EightFloats first_halves(EightFloats a, EightFloats b) {
  return SURPRISAL_SHUFFLE(EightInts, a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
SURPRISAL_INLINE EightFloats last_halves(EightFloats a, EightFloats b) {
  return SURPRISAL_SHUFFLE(EightInts, a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#endif
#if defined(__AVX512F__)
SURPRISAL_INLINE EightDoubles first_halves(EightDoubles a, EightDoubles b) {
  return SURPRISAL_SHUFFLE(EightWholes, a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
SURPRISAL_INLINE EightDoubles last_halves(EightDoubles a, EightDoubles b) {
  return SURPRISAL_SHUFFLE(EightWholes, a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
#endif

// Rows and columns change places: each round of halves by turns moves one bit of the row's number into the column's.
template <int L, int Rounds, typename V>
SURPRISAL_INLINE void transpose(V* rows) {
  if constexpr (Rounds > 1) {
    V turned[L];
#pragma GCC unroll 8
    for (int i = 0; i < L / 2; ++i) {
      turned[2 * i] = first_halves(rows[i], rows[i + L / 2]);
      turned[2 * i + 1] = last_halves(rows[i], rows[i + L / 2]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < L; ++i) rows[i] = turned[i];
    transpose<L, Rounds / 2>(rows);
  }
}

// Blocks of pairs as wide as a vector, of eight numbers at most: of wider ones too few would be saved by symmetry.
template <typename T>
struct Block;
template <>
struct Block<double> {
  typedef Doubles type;
};
template <>
struct Block<float> {
#if defined(__AVX2__)
  typedef EightFloats type;
#else
  typedef Floats type;
#endif
};

#if defined(__AVX512F__)
SURPRISAL_INLINE EightFloats root(EightFloats a) { return (EightFloats)_mm256_sqrt_ps((__m256)a); }
#endif

template <typename T>
void pair_values(const NeighborPoints<T>& points, size_t rows, T* values) {
  typedef typename Block<T>::type V;
  constexpr int lanes = (int)(sizeof(V) / sizeof(T));
  const size_t padded = points.padded;
  for (size_t j = 0; j < padded; j += lanes) {
    const V x = load<V>(points.x + j);
    const V y = load<V>(points.y + j);
    const V z = load<V>(points.z + j);
    const V s = load<V>(points.root_weight + j);
    // The value of a pair does not depend, to the last bit, on which of the two comes first.
    for (size_t l = 0; l < rows && l <= j; l += lanes) {
      V block[lanes];
#pragma GCC unroll 8
      for (int i = 0; i < lanes; ++i) {
        const V dx = x - points.x[l + i];
        const V dy = y - points.y[l + i];
        const V dz = z - points.z[l + i];
        block[i] = s * points.root_weight[l + i] / root(dx * dx + dy * dy + dz * dz);
        store(values + (l + i) * padded + j, block[i]);
      }
      if (l == j || j >= rows) continue;
      transpose<lanes, lanes>(block);
#pragma GCC unroll 8
      for (int i = 0; i < lanes; ++i) store(values + (j + i) * padded + l, block[i]);
    }
  }
  for (size_t l = 0; l < rows; ++l) values[l * padded + l] = 0;
}

bool mark(double* values, size_t count, bool bit) {
  const Wholes keep = Wholes{} + ~1LL;
  const Wholes set = Wholes{} + (bit ? 1LL : 0LL);
  Wholes infinite{};
  for (size_t i = 0; i < count; i += lanes_of<double>) {
    const Doubles value = load<Doubles>(values + i);
    infinite |= ~(value < __builtin_inf());
    store(values + i, ((Wholes)value & keep) | set);
  }
  long long any = 0;
  for (size_t lane = 0; lane < lanes_of<double>; ++lane) any |= infinite[lane];
  return any == 0;
}

void combine(double* parts, size_t apart, size_t count, const double* rows, size_t width, double* sums) {
  for (size_t i = 0; i < count; i += lanes_of<double>) {
    double* const part = parts + i;
    const Doubles total = (load<Doubles>(part) + load<Doubles>(part + apart)) +
                          (load<Doubles>(part + 2 * apart) + load<Doubles>(part + 3 * apart));
    store(part, total);
    for (size_t way = 1; way < 4; ++way) store(part + way * apart, Doubles{});
  }
  for (size_t c = 0; c < width; c += lanes_of<double>) {
    // Four sums, of which none waits for another.
    Doubles sum[4] = {};
    for (size_t b = 0; b < count; b += 4) {
      for (size_t i = 0; i < 4; ++i) sum[i] += parts[b + i] * load<Doubles>(rows + (b + i) * width + c);
    }
    store(sums + c, (sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  for (size_t i = 0; i < count; i += lanes_of<double>) store(parts + i, Doubles{});
}

template <typename V>
SURPRISAL_INLINE void compare(V& upper, V& lower) {
  const V a = upper;
  upper = larger(a, lower);
  lower = smaller(a, lower);
}

// Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3, section 5.2.2) of rows in registers, unrolled by
// recursion: loops over an array would keep it in memory. Rows from N on would be the smallest, so they need not exist.
template <int N, int At, int Step, int Stride, int End, typename V>
SURPRISAL_INLINE void compare_along(V* rows) {
  if constexpr (At + Step < End) {
    if constexpr (At + Step < N) compare(rows[At], rows[At + Step]);
    compare_along<N, At + Stride, Step, Stride, End>(rows);
  }
}

template <int N, int First, int Length, int Step, typename V>
SURPRISAL_INLINE void merge(V* rows) {
  constexpr int stride = 2 * Step;
  if constexpr (stride < Length) {
    merge<N, First, Length, stride>(rows);
    merge<N, First + Step, Length, stride>(rows);
    compare_along<N, First + Step, Step, stride, First + Length>(rows);
  } else if constexpr (First + Step < N) {
    compare(rows[First], rows[First + Step]);
  }
}

template <int N, int First, int Length, typename V>
SURPRISAL_INLINE void sort_rows(V* rows) {
  if constexpr (Length > 1 && First < N) {
    sort_rows<N, First, Length / 2>(rows);
    sort_rows<N, First + Length / 2, Length / 2>(rows);
    merge<N, First, Length, 1>(rows);
  }
}

template <int N, int At, typename V, typename T>
SURPRISAL_INLINE void load_rows(V* rows, const T* from, size_t stride) {
  if constexpr (At < N) {
    rows[At] = load<V>(from + At * stride);
    load_rows<N, At + 1>(rows, from, stride);
  }
}

template <int N, int At, typename V, typename T>
SURPRISAL_INLINE void add_rows(const V* rows, T* to, size_t stride) {
  if constexpr (At < N) {
    store(to + At * stride, load<V>(to + At * stride) + rows[At]);
    add_rows<N, At + 1>(rows, to, stride);
  }
}

template <int N, typename T>
void sort_and_add(const T* values, size_t padded, T* parts) {
  typedef Vector<T> V;
  for (size_t j = 0; j < padded; j += lanes_of<T>) {
    V rows[N];
    load_rows<N, 0>(rows, values + j, padded);
    sort_rows<N, 0, (N <= 8 ? 8 : N <= 16 ? 16 : 32)>(rows);
    add_rows<N, 0>(rows, parts + j % x2_lanes<T>, x2_lanes<T>);
  }
}

template <typename T>
void sort_columns(T* values, size_t columns, size_t stride, const unsigned short* comparators,
                  size_t comparator_count) {
  typedef Vector<T> V;
  // Column by column, so that one that has thousands of rows stays in the cache.
  for (size_t j = 0; j < columns; j += lanes_of<T>) {
    for (size_t i = 0; i < comparator_count; ++i) {
      T* const upper = values + comparators[2 * i] * stride + j;
      T* const lower = values + comparators[2 * i + 1] * stride + j;
      V a = load<V>(upper);
      V b = load<V>(lower);
      compare(a, b);
      store(upper, a);
      store(lower, b);
    }
  }
}

SURPRISAL_INLINE float sum_of_parts(const float* parts) {
  const FourFloats four = (load<FourFloats>(parts) + load<FourFloats>(parts + 8)) +
                          (load<FourFloats>(parts + 4) + load<FourFloats>(parts + 12));
  return (four[0] + four[2]) + (four[1] + four[3]);
}

SURPRISAL_INLINE double sum_of_parts(const double* parts) {
  const TwoDoubles two = (load<TwoDoubles>(parts) + load<TwoDoubles>(parts + 4)) +
                         (load<TwoDoubles>(parts + 2) + load<TwoDoubles>(parts + 6));
  return two[0] + two[1];
}

template <typename T>
void sorted_sums(T* values, size_t rows, size_t padded, const unsigned short* comparators, size_t comparator_count,
                 T* parts, T* sums) {
  typedef Vector<T> V;
  for (size_t i = 0; i < rows * x2_lanes<T>; i += lanes_of<T>) store(parts + i, V{});
  switch (rows) {
    case 8: sort_and_add<8>(values, padded, parts); break;
    case 16: sort_and_add<16>(values, padded, parts); break;
    case 24: sort_and_add<24>(values, padded, parts); break;
    case 32: sort_and_add<32>(values, padded, parts); break;
    default:
      sort_columns(values, padded, padded, comparators, comparator_count);
      for (size_t m = 0; m < rows; ++m) {
        for (size_t j = 0; j < padded; j += lanes_of<T>) {
          T* const part = parts + m * x2_lanes<T> + j % x2_lanes<T>;
          store(part, load<V>(part) + load<V>(values + m * padded + j));
        }
      }
  }
  for (size_t m = 0; m < rows; ++m) sums[m] = sum_of_parts(parts + m * x2_lanes<T>);
}

}  // namespace

extern const EnvironmentLoops SURPRISAL_FOR_ISA(environment_loops);
const EnvironmentLoops SURPRISAL_FOR_ISA(environment_loops) = {
    gather,
    translate,
    find_hits_of,
    count_hits_of,
    sort_hits,
    pair_values<float>,
    pair_values<double>,
    mark,
    combine,
    sort_columns<double>,
    sorted_sums<float>,
    sorted_sums<double>,
    weights<float>,
    weights<double>,
};

}  // namespace surprisal
