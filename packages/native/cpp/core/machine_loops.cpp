// Loops that do nothing but what is measured. Compiled like kernel_tiles.cpp, and under its rules.

#include "machine_loops.h"

#include "simd.h"

namespace surprisal {
namespace {

using std::size_t;

// Independent chains. A multiply-add takes 4 cycles, and two can start in each: 8 chains would do, and 16 would not fit
// the 16 registers of AVX2 beside factor and term.
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

// Their factor changes, or a compiler would compute one round.
template <typename T>
double exponentials(size_t rounds, T* sink) {
  using Reals = typename Simd<T>::Reals;
  constexpr int vectors = 4;
  constexpr int lanes = sizeof(Reals) / sizeof(T);
  Reals exponents[vectors], sums[vectors];
  for (int v = 0; v < vectors; ++v) {
    for (int lane = 0; lane < lanes; ++lane) exponents[v][lane] = static_cast<T>(-(v * lanes + lane));
    sums[v] = Reals{};
  }
  Reals factor = broadcast<Reals>(sink[0]);
  const Reals change = broadcast<Reals>(sink[1]);
  const Reals least = Simd<T>::smallest_exponent / factor;
  for (size_t round = 0; round < rounds; ++round) {
    Reals kernels[vectors];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) kernels[v] = exponents[v];
    exp2_of<T, vectors, true>(kernels, factor, least);
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[v] += kernels[v];
    factor *= change;
  }
  for (int v = 1; v < vectors; ++v) sums[0] += sums[v];
  for (int lane = 0; lane < lanes; ++lane) sink[0] += sums[0][lane];
  return static_cast<double>(rounds) * vectors * lanes;
}

using Doubles = Simd<double>::Reals;
constexpr size_t lanes_f64 = sizeof(Doubles) / sizeof(double);

double read(const double* from, size_t count) {
  constexpr size_t vectors = 8;
  Doubles sums[vectors] = {};
  size_t i = 0;
  for (; i + vectors * lanes_f64 <= count; i += vectors * lanes_f64) {
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; ++v) sums[v] += load<Doubles>(from + i + v * lanes_f64);
  }
  double sum = 0;
  for (; i < count; ++i) sum += from[i];
  for (size_t v = 1; v < vectors; ++v) sums[0] += sums[v];
  for (size_t lane = 0; lane < lanes_f64; ++lane) sum += sums[0][lane];
  return sum;
}

void copy(double* to, const double* from, size_t count) { __builtin_memcpy(to, from, count * sizeof(double)); }

void triad(double* to, const double* a, const double* b, double factor, size_t count) {
  size_t i = 0;
  for (; i + lanes_f64 <= count; i += lanes_f64) {
    store(to + i, load<Doubles>(a + i) + load<Doubles>(b + i) * factor);
  }
  for (; i < count; ++i) to[i] = a[i] + b[i] * factor;
}

}  // namespace

extern const MachineLoops SURPRISAL_FOR_ISA(machine_loops);
const MachineLoops SURPRISAL_FOR_ISA(machine_loops) = {
    multiply_add<float>, multiply_add<double>, exponentials<float>, exponentials<double>, read, copy, triad};

}  // namespace surprisal
