// The innermost loops of neighbour search and descriptors.
//
// Compiled once for each instruction set, with SURPRISAL_ISA set to its name; instruction_set.h says what follows from it.
// Nothing here may call an inline function of the standard library: the linker could keep the copy that was compiled for
// an instruction set that the processor lacks.
// Compiled without contraction of a·b + c, so that every instruction set gives the same bits.

#include "environment_loops.h"

#include "instruction_set.h"

namespace surprisal {
namespace {

using std::size_t;

// Eight numbers at a time whatever the registers hold, so that every instruction set adds in the same order.
typedef double Eight __attribute__((vector_size(64)));

void sort_columns(double* matrix, size_t stride, const unsigned short* comparators, size_t comparator_count) {
  for (size_t i = 0; i < comparator_count; ++i) {
    double* const upper = matrix + comparators[2 * i] * stride;
    double* const lower = matrix + comparators[2 * i + 1] * stride;
    const Eight a = load<Eight>(upper);
    const Eight b = load<Eight>(lower);
    store(upper, a > b ? a : b);
    store(lower, a > b ? b : a);
  }
}

void sum_rows(const double* matrix, size_t k, size_t stride, double* sums) {
  for (size_t m = 0; m < k; ++m) {
    Eight total{};
    for (size_t lane = 0; lane < stride; lane += 8) total += load<Eight>(matrix + m * stride + lane);
    sums[m] = ((total[0] + total[4]) + (total[2] + total[6])) + ((total[1] + total[5]) + (total[3] + total[7]));
  }
}

void pair_matrix(const double* x, const double* y, const double* z, const double* s, size_t k, size_t stride,
                 double* matrix) {
  for (size_t l = 0; l < k; ++l) {
    double* const row = matrix + l * stride;
    const double xl = x[l];
    const double yl = y[l];
    const double zl = z[l];
    const double sl = s[l];
    for (size_t j = 0; j < stride; ++j) {
      const double dx = x[j] - xl;
      const double dy = y[j] - yl;
      const double dz = z[j] - zl;
      row[j] = s[j] * sl / __builtin_sqrt(dx * dx + dy * dy + dz * dz);
    }
    row[l] = 0;
  }
}

void squared_distances(double x, double y, double z, const double* xs, const double* ys, const double* zs, size_t count,
                       double* out) {
  for (size_t i = 0; i < count; ++i) {
    const double dx = xs[i] - x;
    const double dy = ys[i] - y;
    const double dz = zs[i] - z;
    out[i] = dx * dx + dy * dy + dz * dz;
  }
}

}  // namespace

extern const EnvironmentLoops SURPRISAL_FOR_ISA(environment_loops);
const EnvironmentLoops SURPRISAL_FOR_ISA(environment_loops) = {squared_distances, pair_matrix, sort_columns,
                                                               sum_rows};

}  // namespace surprisal
