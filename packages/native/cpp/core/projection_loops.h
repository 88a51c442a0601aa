// Rows seen along axes, compiled once for each instruction set from projection_loops.cpp, with the very same operations on all.
#pragma once

#include <cstddef>

namespace surprisal {

/// Numbers of a row of axes: those that are missing are 0.
constexpr std::size_t axis_stride = 16;

/// A row to be seen along some axes.
template <typename Raw>
struct ProjectRow {
  const Raw* row;
  std::size_t columns;
  const double* origin;  // (columns)
  const double* axes;    // [column][axis_stride]
};

struct ProjectionLoops {
  /// Writes the coordinates (axis_stride) along the axes about the origin; returns the squared distance to it. To the same
  /// bits on every instruction set: ranks on different processors have to agree on the order of rows.
  double (*project_f32)(const ProjectRow<float>&, double* coordinates);
  double (*project_f64)(const ProjectRow<double>&, double* coordinates);
};

}  // namespace surprisal
