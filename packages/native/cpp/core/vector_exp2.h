// 2^z of a vector of numbers. Included by the files of the innermost loops alone, like instruction_set.h.
#pragma once

#include "instruction_set.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace surprisal {
namespace {

template <typename T>
struct Simd;

template <>
struct Simd<float> {
  typedef float Reals __attribute__((vector_size(vector_bytes)));
  typedef int Integers __attribute__((vector_size(vector_bytes)));
  typedef unsigned Naturals __attribute__((vector_size(vector_bytes)));
  static constexpr int mantissa_bits = 23;
  static constexpr float round_magic = 12582912.0f;  // 1.5 · 2^23: adding it rounds to an integer in the low bits
  static constexpr float smallest_exponent = -125.0f;
};

template <>
struct Simd<double> {
  typedef double Reals __attribute__((vector_size(vector_bytes)));
  typedef long long Integers __attribute__((vector_size(vector_bytes)));
  typedef unsigned long long Naturals __attribute__((vector_size(vector_bytes)));
  static constexpr int mantissa_bits = 52;
  static constexpr double round_magic = 6755399441055744.0;  // 1.5 · 2^52
  static constexpr double smallest_exponent = -1021.0;
};

// (ln 2)^i / i!: the series of 2^f, within 2e-16 for |f| ≤ 1/2.
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

// Polynomials of the smallest largest relative error among those that are 1 at 0: 8.3e-8 for 0 ≤ f < 1, and 9.2e-8 for
// |f| ≤ 1/2.
constexpr float exp2_from_floor[6] = {1.0f,          0.6931513118f,  0.2401644501f,
                                      0.05579991332f, 0.009017030019f, 0.001867130213f};
constexpr float exp2_from_nearest[6] = {1.0f,           0.6931469776f,  0.2402224208f,
                                        0.05550733744f, 0.009671512688f, 0.001326472725f};

template <typename V, typename C, int terms>
inline __attribute__((always_inline)) V polynomial(const C (&coefficients)[terms], V x) {
  V y = broadcast<V>(coefficients[terms - 1]);
#pragma GCC unroll 16
  for (int i = terms - 2; i >= 0; --i) y = y * x + coefficients[i];
  return y;
}

// 2^z for z ≤ 0. Below the smallest exponent of normal numbers it is 0, or stays at that smallest number.
template <typename T>
inline __attribute__((always_inline)) typename Simd<T>::Reals exp2_of(typename Simd<T>::Reals z) {
  using S = Simd<T>;
  using V = typename S::Reals;
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4) {
    const V fraction = V(_mm512_maskz_reduce_ps(0xffff, __m512(z), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
    return V(_mm512_maskz_scalef_ps(0xffff, __m512(polynomial(exp2_from_floor, fraction)), __m512(z)));
  } else {
    const V whole = V(_mm512_maskz_roundscale_pd(0xff, __m512d(z), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
    return V(_mm512_maskz_scalef_pd(0xff, __m512d(polynomial(exp2_series, z - whole)), __m512d(whole)));
  }
#else
  using I = typename S::Integers;
  const V least = broadcast<V>(S::smallest_exponent);
  z = z > least ? z : least;
  const V shifted = z + S::round_magic;
  const V fraction = z - (shifted - S::round_magic);
  V power;
  if constexpr (sizeof(T) == 4) {
    power = polynomial(exp2_from_nearest, fraction);
  } else {
    power = polynomial(exp2_series, fraction);
  }
  return reinterpret_cast<V>(reinterpret_cast<I>(power) + (reinterpret_cast<I>(shifted) << S::mantissa_bits));
#endif
}

}  // namespace
}  // namespace surprisal
