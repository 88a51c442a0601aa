// 2^z of a vector of numbers. Included by the files of the innermost loops alone, like instruction_set.h.
#pragma once

#include "instruction_set.h"

namespace surprisal {
namespace {

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
                                    4.4455382708718114976e-10,
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

}  // namespace
}  // namespace surprisal
