// What the machine is measured with does what it says: otherwise the limits were those of something else.

#include <numeric>

#include "../core/cpu.h"
#include "../core/machine_rate.h"
#include "checks.h"

namespace surprisal {
namespace {

// The sum that the loop of exponentials computes, number by number.
double sum_of_exponentials(double count_of_one_round, std::size_t rounds, double factor, double change) {
  double sum = 0;
  for (std::size_t round = 0; round < rounds; ++round, factor *= change) {
    for (double exponent = 0; exponent < count_of_one_round; ++exponent) sum += std::exp2(exponent * factor);
  }
  return sum;
}

// Chains start at 0, 1, 2, …, all lanes of a vector alike; each tends to term / (1 − factor).
double sum_of_chains(double count_of_one_round, double lanes, std::size_t rounds, double factor, double term) {
  double sum = 0;
  for (double chain = 0; chain < count_of_one_round / lanes; ++chain) {
    double a = chain;
    for (std::size_t round = 0; round < rounds; ++round) a = a * factor + term;
    sum += a * lanes;
  }
  return sum;
}

template <typename T>
void test_arithmetic(double (*multiply_add)(std::size_t, T*), double (*exponentials)(std::size_t, T*), double lanes,
                     double tolerance, const std::string& what) {
  constexpr std::size_t rounds = 50;
  T sink[2] = {static_cast<T>(0.875), static_cast<T>(0.125)};
  double count = multiply_add(rounds, sink);
  double expected = 0.875 + sum_of_chains(count / rounds, lanes, rounds, 0.875, 0.125);
  check(count > 0 && std::abs(sink[0] - expected) <= tolerance * expected, what + ": multiply-adds");

  sink[0] = static_cast<T>(0.5);
  sink[1] = static_cast<T>(0.9375);
  count = exponentials(rounds, sink);
  expected = 0.5 + sum_of_exponentials(count / rounds, rounds, -0.5, 0.9375);
  check(count > 0 && std::abs(sink[0] - expected) <= tolerance * expected, what + ": exponentials");
}

void test_memory_loops(const MachineLoops& loops, const std::string& what) {
  for (const std::size_t count : {1, 7, 64, 1001}) {
    std::vector<double> a(count), b(count), to(count, -1);
    std::iota(a.begin(), a.end(), 1.0);
    std::iota(b.begin(), b.end(), 0.5);
    check(loops.read(a.data(), count) == static_cast<double>(count * (count + 1) / 2), what + ": read");
    loops.copy(to.data(), a.data(), count);
    check(to == a, what + ": copy");
    loops.triad(to.data(), a.data(), b.data(), 2, count);
    bool right = true;
    for (std::size_t i = 0; i < count; ++i) right = right && to[i] == a[i] + 2 * b[i];
    check(right, what + ": triad");
  }
}

double lanes_of(Isa isa) { return isa == Isa::avx512 ? 16 : isa == Isa::avx2 ? 8 : 4; }

}  // namespace

void test_machine() {
  for (const Isa isa : available_isas()) {
    const MachineLoops& loops = machine_loops(isa);
    const std::string name = isa_name(isa);
    test_arithmetic<float>(loops.multiply_add_f32, loops.exponentials_f32, lanes_of(isa), 1e-6, name + " f32");
    test_arithmetic<double>(loops.multiply_add_f64, loops.exponentials_f64, lanes_of(isa) / 2, 1e-14, name + " f64");
    test_memory_loops(loops, name);
    for (const unsigned threads : thread_counts) {
      Task task;
      check(multiply_add_rate(true, 100, isa, threads, task) > 0, name + ": rate of multiply-adds");
      check(exponential_rate(false, 100, isa, threads, task) > 0, name + ": rate of exponentials");
      check(task.done == 2 * threads * rate_items, name + ": progress of a rate");
    }
  }
  const Isa isa = available_isas().front();
  for (const MemoryPattern pattern : {MemoryPattern::read, MemoryPattern::copy, MemoryPattern::triad}) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{600001}}) {
      Task task;
      check(memory_rate(pattern, count, 2, isa, 2, task) > 0, "bytes move");
      check(task.done == 3 * memory_slices(count), "progress of the bytes");
    }
  }
  Task stopped;
  stopped.stop = true;
  expect_error("ABORTED", "a measurement that is stopped", [&] { memory_rate(MemoryPattern::copy, 1000, 1, isa, 1, stopped); });
  expect_error("ABORTED", "a measurement that is stopped", [&] { multiply_add_rate(true, 1000, isa, 1, stopped); });
}

}  // namespace surprisal
