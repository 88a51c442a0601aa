// Decimal numbers in text, as the reference reads them (field-scanner.ts of io): the nearest double, to the last bit.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace surprisal {
namespace decimal {

/// What separates fields: every byte up to the space. The line feed ends the row as well.
inline bool is_white(unsigned char byte) { return byte <= ' '; }

/// Powers of ten that a double holds exactly.
constexpr double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int largest_exact_power = 22;
/// Powers of ten, and numbers of so many digits, that 64 bits hold.
constexpr int whole_digits = 19;
constexpr std::uint64_t whole_powers[] = {1u,
                                          10u,
                                          100u,
                                          1000u,
                                          10000u,
                                          100000u,
                                          1000000u,
                                          10000000u,
                                          100000000u,
                                          1000000000u,
                                          10000000000u,
                                          100000000000u,
                                          1000000000000u,
                                          10000000000000u,
                                          100000000000000u,
                                          1000000000000000u,
                                          10000000000000000u,
                                          100000000000000000u,
                                          1000000000000000000u,
                                          10000000000000000000u};
constexpr std::uint64_t largest_exact_whole = std::uint64_t{1} << 53;

inline double power_of_two(int exponent) {
  const std::uint64_t bits = static_cast<std::uint64_t>(1023 + exponent) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

/// n / d, rounded to the nearest double, ties to even; both above 0 and of up to 64 bits, so that nothing is subnormal.
inline double nearest_quotient(std::uint64_t n, std::uint64_t d) {
  const int n_shift = __builtin_clzll(n);
  const int d_shift = __builtin_clzll(d);
  // Both have their highest bit at the top now: the quotient has 63 or 64 bits, ten more than a double.
  const unsigned __int128 dividend = static_cast<unsigned __int128>(n << n_shift) << 63;
  const std::uint64_t divisor = d << d_shift;
  std::uint64_t quotient = static_cast<std::uint64_t>(dividend / divisor);
  const bool exact = static_cast<std::uint64_t>(dividend % divisor) == 0;
  const int surplus = 11 - __builtin_clzll(quotient);
  const std::uint64_t half = std::uint64_t{1} << (surplus - 1);
  const std::uint64_t rest = quotient & (2 * half - 1);
  quotient >>= surplus;
  if (rest > half || (rest == half && (!exact || (quotient & 1) != 0))) ++quotient;
  return static_cast<double>(quotient) * power_of_two(d_shift - n_shift - 63 + surplus);
}

/// The number that the C library finds in a field; false where it stops early (its decimal point may have been changed).
inline bool read_at_length(const unsigned char* from, const unsigned char* to, double& value) {
  char text[128];
  const std::size_t length = static_cast<std::size_t>(to - from);
  if (length >= sizeof text) return false;
  for (std::size_t i = 0; i < length; ++i) {
    const char byte = static_cast<char>(from[i]);
    text[i] = (byte | 32) == 'd' ? 'e' : byte;
  }
  text[length] = '\0';
  char* end = nullptr;
  value = std::strtod(text, &end);
  return end == text + length;
}

/// nan, inf and infinity in any case, behind the sign.
inline bool read_word_number(const unsigned char*& at, double& value) {
  char word[9] = {};
  int length = 0;
  while (!is_white(at[length]) && length < 8) {
    word[length] = static_cast<char>(at[length] | 32);
    ++length;
  }
  if (!is_white(at[length])) return false;
  if (std::strcmp(word, "nan") == 0) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else if (std::strcmp(word, "inf") == 0 || std::strcmp(word, "infinity") == 0) {
    value = std::numeric_limits<double>::infinity();
  } else {
    return false;
  }
  at += length;
  return true;
}

/// Reads the field at `at`, a real number, and moves behind it. `whole` tells whether it is written as digits alone.
///
/// The field must end with white space. False where it is no number, or one that the reference must look at.
inline bool read_real(const unsigned char*& at, double& value, bool& whole) {
  const unsigned char* const from = at;
  const unsigned char* p = from;
  const bool negative = *p == '-';
  if (negative || *p == '+') ++p;
  const unsigned char* const digits_from = p;
  std::uint64_t mantissa = 0;
  unsigned digit;
  while ((digit = static_cast<unsigned>(*p) - '0') <= 9) {
    mantissa = 10 * mantissa + digit;
    ++p;
  }
  std::ptrdiff_t digits = p - digits_from;
  std::ptrdiff_t behind_point = 0;
  whole = true;
  if (*p == '.') {
    whole = false;
    const unsigned char* const fraction = ++p;
    while ((digit = static_cast<unsigned>(*p) - '0') <= 9) {
      mantissa = 10 * mantissa + digit;
      ++p;
    }
    behind_point = p - fraction;
    digits += behind_point;
  }
  if (digits == 0) {
    at = digits_from;
    if (!whole || !read_word_number(at, value)) return false;
    whole = false;
    if (negative) value = -value;
    return true;
  }
  const unsigned char* const digits_to = p;
  std::ptrdiff_t power = -behind_point;
  const unsigned letter = static_cast<unsigned>(*p) | 32;
  // e, and the d of Fortran's double precision.
  if (letter == 'e' || letter == 'd') {
    whole = false;
    ++p;
    const bool down = *p == '-';
    if (down || *p == '+') ++p;
    const unsigned char* const exponent_from = p;
    std::ptrdiff_t exponent = 0;
    while ((digit = static_cast<unsigned>(*p) - '0') <= 9) {
      if (exponent < 100000) exponent = 10 * exponent + static_cast<std::ptrdiff_t>(digit);
      ++p;
    }
    if (p == exponent_from) return false;
    power += down ? -exponent : exponent;
  }
  if (!is_white(*p)) return false;
  at = p;

  if (digits > whole_digits) {
    for (const unsigned char* zero = digits_from; zero < digits_to && (*zero == '0' || *zero == '.'); ++zero) {
      if (*zero == '0') --digits;
    }
  }
  double magnitude;
  if (digits > whole_digits) {
    if (!read_at_length(from, p, value)) return false;
    return true;
  }
  if (mantissa <= largest_exact_whole && power >= -largest_exact_power && power <= largest_exact_power) {
    // One operation on two exact numbers, rounded once.
    magnitude = power < 0 ? static_cast<double>(mantissa) / exact_powers[-power]
                          : static_cast<double>(mantissa) * exact_powers[power];
  } else if (mantissa == 0) {
    magnitude = 0;
  } else if (power < 0 && power >= -whole_digits) {
    magnitude = nearest_quotient(mantissa, whole_powers[-power]);
  } else if (power == 0) {
    magnitude = static_cast<double>(mantissa);
  } else {
    return read_at_length(from, p, value);
  }
  value = negative ? -magnitude : magnitude;
  return true;
}

/// Reads the field at `at`, a whole number that a double holds exactly, and moves behind it; there is no −0.
inline bool read_whole(const unsigned char*& at, double& value) {
  const unsigned char* p = at;
  const bool negative = *p == '-';
  if (negative || *p == '+') ++p;
  const unsigned char* const from = p;
  std::uint64_t magnitude = 0;
  unsigned digit;
  while ((digit = static_cast<unsigned>(*p) - '0') <= 9) {
    magnitude = 10 * magnitude + digit;
    ++p;
  }
  if (p == from || p - from > 16 || !is_white(*p) || magnitude >= largest_exact_whole) return false;
  at = p;
  value = static_cast<double>(magnitude);
  if (negative && magnitude != 0) value = -value;
  return true;
}

}  // namespace decimal
}  // namespace surprisal
