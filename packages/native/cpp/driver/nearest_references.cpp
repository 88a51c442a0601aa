// Nearest references against brute force, on every instruction set, with 1, 2 and 7 threads.

#include "../core/nearest_references.h"

#include <algorithm>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "checks.h"

namespace surprisal {
namespace {

template <typename T>
struct Case {
  std::string name;
  std::vector<T> queries;
  std::vector<T> references;
  std::size_t columns;
  std::size_t k;
  std::vector<std::uint32_t> starts, ends;
  double beyond = -1;
  double within = INFINITY;
};

template <typename T>
void brute_force(const Case<T>& c, std::vector<std::uint32_t>& rows, std::vector<double>& distances) {
  const std::size_t n = c.references.size() / c.columns;
  for (std::size_t i = 0; i < c.queries.size() / c.columns; ++i) {
    std::vector<std::pair<double, std::uint32_t>> all;
    for (std::size_t j = 0; j < n; ++j) {
      if (!c.starts.empty() && j >= c.starts[i] && j < c.ends[i]) continue;
      double squared = 0;
      for (std::size_t k = 0; k < c.columns; ++k) {
        const volatile double difference =  // volatile: no fused multiply-add here
            static_cast<double>(c.references[j * c.columns + k]) - static_cast<double>(c.queries[i * c.columns + k]);
        const volatile double square = difference * difference;
        squared += square;
      }
      if (squared > c.beyond && squared <= c.within) all.emplace_back(squared, static_cast<std::uint32_t>(j));
    }
    std::sort(all.begin(), all.end());
    for (std::size_t place = 0; place < c.k; ++place) {
      rows.push_back(place < all.size() ? all[place].second : no_reference);
      distances.push_back(place < all.size() ? std::sqrt(all[place].first) : INFINITY);
    }
  }
}

template <typename T>
void test_case(const Case<T>& c) {
  std::vector<std::uint32_t> expected_rows;
  std::vector<double> expected;
  brute_force(c, expected_rows, expected);
  const std::size_t m = c.queries.size() / c.columns;
  const bool windows = !c.starts.empty();
  const NearestInput<T> input{c.queries.data(),
                              m,
                              c.references.data(),
                              c.references.size() / c.columns,
                              c.columns,
                              c.k,
                              windows ? c.starts.data() : nullptr,
                              windows ? c.ends.data() : nullptr,
                              c.beyond,
                              c.within};
  for (const Isa isa : available_isas()) {
    for (const unsigned threads : thread_counts) {
      Task task;
      std::vector<std::uint32_t> rows(expected_rows.size());
      std::vector<double> distances(expected.size());
      nearest_references(input, isa, threads, task, rows.data(), distances.data());
      check(rows == expected_rows && distances == expected,
            c.name + ": nearest references are those of brute force, " + isa_name(isa) +
                (sizeof(T) == 4 ? ", float32" : ", float64"));
      check(task.done == m, c.name + ": progress ends at the number of queries");
    }
  }
}

// Rows in clumps of every width, so that boxes tell some of them apart and not others; every seventh is a copy.
template <typename T>
std::vector<T> clumps(unsigned seed, std::size_t count, std::size_t columns, double scale) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  std::vector<T> rows(count * columns);
  std::vector<double> centre(columns);
  double width = 1;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % 50 == 0) {
      for (double& x : centre) x = normal(random);
      width = std::pow(10.0, -static_cast<double>(i / 50 % 7));
    }
    for (std::size_t c = 0; c < columns; ++c) {
      rows[i * columns + c] = i % 7 == 6 ? rows[(i / 2) * columns + c]
                                         : static_cast<T>(scale * (centre[c] + width * normal(random)));
    }
  }
  return rows;
}

template <typename T>
void test_precision() {
  const std::size_t n = brief ? 300 : 1500;
  for (const std::size_t columns : {std::size_t{1}, std::size_t{3}, std::size_t{63}}) {
    const std::vector<T> rows = clumps<T>(3, n, columns, 1);
    Case<T> c{"clumps of " + std::to_string(columns) + " columns", rows, rows, columns, 3, {}, {}};
    test_case(c);
    for (std::uint32_t i = 0; i < n; ++i) {
      c.starts.push_back(i);
      c.ends.push_back(i + 1);
    }
    c.name += ", each left out of its own";
    test_case(c);
    c.beyond = 0;
    c.within = 0.25;
    c.name += ", not equal, not far";
    test_case(c);
  }
  const std::vector<T> references = clumps<T>(4, 333, 5, 1);
  const std::vector<T> queries = clumps<T>(5, 41, 5, 1.5);
  test_case<T>({"more neighbours than rows of a leaf", queries, references, 5, 100, {}, {}});
  test_case<T>({"more than there are", queries, {references.begin(), references.begin() + 35}, 5, 20, {}, {}});
  test_case<T>({"all equal", std::vector<T>(200, T{0.1}), std::vector<T>(700, T{0.1}), 2, 5, {}, {}});
  // Copies everywhere, of which nearly all are too near.
  std::vector<T> kinds(900 * 3);
  for (std::size_t i = 0; i < kinds.size(); ++i) kinds[i] = static_cast<T>(i / 3 % 4 + 1e-3 * (i % 3) + 1e-7 * (i % 11));
  test_case<T>({"few kinds", kinds, kinds, 3, 4, {}, {}});
  test_case<T>({"the nearest of another kind", kinds, kinds, 3, 4, {}, {}, 1e-6});
  test_case<T>({"no query", {}, references, 5, 2, {}, {}});
  // Far beyond what squares in float32 hold, far below, and among ordinary rows.
  std::vector<T> wide = clumps<T>(6, 300, 4, 1e-3);
  for (const double scale : {1e-22, 1e18, 1e-38}) {
    const std::vector<T> more = clumps<T>(7, 100, 4, scale);
    wide.insert(wide.end(), more.begin(), more.end());
  }
  test_case<T>({"rows of every size", wide, wide, 4, 4, {}, {}});
  wide = clumps<T>(10, 300, 4, 1e-22);
  test_case<T>({"rows whose squares float32 hardly holds", wide, wide, 4, 4, {}, {}});
  if (sizeof(T) == 8) {
    const std::vector<T> far = clumps<T>(8, 200, 3, 1e99);
    wide = clumps<T>(9, 200, 3, 1);
    wide.insert(wide.end(), far.begin(), far.end());
    test_case<T>({"rows beyond float32", wide, wide, 3, 4, {}, {}});
    // Distances that float32 about one origin cannot tell apart.
    std::vector<T> close(400 * 3);
    for (std::size_t i = 0; i < close.size(); ++i) close[i] = static_cast<T>(1e6 * (i / 600) + 1e-9 * (i * 37 % 101));
    test_case<T>({"rows that float32 does not tell apart", close, close, 3, 6, {}, {}});
  }
}

void test_interruption() {
  const std::vector<float> rows(20000 * 63, 0.5f);
  const NearestInput<float> input{rows.data(), 20000, rows.data(), 20000, 63, 3, nullptr, nullptr, -1, INFINITY};
  Task task;
  task.stop = true;
  std::vector<std::uint32_t> found(60000);
  std::vector<double> distances(60000);
  expect_error("ABORTED", "an interrupted search",
               [&] { nearest_references(input, available_isas().front(), 2, task, found.data(), distances.data()); });
}

}  // namespace

void test_nearest_references() {
  test_precision<float>();
  test_precision<double>();
  test_interruption();
}

}  // namespace surprisal
