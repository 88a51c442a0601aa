// What follows from the instruction set for which a file is compiled. Included by the files of the innermost loops alone.
#pragma once

#include <cstddef>

#define SURPRISAL_JOIN(a, b) a##_##b
#define SURPRISAL_JOIN_EXPANDED(a, b) SURPRISAL_JOIN(a, b)
/// name_isa: the table of one instruction set.
#define SURPRISAL_FOR_ISA(name) SURPRISAL_JOIN_EXPANDED(name, SURPRISAL_ISA)

namespace surprisal {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

template <typename V, typename T>
inline __attribute__((always_inline)) V load(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

template <typename V, typename T>
inline __attribute__((always_inline)) void store(T* to, V v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// A vector of equal numbers. (x − 0 is x for every x, so that nothing is left of the subtraction; x + 0 is not for −0.)
template <typename V, typename T>
inline __attribute__((always_inline)) V broadcast(T x) {
  return x - V{};
}

}  // namespace
}  // namespace surprisal
