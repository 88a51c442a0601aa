#include "row_writer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace surprisal {
namespace {

// 2⁵³
constexpr double largest_exact = 9007199254740992.0;
constexpr int digits_of_exact = 16;

// Digits, of which the last is not 0 unless it is all there are, and the power of ten of the first.
struct Decimal {
  char digits[24];
  int count;
  int exponent;
};

// Text is d.ddde±xx or de±xx.
Decimal parse_scientific(const char* text, const char* end) {
  Decimal decimal;
  const char* mark = end;
  int exponent = 0;
  for (int power = 1; *--mark >= '0'; power *= 10) exponent += power * (*mark - '0');
  decimal.exponent = *mark == '-' ? -exponent : exponent;
  decimal.digits[0] = text[0];
  // Behind the point, and before the e and the sign.
  const std::ptrdiff_t behind = std::max<std::ptrdiff_t>(0, mark - 1 - (text + 2));
  std::memcpy(decimal.digits + 1, text + 2, static_cast<std::size_t>(behind));
  decimal.count = 1 + static_cast<int>(behind);
  while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') --decimal.count;
  return decimal;
}

// The shortest of a number above 0.
Decimal shortest(double x) {
  char text[longest_real];
#if defined(__cpp_lib_to_chars) && __cpp_lib_to_chars >= 201611L
  const char* const end = std::to_chars(text, text + sizeof text, x, std::chars_format::scientific).ptr;
#else
  // Older libraries: the first precision at which it reads as the same. (It is the shortest, if not always the nearest.)
  const char* end = text;
  for (int digits = 0; digits < 17; ++digits) {
    end = text + std::snprintf(text, sizeof text, "%.*e", digits, x);
    if (std::strtod(text, nullptr) == x) break;
  }
#endif
  return parse_scientific(text, end);
}

char* append(char* to, const char* from, int count) {
  std::memcpy(to, from, static_cast<std::size_t>(count));
  return to + count;
}

bool looks_whole(const char* from, const char* end) {
  return std::all_of(from, end, [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

char* fill(char* to, int count) {
  std::memset(to, '0', static_cast<std::size_t>(count));
  return to + count;
}

}  // namespace

char* write_real(char* to, double x) {
  if (std::isnan(x)) return append(to, "nan", 3);
  if (std::signbit(x)) *to++ = '-';
  x = std::abs(x);
  if (std::isinf(x)) return append(to, "inf", 3);
  // Of whole numbers that lie no more than 1 apart, all digits are the shortest.
  if (x <= largest_exact && x == std::floor(x)) return std::to_chars(to, to + digits_of_exact, static_cast<std::uint64_t>(x)).ptr;
  const Decimal decimal = shortest(x);
  const int count = decimal.count;
  const int point = decimal.exponent + 1;  // digits before it
  if (point > 21 || point <= -6) {
    *to++ = decimal.digits[0];
    if (count > 1) {
      *to++ = '.';
      to = append(to, decimal.digits + 1, count - 1);
    }
    *to++ = 'e';
    *to++ = decimal.exponent < 0 ? '-' : '+';
    return std::to_chars(to, to + 4, std::abs(decimal.exponent)).ptr;
  }
  if (point <= 0) {
    to = append(to, "0.", 2);
    return append(fill(to, -point), decimal.digits, count);
  }
  if (count <= point) return fill(append(to, decimal.digits, count), point - count);
  to = append(to, decimal.digits, point);
  *to++ = '.';
  return append(to, decimal.digits + point, count - point);
}

std::string write_rows(const std::vector<TextField>& fields, std::size_t from, std::size_t end) {
  std::size_t longest = 1;
  for (const TextField& field : fields) {
    if (field.values != nullptr) longest += field.width * (longest_real + 1);
    std::size_t longest_word = 0;
    for (const std::string& word : field.words) longest_word = std::max(longest_word, word.size());
    longest += longest_word + 1;
  }
  std::string text;
  std::size_t length = 0;
  for (std::size_t row = from; row < end; ++row) {
    if (text.size() < length + longest) text.resize(2 * text.size() + longest);
    char* const begin = &text[length];
    char* to = begin;
    for (const TextField& field : fields) {
      if (field.values == nullptr) {
        const std::string& word = field.words[field.index[row]];
        std::memcpy(to, word.data(), word.size());
        to += word.size();
        *to++ = ' ';
        continue;
      }
      for (std::size_t i = 0; i < field.width; ++i) {
        char* const number = to;
        to = write_real(to, field.values[row * field.width + i]);
        if (field.with_point && looks_whole(number, to)) to = append(to, ".0", 2);
        *to++ = ' ';
      }
    }
    // The blank behind the last field.
    if (to > begin) --to;
    *to++ = '\n';
    length += static_cast<std::size_t>(to - begin);
  }
  text.resize(length);
  return text;
}

}  // namespace surprisal
