// Vectors of numbers, and 2^z of them. Included by the files of the innermost loops alone, like instruction_set.h.
#pragma once

#include "instruction_set.h"

#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
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

// The larger of two; b where either is not a number.
template <typename V>
inline __attribute__((always_inline)) V larger(V a, V b) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  // Compilers make two instructions of the choice below.
  if constexpr (sizeof(a[0]) == 4) {
    return V(_mm256_max_ps(__m256(a), __m256(b)));
  } else {
    return V(_mm256_max_pd(__m256d(a), __m256d(b)));
  }
#else
  return a > b ? a : b;
#endif
}

// a·b + c, rounded once wherever the processor can. (Compilers may leave a product and a sum apart, as it suits the processor
// they tune for and what stands around them.)
template <typename V>
inline __attribute__((always_inline)) V multiply_add(V a, V b, V c) {
  constexpr bool is_float = sizeof(a[0]) == 4;
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && is_float) return V(_mm512_fmadd_ps(__m512(a), __m512(b), __m512(c)));
  if constexpr (sizeof(V) == 64 && !is_float) return V(_mm512_fmadd_pd(__m512d(a), __m512d(b), __m512d(c)));
#endif
#if defined(__AVX2__)
  if constexpr (sizeof(V) == 32 && is_float) return V(_mm256_fmadd_ps(__m256(a), __m256(b), __m256(c)));
  if constexpr (sizeof(V) == 32 && !is_float) return V(_mm256_fmadd_pd(__m256d(a), __m256d(b), __m256d(c)));
#elif defined(__aarch64__)
  if constexpr (is_float) return V(vfmaq_f32(float32x4_t(c), float32x4_t(a), float32x4_t(b)));
  if constexpr (!is_float) return V(vfmaq_f64(float64x2_t(c), float64x2_t(a), float64x2_t(b)));
#else
  static_cast<void>(is_float);
  return a * b + c;
#endif
}

// Numbers of two vectors, counted through both. (GCC has Clang's builtin from version 12 on.)
template <int... places, typename V>
inline __attribute__((always_inline)) V chosen(V a, V b) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, places...);
#else
  using I = decltype(a < b);
  return __builtin_shuffle(a, b, I{places...});
#endif
}

// Whether a comparison holds in no lane, where that is quickly told.
inline __attribute__((always_inline)) bool is_nowhere(Simd<float>::Integers comparison) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  return _mm256_testz_si256(__m256i(comparison), __m256i(comparison)) != 0;
#else
  static_cast<void>(comparison);
  return false;
#endif
}

// Polynomials of 2^f, from the constant term upwards.
template <typename T>
struct Exp2Terms;

// Those of the smallest largest relative error among those that are 1 at 0.
template <>
struct Exp2Terms<float> {
  static constexpr int count = 6;
#if defined(__AVX512F__)
  // 8.3e-8 for 0 ≤ f < 1
  static constexpr float values[count] = {1.0f,          0.6931513118f,  0.2401644501f,
                                          0.05579991332f, 0.009017030019f, 0.001867130213f};
#else
  // 9.2e-8 for |f| ≤ 1/2
  static constexpr float values[count] = {1.0f,           0.6931469776f,  0.2402224208f,
                                          0.05550733744f, 0.009671512688f, 0.001326472725f};
#endif
};

// The series (ln 2)^i / i!, within 2e-16 for |f| ≤ 1/2.
template <>
struct Exp2Terms<double> {
  static constexpr int count = 13;
  static constexpr double values[count] = {1.0,
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
                                           4.4455382708718114976e-10,
                                           2.5678435993488205142e-11};
};

// z → 2^(factor·z) of `count` vectors at once, for factor·z ≤ 0. Below the smallest exponent of normal numbers it is 0, or
// stays at that smallest number. `least` is that exponent over the factor; z may be −∞ only where `bounded` is false.
template <typename T, int count, bool bounded>
inline __attribute__((always_inline)) void exp2_of(typename Simd<T>::Reals* z, typename Simd<T>::Reals factor,
                                                   typename Simd<T>::Reals least) {
  using V = typename Simd<T>::Reals;
  constexpr const auto& term = Exp2Terms<T>::values;
  constexpr int last = Exp2Terms<T>::count - 1;
  V fraction[count], power[count];
#if defined(__AVX512F__)
#pragma GCC unroll 16
  for (int n = 0; n < count; ++n) {
    if constexpr (!bounded) z[n] = larger(z[n], least);
    z[n] *= factor;
    if constexpr (sizeof(T) == 4) {
      fraction[n] = V(_mm512_maskz_reduce_ps(0xffff, __m512(z[n]), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC));
    } else {
      const V whole = V(_mm512_maskz_roundscale_pd(0xff, __m512d(z[n]), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
      fraction[n] = z[n] - whole;
      z[n] = whole;
    }
  }
#else
#pragma GCC unroll 16
  for (int n = 0; n < count; ++n) {
    const V clamped = larger(z[n], least);
    z[n] = clamped * factor + Simd<T>::round_magic;
    fraction[n] = clamped * factor - (z[n] - Simd<T>::round_magic);
  }
#endif
#pragma GCC unroll 16
  for (int n = 0; n < count; ++n) power[n] = broadcast<V>(term[last]);
#pragma GCC unroll 16
  for (int i = last - 1; i >= 0; --i) {
#pragma GCC unroll 16
    for (int n = 0; n < count; ++n) power[n] = power[n] * fraction[n] + term[i];
  }
#if defined(__AVX512F__)
#pragma GCC unroll 16
  for (int n = 0; n < count; ++n) {
    if constexpr (sizeof(T) == 4) {
      z[n] = V(_mm512_maskz_scalef_ps(0xffff, __m512(power[n]), __m512(z[n])));
    } else {
      z[n] = V(_mm512_maskz_scalef_pd(0xff, __m512d(power[n]), __m512d(z[n])));
    }
  }
#else
  using I = typename Simd<T>::Integers;
#pragma GCC unroll 16
  for (int n = 0; n < count; ++n) {
    z[n] = reinterpret_cast<V>(reinterpret_cast<I>(power[n]) + (reinterpret_cast<I>(z[n]) << Simd<T>::mantissa_bits));
  }
#endif
}

// 2^z for z ≤ 0.
template <typename T>
inline __attribute__((always_inline)) typename Simd<T>::Reals exp2_of(typename Simd<T>::Reals z) {
  using V = typename Simd<T>::Reals;
  exp2_of<T, 1, false>(&z, broadcast<V>(T{1}), broadcast<V>(Simd<T>::smallest_exponent));
  return z;
}

}  // namespace
}  // namespace surprisal
