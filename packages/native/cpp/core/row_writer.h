// Rows of numbers and words as text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace surprisal {

/// Characters of the longest number.
constexpr std::size_t longest_real = 32;

/// Writes the shortest decimal that reads as the same double, in the form of ECMAScript's Number::toString (−0 as -0; what is
/// not finite as nan, inf, -inf); returns its end. `to` has room for longest_real characters.
char* write_real(char* to, double x);

/// One group of columns: numbers, or words of a list.
struct TextField {
  const double* values = nullptr;  // (rows×width), or null where there are words
  std::size_t width = 1;
  bool with_point = false;  // numbers that look whole end in .0
  std::vector<std::string> words;
  const std::uint16_t* index = nullptr;  // (rows) each below words.size()
};

/// Rows `from` to `end` (exclusive), a line each, with a blank between fields.
std::string write_rows(const std::vector<TextField>& fields, std::size_t from, std::size_t end);

}  // namespace surprisal
