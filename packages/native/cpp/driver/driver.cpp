// Tests the C++ core without Node: against fixtures computed by the reference implementation, against brute force, with
// every instruction set that this processor has and with 1, 2 and 7 threads; cancellation, errors and concurrent calls.
// Built plain, under AddressSanitizer + UndefinedBehaviorSanitizer, under ThreadSanitizer, and for other processors.
//
//   driver FIXTURES [smoke | brief | long]   exit 0 if everything holds; one line for each check that does not
//
// Brief, with fewer sizes, is for emulators and sanitizers; smoke, fixtures and one search, shows that no instruction is used
// that a processor lacks; long reads fifty times as many broken rows.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "../core/cpu.h"
#include "../core/kernel_sum.h"
#include "../core/neighbors.h"
#include "../core/quests.h"
#include "../core/thread_pool.h"
#include "checks.h"
#include "structures.h"

using namespace surprisal;

namespace {

/// References start … end (exclusive) that a query leaves out.
struct RowWindow {
  std::size_t start;
  std::size_t end;
};

// ---- structures

Structures random_structures(unsigned seed, std::size_t frames, std::size_t atoms) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0, 1);
  Structures structures;
  for (std::size_t f = 0; f < frames; ++f) {
    std::array<double, 9> cell;
    const double size = 3 + 6 * uniform(random);
    for (int i = 0; i < 9; ++i) cell[i] = (i % 4 == 0 ? size : 0) + size * (uniform(random) - 0.5);
    if (f % 3 == 1) std::swap_ranges(cell.begin(), cell.begin() + 3, cell.begin() + 3);  // left-handed
    if (f % 4 == 2) {
      for (int i = 0; i < 3; ++i) cell[6 + i] += 5 * cell[i] - 3 * cell[3 + i];  // skewed
    }
    std::vector<double> r(3 * atoms);
    for (double& x : r) x = 30 * (uniform(random) - 0.5);
    structures.add(r, cell, {(f & 1) != 0, (f & 2) != 0, (f & 4) != 0});
  }
  return structures;
}

// Distances of all neighbours of an atom by trying every image that could matter.
std::vector<double> brute_force(const Structures& s, std::size_t frame, std::size_t atom, double cutoff) {
  const double* const cell = &s.cells[9 * frame];
  const unsigned char* const pbc = &s.pbc[3 * frame];
  std::vector<double> distances;
  const int reach = 40;
  for (std::uint32_t j = s.offsets[frame]; j < s.offsets[frame + 1]; ++j) {
    for (int a = pbc[0] ? -reach : 0; a <= (pbc[0] ? reach : 0); ++a) {
      for (int b = pbc[1] ? -reach : 0; b <= (pbc[1] ? reach : 0); ++b) {
        for (int c = pbc[2] ? -reach : 0; c <= (pbc[2] ? reach : 0); ++c) {
          if (j == atom && a == 0 && b == 0 && c == 0) continue;
          double squared = 0;
          for (int i = 0; i < 3; ++i) {
            const double d = s.positions[3 * j + i] - s.positions[3 * atom + i] + a * cell[i] + b * cell[3 + i] +
                             c * cell[6 + i];
            squared += d * d;
          }
          if (squared < cutoff * cutoff) distances.push_back(std::sqrt(squared));
        }
      }
    }
  }
  std::sort(distances.begin(), distances.end());
  return distances;
}

template <typename T>
bool same(const HeapArray<T>& a, const HeapArray<T>& b) {
  return a.length == b.length && std::equal(a.data.get(), a.data.get() + a.length, b.data.get());
}

void test_neighbors() {
  const double cutoff = 4;
  const Structures s = random_structures(11, 8, 6);
  for (const Isa isa : available_isas()) {
    NeighborList first;
    for (const unsigned threads : thread_counts) {
      Task task;
      NeighborList list = neighbor_list(s.batch(), cutoff, true, isa, threads, task);
      check(task.done == 2 * s.batch().atoms(), "progress of a list ends at its total");
      if (threads == 1) {
        for (std::size_t f = 0; f < s.batch().frames; ++f) {
          for (std::uint32_t atom = s.offsets[f]; atom < s.offsets[f + 1]; ++atom) {
            const double* const begin = list.distances.data.get();
            const std::vector<double> found(begin + static_cast<long>(list.offsets[atom]),
                                            begin + static_cast<long>(list.offsets[atom + 1]));
            check(largest_difference(found, brute_force(s, f, atom, cutoff)) < 1e-12,
                  "neighbours of atom " + std::to_string(atom) + ", " + isa_name(isa));
          }
        }
        for (std::size_t pair = 0; pair < list.indices.length; ++pair) {
          const double* const v = &list.vectors[3 * pair];
          check(std::abs(std::hypot(v[0], v[1], v[2]) - list.distances[pair]) < 1e-13, "vector and distance agree");
        }
        first = std::move(list);
        continue;
      }
      check(same(list.distances, first.distances) && same(list.indices, first.indices) &&
                same(list.shifts, first.shifts) && same(list.vectors, first.vectors),
            "neighbour list does not depend on threads");
    }
  }
}

void test_errors() {
  const QuestsOptions options{8, 5, 1e-6, true, true};
  std::vector<double> out(1000);
  const auto quests = [&](const Structures& s) {
    Task task;
    quests_descriptors(s.batch(), options, available_isas().front(), 2, task, out.data());
  };
  const std::array<double, 9> cube{4, 0, 0, 0, 4, 0, 0, 0, 4};
  Structures same;
  same.add({0, 0, 0, 1, 1, 1, 1, 1, 1}, cube, {true, true, true});
  expect_error("COINCIDENT_ATOMS", "two atoms at one place", [&] { quests(same); });
  Structures image;
  image.add({0, 0, 0, 4, 0, 0}, cube, {true, true, true});
  expect_error("COINCIDENT_ATOMS", "an atom on an image of another", [&] { quests(image); });
  Structures flat;
  flat.add({0, 0, 0}, {1, 0, 0, 0, 1, 0, 1, 1, 0}, {true, true, true});
  expect_error("INVALID_CELL", "a flat cell", [&] { quests(flat); });
  Structures zero;
  zero.add({0, 0, 0}, {}, {false, true, false});
  expect_error("INVALID_CELL", "a periodic axis without a vector", [&] { quests(zero); });
  Structures scattered;
  scattered.add({1e300, 0, 0}, cube, {false, false, false});
  expect_error("INVALID_POSITIONS", "an atom beyond all bounds", [&] { quests(scattered); });
  Structures strayed;
  strayed.add({1e12, 0, 0}, cube, {true, true, true});
  expect_error("INVALID_POSITIONS", "an atom far outside of its cell", [&] { quests(strayed); });
  Structures thin;
  thin.add({0, 0, 0}, {1e-4, 0, 0, 0, 1e-4, 0, 0, 0, 1e-4}, {true, true, true});
  expect_error("INVALID_CELL", "a cell with too many images", [&] { quests(thin); });
  Structures none;
  quests(none);  // nothing to do is not an error
}

// ---- fixtures

std::string word(std::ifstream& file) {
  std::string text;
  if (!(file >> text)) throw std::runtime_error("the fixture ends early");
  return text;
}

double real(std::ifstream& file) { return std::strtod(word(file).c_str(), nullptr); }

std::size_t natural(std::ifstream& file) { return static_cast<std::size_t>(real(file)); }

std::vector<double> reals(std::ifstream& file, std::size_t count) {
  std::vector<double> numbers(count);
  for (double& x : numbers) x = real(file);
  return numbers;
}

void expect_word(std::ifstream& file, const char* wanted) {
  const std::string found = word(file);
  if (found != wanted) throw std::runtime_error("the fixture has \"" + found + "\" where \"" + wanted + "\" belongs");
}

// environment NAME / k cutoff tieTolerance / atoms / cell (9) / pbc (3) / positions / descriptors (atoms×(2k−1))
void test_environment(std::ifstream& file) {
  const std::string name = word(file);
  const std::size_t k = natural(file);
  const double cutoff = real(file);
  const double tolerance = real(file);
  const std::size_t atoms = natural(file);
  std::array<double, 9> cell;
  for (double& x : cell) x = real(file);
  std::array<bool, 3> pbc;
  for (bool& p : pbc) p = real(file) != 0;
  Structures s;
  s.add(reals(file, 3 * atoms), cell, pbc);
  const std::vector<double> expected = reals(file, atoms * (2 * k - 1));
  std::vector<double> first;
  for (const Isa isa : available_isas()) {
    for (const unsigned threads : thread_counts) {
      Task task;
      std::vector<double> out(expected.size());
      quests_descriptors(s.batch(), {k, cutoff, tolerance, true, true}, isa, threads, task, out.data());
      if (first.empty()) first = out;
      check(out == first, name + ": descriptors do not depend on instruction set and threads");
      check(task.done == atoms, name + ": progress ends at the number of atoms");
    }
    check(largest_difference(first, expected) < 1e-12, name + ": descriptors equal the reference");
    Task task;
    std::vector<float> single(expected.size());
    quests_descriptors(s.batch(), {k, cutoff, tolerance, true, true}, isa, 2, task, single.data());
    check(largest_difference({single.begin(), single.end()}, expected) < 1e-6, name + ": float32 descriptors");
    std::vector<double> x2(atoms * (k - 1));
    quests_descriptors(s.batch(), {k, cutoff, tolerance, false, true}, isa, 2, task, x2.data());
    bool apart = true;
    for (std::size_t i = 0; i < atoms; ++i) {
      for (std::size_t m = 0; m + 1 < k; ++m) apart = apart && x2[i * (k - 1) + m] == first[i * (2 * k - 1) + k + m];
    }
    check(apart, name + ": X2 apart equals X2 in both");
  }
}

// The input of a kernel sum without weights, windows and decisions.
template <typename T>
KernelSumInput<T> plain_input(const std::vector<T>& queries, const std::vector<T>& references, std::size_t columns) {
  KernelSumInput<T> input{};
  input.queries = queries.data();
  input.query_count = queries.size() / columns;
  input.references = references.data();
  input.reference_count = references.size() / columns;
  input.columns = columns;
  return input;
}

template <typename T>
void test_kernel_sums(const std::string& name, const std::vector<double>& queries, const std::vector<double>& references,
                      std::size_t columns, const std::vector<double>& bandwidths, const std::vector<double>& weights,
                      const std::vector<RowWindow>& windows, const std::vector<double>& expected, double absolute,
                      double relative) {
  const std::vector<T> x(queries.begin(), queries.end());
  const std::vector<T> y(references.begin(), references.end());
  const std::size_t m = x.size() / columns;
  std::vector<std::uint32_t> starts;
  std::vector<std::uint32_t> ends;
  for (const RowWindow& window : windows) {
    starts.push_back(static_cast<std::uint32_t>(window.start));
    ends.push_back(static_cast<std::uint32_t>(window.end));
  }
  KernelSumInput<T> input = plain_input(x, y, columns);
  input.weights = weights.empty() ? nullptr : weights.data();
  input.starts = windows.empty() ? nullptr : starts.data();
  input.ends = windows.empty() ? nullptr : ends.data();
  const KernelSumOptions options{bandwidths.data(), bandwidths.size(), 0};
  for (const Isa isa : available_isas()) {
    std::vector<double> first;
    for (const unsigned threads : thread_counts) {
      Task task;
      std::vector<double> out(expected.size());
      log_kernel_sum<T, T>(input, options, isa, threads, task, out.data());
      if (threads == 1) first = out;
      check(out == first, name + ": kernel sums do not depend on threads, " + isa_name(isa));
      check(task.done == kernel_sum_units(m, y.size() / columns), name + ": progress ends at its total");
    }
    // Queries alone: company does not change a bit.
    for (std::size_t q = 0; q < m; q += std::max<std::size_t>(1, m / 5)) {
      KernelSumInput<T> alone = input;
      alone.queries += q * columns;
      alone.query_count = 1;
      if (alone.starts != nullptr) {
        alone.starts += q;
        alone.ends += q;
      }
      Task task;
      std::vector<double> sums(bandwidths.size());
      log_kernel_sum<T, T>(alone, options, isa, 2, task, sums.data());
      for (std::size_t b = 0; b < bandwidths.size(); ++b) {
        check(sums[b] == first[b * m + q], name + ": a kernel sum alone is what it is among others, " + isa_name(isa));
      }
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const double error = std::abs(first[i] - expected[i]);
      check(error <= absolute + relative * std::abs(expected[i]),
            name + ": kernel sum " + std::to_string(i) + " is off by " + std::to_string(error) + ", " + isa_name(isa) +
                (sizeof(T) == 4 ? ", float32" : ", float64"));
    }
  }
}

// kernel-sums NAME / m n d bandwidths weighted windows / bandwidths / queries / references / weights / starts / ends /
// ln s (bandwidths×m)
void test_kernel_sum_fixture(std::ifstream& file) {
  const std::string name = word(file);
  const std::size_t m = natural(file);
  const std::size_t n = natural(file);
  const std::size_t columns = natural(file);
  const std::size_t count = natural(file);
  const bool weighted = natural(file) != 0;
  const bool windowed = natural(file) != 0;
  const std::vector<double> bandwidths = reals(file, count);
  const std::vector<double> queries = reals(file, m * columns);
  const std::vector<double> references = reals(file, n * columns);
  const std::vector<double> weights = reals(file, weighted ? n : 0);
  std::vector<RowWindow> windows(windowed ? m : 0);
  for (RowWindow& window : windows) window.start = natural(file);
  for (RowWindow& window : windows) window.end = natural(file);
  const std::vector<double> expected = reals(file, count * m);
  test_kernel_sums<double>(name, queries, references, columns, bandwidths, weights, windows, expected, 1e-12, 1e-13);
  // The rounding of the input to float32 moves a distance of d/h by d · 6e-8 · |x| / h².
  test_kernel_sums<float>(name, queries, references, columns, bandwidths, weights, windows, expected, 1e-4, 2e-5);
}

void run_fixtures(const char* path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(std::string(path) + " cannot be read");
  std::string kind;
  int fixtures = 0;
  for (; file >> kind; ++fixtures) {
    if (kind == "environment") {
      test_environment(file);
    } else if (kind == "kernel-sums") {
      test_kernel_sum_fixture(file);
    } else {
      throw std::runtime_error("unknown fixture " + kind);
    }
    expect_word(file, "end");
  }
  check(fixtures >= 8, "the fixtures are there");
}

// ---- sizes at which work is cut, many threads, interruption

void test_many_references() {
  // More references than one segment holds, few queries: the segments are spread over threads.
  const std::size_t n = 64 * 16 * 16 + 777;
  const std::size_t columns = 3;
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, 0.02);
  std::vector<double> references(n * columns);
  for (double& x : references) x = normal(random);
  const std::vector<double> bandwidths{0.015, 0.3};
  for (const std::size_t m : {std::size_t{1}, std::size_t{3}, std::size_t{700}}) {
    if (brief && m > 3) continue;
    // Nothing is left out, then the query itself, then windows of every length, some of them longer than a segment.
    for (const int kind : {0, 1, 2}) {
      std::vector<RowWindow> windows(kind == 0 ? 0 : m);
      for (std::size_t i = 0; i < windows.size(); ++i) {
        windows[i] = kind == 1 ? RowWindow{i, i + 1} : RowWindow{i * 7 % n, std::min(n, i * 7 + i * i % n)};
      }
      std::vector<double> queries(references.begin(), references.begin() + static_cast<long>(m * columns));
      queries[0] += 3;  // the first lies where every kernel underflows
      std::vector<double> expected(2 * m);
      for (std::size_t b = 0; b < 2; ++b) {
        for (std::size_t i = 0; i < m; ++i) {
          std::vector<double> exponents;
          for (std::size_t j = 0; j < n; ++j) {
            if (kind != 0 && j >= windows[i].start && j < windows[i].end) continue;
            double squared = 0;
            for (std::size_t c = 0; c < columns; ++c) {
              const double d = queries[i * columns + c] - references[j * columns + c];
              squared += d * d;
            }
            exponents.push_back(-squared / (2 * bandwidths[b] * bandwidths[b]));
          }
          const double largest = *std::max_element(exponents.begin(), exponents.end());
          double sum = 0;
          for (const double e : exponents) sum += std::exp(e - largest);
          expected[b * m + i] = largest + std::log(sum);
        }
      }
      test_kernel_sums<double>("many references", queries, references, columns, bandwidths, {}, windows, expected,
                               1e-11, 1e-13);
    }
  }
}

// Windows at every place relative to the borders of leaves, panels and the end, against sums over copies without them.
template <typename T>
void test_left_out_at_borders() {
  const std::size_t columns = 2;
  const std::size_t n = 48 * leaf_rows<T> + 5;
  std::mt19937 random(9);
  std::normal_distribution<double> normal(0, 0.02);
  std::vector<T> rows(n * columns);
  for (T& x : rows) x = static_cast<T>(normal(random));
  const double bandwidths[] = {0.001, 0.01, 0.1};
  for (const bool weighted : {false, true}) {
    std::vector<double> weights(weighted ? n : 0);
    for (std::size_t j = 0; j < weights.size(); ++j) weights[j] = j % 3 == 0 ? 0 : 0.25 * static_cast<double>(j % 7);
    if (weighted) weights[n - 1] = 1;
    std::vector<std::size_t> places{0, 1, n - 1, n};
    for (std::size_t place = leaf_rows<T>; place <= n; place += leaf_rows<T> * (brief ? 16 : 8)) {
      for (const std::size_t by : {0, 1, 5}) {
        places.push_back(place - by);
        places.push_back(std::min(n, place + by));
      }
    }
    std::vector<RowWindow> windows;
    for (const std::size_t start : places) {
      for (const std::size_t end : places) {
        if (start <= end && end - start < n) windows.push_back({start, end});
      }
    }
    const std::size_t m = windows.size();
    std::vector<T> queries(m * columns);
    for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = static_cast<T>(i % 10 < 2 ? 0.5 : 0.01);
    std::vector<std::uint32_t> starts;
    std::vector<std::uint32_t> ends;
    for (const RowWindow& window : windows) {
      starts.push_back(static_cast<std::uint32_t>(window.start));
      ends.push_back(static_cast<std::uint32_t>(window.end));
    }
    KernelSumInput<T> input = plain_input(queries, rows, columns);
    input.weights = weighted ? weights.data() : nullptr;
    input.starts = starts.data();
    input.ends = ends.data();
    for (const Isa isa : available_isas()) {
      std::vector<double> out(3 * m);
      Task task;
      log_kernel_sum<T, T>(input, {bandwidths, 3, 0}, isa, 2, task, out.data());
      double largest = 0;
      for (std::size_t q = 0; q < m; ++q) {
        std::vector<double> of_rest = weighted ? weights : std::vector<double>(n, 1.0);
        for (std::size_t j = windows[q].start; j < windows[q].end; ++j) of_rest[j] = 0;
        if (std::none_of(of_rest.begin(), of_rest.end(), [](double w) { return w > 0; })) {
          check(out[q] == -INFINITY && out[2 * m + q] == -INFINITY, "a sum over nothing is 0");
          continue;
        }
        for (std::size_t b = 0; b < 3; ++b) {
          const double slope = 1 / (2 * bandwidths[b] * bandwidths[b]);
          double nearest = INFINITY;
          std::vector<double> squared(n);
          for (std::size_t j = 0; j < n; ++j) {
            const double dx = double{queries[q * columns]} - double{rows[j * columns]};
            const double dy = double{queries[q * columns + 1]} - double{rows[j * columns + 1]};
            squared[j] = dx * dx + dy * dy;
            if (of_rest[j] > 0) nearest = std::min(nearest, squared[j]);
          }
          double sum = 0;
          for (std::size_t j = 0; j < n; ++j) {
            if (of_rest[j] > 0) sum += of_rest[j] * std::exp((nearest - squared[j]) * slope);
          }
          const double expected = std::log(sum) - nearest * slope;
          const double error = std::abs(out[b * m + q] - expected) / std::max(1.0, std::abs(expected));
          largest = error <= largest ? largest : error;  // NaN is larger than everything
        }
      }
      check(largest < (sizeof(T) == 4 ? 2e-5 : 1e-12),
            std::string("windows at borders are off by ") + std::to_string(largest) + ", " + isa_name(isa) +
                (sizeof(T) == 4 ? ", float32" : ", float64") + (weighted ? ", weighted" : ""));
    }
  }
}

void test_left_out() {
  test_left_out_at_borders<float>();
  test_left_out_at_borders<double>();
}

void test_interruption() {
  const std::size_t n = 20000;
  const std::size_t columns = 63;
  const std::vector<double> x(n * columns, 0.1);
  const double bandwidth = 0.015;
  std::vector<double> out(n);
  Task task;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    task.stop = true;
  });
  expect_error("ABORTED", "an interrupted kernel sum",
               [&] { log_kernel_sum<double, double>(plain_input(x, x, columns), {&bandwidth, 1, 0}, available_isas().front(), 2, task, out.data()); });
  stopper.join();
  Task stopped;
  stopped.stop = true;
  const Structures s = random_structures(3, 4, 50);
  std::vector<double> descriptors(200 * 15);
  expect_error("ABORTED", "interrupted descriptors", [&] {
    quests_descriptors(s.batch(), {8, 5, 1e-6, true, true}, available_isas().front(), 2, stopped, descriptors.data());
  });
}

void test_concurrent_calls() {
  const Structures s = random_structures(7, 8, 40);
  const std::size_t columns = 15;
  std::vector<std::vector<double>> results(6, std::vector<double>(s.batch().atoms() * columns));
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < results.size(); ++caller) {
    callers.emplace_back([&, caller] {
      for (int round = 0; round < 5; ++round) {
        Task task;
        quests_descriptors(s.batch(), {8, 5, 1e-6, true, true}, available_isas().front(), 1 + caller % 4, task,
                           results[caller].data());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const auto& result : results) check(result == results[0], "concurrent calls do not disturb each other");
}

void test_exceptions_in_threads() {
  for (const unsigned threads : thread_counts) {
    Task task;
    std::string message;
    try {
      parallel_for(1000, threads, task, [](std::size_t item) {
        if (item % 100 == 37) throw std::runtime_error(std::to_string(item));
      });
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    check(message == "37", "the first failing item is the one that is reported, not \"" + message + "\"");
  }
}

void test_everything_else() {
  test_neighbors();
  test_errors();
  test_many_references();
  test_left_out();
  test_ordered_kernel_sums();
  test_nearest_references();
  test_environments();
  test_interruption();
  test_concurrent_calls();
  test_quests_frame();
  test_exceptions_in_threads();
  test_rows();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string extent = argc == 3 ? argv[2] : "";
  if (argc < 2 || argc > 3 || (argc == 3 && extent != "smoke" && extent != "brief" && extent != "long")) {
    std::fprintf(stderr, "usage: driver FIXTURES [smoke | brief | long]\n");
    return 2;
  }
  brief = extent == "brief" || extent == "smoke";
  at_length = extent == "long";
  try {
    run_fixtures(argv[1]);
    test_machine();
    if (extent == "smoke") {
      test_columns_of_equal_numbers();
    } else {
      test_everything_else();
    }
  } catch (const std::exception& error) {
    check(false, error.what());
  }
  std::string isas;
  for (const Isa isa : available_isas()) isas += std::string(isas.empty() ? "" : " ") + isa_name(isa);
  std::printf("%d checks, %d failed (%s)\n", checks, failures, isas.c_str());
  return failures == 0 ? 0 : 1;
}
