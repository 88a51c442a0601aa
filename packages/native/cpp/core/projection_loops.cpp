// Compiled like kernel_tiles.cpp and under its rules, but for the contraction of products and sums: that would change bits.

#include "projection_loops.h"

#include "simd.h"

namespace surprisal {
namespace {

using std::size_t;

// Sums of squares side by side, as many on every instruction set.
constexpr size_t squares_at_once = 8;

template <typename Raw>
double project(const ProjectRow<Raw>& p, double* coordinates) {
  using Reals = Simd<double>::Reals;
  constexpr size_t lanes = sizeof(Reals) / sizeof(double);
  constexpr size_t vectors = axis_stride / lanes;
  Reals sums[vectors] = {};
  for (size_t c = 0; c < p.columns; ++c) {
    const Reals x = broadcast<Reals>(p.row[c] - p.origin[c]);
#pragma GCC unroll 8
    for (size_t v = 0; v < vectors; ++v) sums[v] += x * load<Reals>(p.axes + c * axis_stride + v * lanes);
  }
  for (size_t v = 0; v < vectors; ++v) store(coordinates + v * lanes, sums[v]);

  typedef Raw Given __attribute__((vector_size(sizeof(Raw) * lanes)));
  Reals squares[squares_at_once / lanes] = {};
  size_t c = 0;
  for (; c + squares_at_once <= p.columns; c += squares_at_once) {
    for (size_t v = 0; v < squares_at_once / lanes; ++v) {
      const Given row = load<Given>(p.row + c + v * lanes);
      const Reals x = __builtin_convertvector(row, Reals) - load<Reals>(p.origin + c + v * lanes);
      squares[v] += x * x;
    }
  }
  double squared = 0;
  for (; c < p.columns; ++c) squared += (p.row[c] - p.origin[c]) * (p.row[c] - p.origin[c]);
  for (size_t i = 0; i < squares_at_once; ++i) squared += squares[i / lanes][i % lanes];
  return squared;
}

}  // namespace

extern const ProjectionLoops SURPRISAL_FOR_ISA(projection_loops);
const ProjectionLoops SURPRISAL_FOR_ISA(projection_loops) = {project<float>, project<double>};

}  // namespace surprisal
