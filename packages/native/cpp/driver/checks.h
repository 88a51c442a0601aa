// How the driver counts what holds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "../core/task.h"

namespace surprisal {

inline int checks = 0;
inline int failures = 0;

/// For an emulator, some fifty times slower, or a sanitizer: fewer sizes, where more of them show nothing about the processor.
inline bool brief = false;
/// Where there is an hour: more of what is made at random.
inline bool at_length = false;

inline void check(bool holds, const std::string& what) {
  ++checks;
  if (holds) return;
  ++failures;
  std::printf("FAILED: %s\n", what.c_str());
}

constexpr unsigned thread_counts[] = {1, 2, 7};

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    largest = difference <= largest ? largest : difference;  // NaN is larger than everything
  }
  return largest;
}

inline void expect_error(const std::string& code, const std::string& what, const std::function<void()>& call) {
  try {
    call();
    check(false, what + ": no error");
  } catch (const Error& error) {
    check(error.code() == code, what + ": " + error.code() + " instead of " + code + " (" + error.what() + ")");
  }
}

// One for each file of the driver beside driver.cpp: declared here, called in main().
void test_environments();
void test_machine();
void test_nearest_references();
void test_columns_of_equal_numbers();
void test_ordered_kernel_sums();
void test_quests_frame();
void test_rows();

}  // namespace surprisal
