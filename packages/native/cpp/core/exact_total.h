// Sums of kernels that come out the same in whatever order they are added.
#pragma once

#include <cmath>
#include <cstdint>

namespace surprisal {

/// A number of 128 bits in units of 2⁻⁹⁰: room for 10¹¹ kernels of 1, and digits down to 1e-27. Integers add up to the same
/// bits in every order, so neither threads nor ranks nor the moment at which they finish can change a sum.
class ExactTotal {
 public:
  /// Adds a number that is not below 0, and below 2³⁶.
  void add(double x) {
    if (x == 0) return;
    // In two parts, each of which is a whole number of 63 bits: that is one instruction, the compiler's own conversion to 128
    // bits is many.
    const auto high = static_cast<std::int64_t>(x * high_inverse);
    const double rest = x - static_cast<double>(high) * (1 / high_inverse);
    units_ += (static_cast<__int128>(high) << 63) + static_cast<std::int64_t>(rest * unit_inverse);
  }
  void add(const ExactTotal& other) { units_ += other.units_; }
  double value() const { return static_cast<double>(units_) / unit_inverse; }

  /// Three whole numbers below 2⁴¹, the lowest first, that make up the total: doubles carry them exactly.
  static constexpr int limbs = 3;
  void to_limbs(double* out) const {
    for (int i = 0; i < limbs; ++i) out[i] = static_cast<double>((units_ >> (41 * i)) & ((__int128{1} << 41) - 1));
  }

 private:
  static constexpr double high_inverse = 134217728.0;  // 2²⁷
  static constexpr double unit_inverse = 1237940039285380274899124224.0;  // 2⁹⁰
  __int128 units_ = 0;
};

}  // namespace surprisal
