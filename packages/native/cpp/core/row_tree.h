// Rows in an order in which those near one another stand together, and boxes that bound how far apart they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu.h"
#include "heap_array.h"
#include "task.h"

namespace surprisal {

/// Directions along which rows are told apart: orthonormal, so that distances between projections never exceed those
/// between rows.
struct BoundAxes {
  std::size_t columns = 0;
  std::size_t count = 0;
  std::vector<double> origin;  // (columns)
  std::vector<double> axes;    // [column][axis_stride]

  /// Coordinates along the axes, and as one more the norm of what they leave.
  std::size_t dimensions() const { return count + 1; }
};

/// The leading principal directions of a sample of the rows, evenly strided; where there are very many columns, those
/// columns that vary most. `kept` (count) lists the rows that there are, or is null for all of the first `count`.
template <typename Raw>
BoundAxes principal_axes(const Raw* rows, const std::uint32_t* kept, std::size_t count, std::size_t columns);

/// Bound coordinates of some rows: their true values lie within `margins` of them. (Infinitely wide for rows that are so
/// far that squares would overflow.)
struct BoundCoordinates {
  std::size_t dimensions = 0;
  HeapArray<float> values;   // [place][dimension]
  HeapArray<float> margins;  // (places)
};

/// A binary tree over leaves of `leaf` places each (the last may be shorter). Nodes stand in preorder: the left child of a
/// node follows it, and a node of k leaves has 2k − 1 nodes below and with it.
///
/// What to do with it: `order` says which row stands at a place; leaf l holds the places l·leaf … (l + 1)·leaf. Go down
/// from node 0 and leave out every node whose box is too far (near_queries of the kernel tiles tells); home_leaf finds a
/// leaf near a row.
struct RowTree {
  std::size_t rows = 0;
  std::size_t leaf = 0;
  bool bounded = false;  // false: rows stand as they came, and there are no boxes
  std::vector<std::uint32_t> order;  // (rows)
  BoundCoordinates coordinates;      // of the places; empty where not bounded

  struct Node {
    std::uint32_t first_leaf;
    std::uint32_t leaves;
    std::uint32_t axis;  // rows with a smaller coordinate than `split` along it are on the left
    float split;
  };
  std::vector<Node> nodes;
  std::vector<std::uint32_t> leaf_nodes;  // (leaves) the node of a leaf
  HeapArray<float> low;                   // [node][dimension]
  HeapArray<float> high;

  std::size_t leaves() const { return (rows + leaf - 1) / leaf; }
  std::size_t leaf_end(std::size_t index) const { return rows < (index + 1) * leaf ? rows : (index + 1) * leaf; }
  std::size_t right_child(std::size_t node) const { return node + 2 * ((nodes[node].leaves + 1) / 2); }
  const float* box_low(std::size_t node) const { return &low.data[node * coordinates.dimensions]; }
  const float* box_high(std::size_t node) const { return &high.data[node * coordinates.dimensions]; }

  /// The leaf to which a row with these coordinates would belong.
  std::size_t home_leaf(const float* coordinates_of_row) const;
};

/// Orders rows by recursive splits at the median of the axis along which a few of them vary most. The same rows give the same
/// tree, on any number of threads and any instruction set. Without axes rows stay as they came.
/// Throws std::bad_alloc, Error ABORTED.
template <typename Raw>
RowTree order_rows(const Raw* rows, const std::uint32_t* kept, std::size_t count, std::size_t columns,
                   const BoundAxes* axes, std::size_t leaf, Isa isa, unsigned threads, Task& task);

}  // namespace surprisal
