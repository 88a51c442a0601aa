// Rows of text: numbers to the last bit against the C library, and broken rows by the ten thousand against a reader that is
// plain enough to be believed.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../core/decimal.h"
#include "../core/row_order.h"
#include "../core/row_parser.h"
#include "../core/row_writer.h"
#include "checks.h"

namespace surprisal {
namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t limit) { return random() % limit; }

bool is_same(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b)); }

// ---- numbers

std::string random_digits(Random& random, std::size_t most) {
  std::string digits;
  for (std::size_t i = below(random, most + 1); i > 0; --i) digits += static_cast<char>('0' + below(random, 10));
  return digits;
}

/// Decimals of all lengths, those that files hold most of all, and halves between two doubles, which are hard to round.
std::string random_decimal(Random& random) {
  char text[512];
  double value;
  switch (below(random, 6)) {
    case 0:
      std::snprintf(text, sizeof text, "%g", (static_cast<double>(random() >> 11) / 9007199254740992.0 - 0.5) * 500);
      return text;
    case 1:
      std::snprintf(text, sizeof text, "%.17g", (static_cast<double>(random() >> 11) / 9007199254740992.0 - 0.5) * 500);
      return text;
    case 2: {
      const std::uint64_t bits = random();
      std::memcpy(&value, &bits, sizeof value);
      std::snprintf(text, sizeof text, "%.*g", static_cast<int>(1 + below(random, 25)), value);
      return text;
    }
    case 3: {
      // Half of the last place more than a double of 45 to 53 bits: up to 19 digits hold many of these in full.
      const std::uint64_t odd = ((random() >> (11 + below(random, 40))) << 1) | 1;
      std::snprintf(text, sizeof text, "%.*f", static_cast<int>(below(random, 12)),
                    std::ldexp(static_cast<double>(odd), -static_cast<int>(below(random, 12))));
      return text;
    }
    case 4:
      return std::to_string((std::uint64_t{1} << 53) + random() % 4096) + (below(random, 2) != 0 ? ".5" : "");
    default: {
      std::string decimal = below(random, 3) == 0 ? "-" : below(random, 4) == 0 ? "+" : "";
      decimal += random_digits(random, 22);
      if (below(random, 3) != 0) decimal += "." + random_digits(random, 22);
      if (below(random, 3) == 0) decimal += (below(random, 2) != 0 ? "e" : "D") + std::to_string(static_cast<int>(below(random, 60)) - 30);
      return decimal;
    }
  }
}

void test_numbers() {
  Random random(7);
  std::size_t read = 0;
  const std::size_t numbers = brief ? 30000 : 300000;
  for (std::size_t i = 0; i < numbers; ++i) {
    std::string decimal = random_decimal(random);
    std::string text = decimal + "\n";
    const unsigned char* at = reinterpret_cast<const unsigned char*>(text.data());
    const unsigned char* const from = at;
    double value = 0;
    bool whole = false;
    if (!decimal::read_real(at, value, whole)) continue;
    ++read;
    for (char& byte : decimal) byte = byte == 'D' ? 'e' : byte;
    char* end;
    const double expected = std::strtod(decimal.c_str(), &end);
    if (!is_same(value, expected) || at != from + decimal.size() || *end != '\0') {
      check(false, "the number " + decimal);
      return;
    }
    const bool is_whole = decimal.find_first_of(".eEn") == std::string::npos;
    if (whole != is_whole) check(false, "whether " + decimal + " is whole");
  }
  check(read > numbers / 6 * 5, "nearly all decimals are read");
  const char* const hard[] = {"9007199254740993",   "9007199254740992.5", "0.500000000000000166533453694", "1e23",
                              "8.41e21",            "9.5e-19",            "1234567890123456789e-19",       "18446744073709551615",
                              "2.2250738585072014e-308", "4.9e-324",       "1e-400",                        "1e400"};
  for (const char* decimal : hard) {
    const std::string text = std::string(decimal) + " ";
    const unsigned char* at = reinterpret_cast<const unsigned char*>(text.data());
    double value = 0;
    bool whole;
    check(decimal::read_real(at, value, whole) && is_same(value, std::strtod(decimal, nullptr)), decimal);
  }
}

// ---- rows

/// What one row holds, read as plainly as can be; `odd` where it is not what the fields say.
struct PlainRow {
  bool odd = false;
  std::vector<double> numbers;
  std::vector<std::string> words;
};

bool matches_number(const std::string& field) {
  std::size_t at = field[0] == '-' || field[0] == '+' ? 1 : 0;
  const std::string rest = field.substr(at);
  std::string lower;
  for (const char byte : rest) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(byte)));
  if (lower == "nan" || lower == "inf" || lower == "infinity") return true;
  std::size_t digits = 0;
  for (; at < field.size() && std::isdigit(static_cast<unsigned char>(field[at])); ++at) ++digits;
  if (at < field.size() && field[at] == '.') {
    for (++at; at < field.size() && std::isdigit(static_cast<unsigned char>(field[at])); ++at) ++digits;
  }
  if (digits == 0) return false;
  if (at == field.size()) return true;
  if (std::string("eEdD").find(field[at]) == std::string::npos) return false;
  ++at;
  if (at < field.size() && (field[at] == '-' || field[at] == '+')) ++at;
  if (at == field.size()) return false;
  for (; at < field.size(); ++at) {
    if (!std::isdigit(static_cast<unsigned char>(field[at]))) return false;
  }
  return true;
}

double plain_number(std::string field) {
  for (char& byte : field) byte = byte == 'd' || byte == 'D' ? 'e' : byte;
  const double value = std::strtod(field.c_str(), nullptr);
  // The C library takes the d of "nan" for what was replaced above.
  return field.find_first_of("nN") != std::string::npos && field.find_first_of("aA") != std::string::npos ? NAN : value;
}

PlainRow read_plainly(const std::string& line, const std::vector<RowField>& fields, bool rest_ignored) {
  std::vector<std::string> texts(1);
  for (const char byte : line) {
    if (static_cast<unsigned char>(byte) > ' ') texts.back() += byte;
    else if (!texts.back().empty()) texts.emplace_back();
  }
  if (texts.back().empty()) texts.pop_back();
  PlainRow row;
  if (texts.size() < fields.size() || (texts.size() > fields.size() && !rest_ignored)) {
    row.odd = true;
    return row;
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& text = texts[i];
    double number = 0;
    const bool is_number = matches_number(text);
    if (is_number) number = plain_number(text);
    const bool is_whole = text.find_first_not_of("0123456789", text[0] == '-' || text[0] == '+' ? 1 : 0) == std::string::npos;
    switch (fields[i].kind) {
      case FieldKind::real:
        row.odd = row.odd || !is_number;
        break;
      case FieldKind::coordinate:
        row.odd = row.odd || !is_number || !std::isfinite(number);
        break;
      case FieldKind::whole:
        row.odd = row.odd || !is_number || !is_whole || std::abs(number) >= 9007199254740992.0;
        number += 0.0;  // there is no -0
        break;
      case FieldKind::atomic_number:
        row.odd = row.odd || !is_number || !is_whole || number < 0 || number > largest_atomic_number;
        number += 0.0;
        break;
      case FieldKind::logical: {
        std::string lower;
        for (const char byte : text) lower += static_cast<char>(byte >= 'A' && byte <= 'Z' ? byte + 32 : byte);
        number = lower == "t" || lower == "true";
        row.odd = row.odd || !(number != 0 || lower == "f" || lower == "false");
        break;
      }
      case FieldKind::word:
        break;
    }
    row.numbers.push_back(number);
    row.words.push_back(text);
  }
  return row;
}

struct Reading {
  ParsedRows parsed;
  std::vector<unsigned char> out;
};

/// Columns behind one another, each with room for `rows`.
std::vector<RowField> laid_out(const std::vector<FieldKind>& kinds, std::size_t rows) {
  std::vector<RowField> fields;
  std::size_t offset = 0;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    const std::size_t size = size_of(kinds[i]);
    fields.push_back({kinds[i], i, offset, size});
    offset += (rows * size + 7) / 8 * 8;
  }
  return fields;
}

Reading read(const std::string& text, const std::vector<FieldKind>& kinds, std::size_t rows, bool rest_ignored, LineEnds ends,
             unsigned threads) {
  // Memory of just that length, so that the sanitizer sees every step beyond it.
  const std::unique_ptr<unsigned char[]> bytes(new unsigned char[text.size()]);
  std::memcpy(bytes.get(), text.data(), text.size());
  Reading reading;
  const std::vector<RowField> fields = laid_out(kinds, rows);
  reading.out.assign(fields.back().offset + rows * fields.back().stride, 0xee);
  Task task;
  reading.parsed = parse_rows({bytes.get(), text.size(), fields, rest_ignored, ends, rows, reading.out.data()}, threads, task);
  return reading;
}

template <typename T>
T value_at(const Reading& reading, const RowField& field, std::size_t row) {
  T value;
  std::memcpy(&value, reading.out.data() + field.offset + row * field.stride, sizeof value);
  return value;
}

/// Whether what was read is what the plain reader reads; what was not read may be for the reference.
std::string difference(const std::string& text, const Reading& reading, const std::vector<FieldKind>& kinds, std::size_t rows,
                       bool rest_ignored, LineEnds ends) {
  const std::vector<RowField> fields = laid_out(kinds, rows);
  const ParsedRows& parsed = reading.parsed;
  std::size_t at = 0;
  for (std::size_t row = 0; row < parsed.rows; ++row) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) return "more rows than lines";
    const PlainRow plain = read_plainly(text.substr(at, end - at), fields, rest_ignored);
    if (plain.odd) return "an odd row was read: " + text.substr(at, end - at);
    const bool has_return = end > at && text[end - 1] == '\r';
    if (ends != LineEnds::any && has_return != (ends == LineEnds::return_and_feed)) return "another end of a line was passed over";
    for (std::size_t i = 0; i < fields.size(); ++i) {
      bool same = true;
      if (kinds[i] == FieldKind::word) {
        const std::size_t place = value_at<std::uint16_t>(reading, fields[i], row);
        same = place < parsed.words[i].size() && parsed.words[i][place] == plain.words[i];
      } else if (kinds[i] == FieldKind::atomic_number) {
        same = value_at<std::uint16_t>(reading, fields[i], row) == plain.numbers[i];
      } else if (kinds[i] == FieldKind::logical) {
        same = value_at<unsigned char>(reading, fields[i], row) == plain.numbers[i];
      } else {
        same = is_same(value_at<double>(reading, fields[i], row), plain.numbers[i]);
      }
      if (!same) return "field " + std::to_string(i) + " of: " + text.substr(at, end - at);
    }
    at = end + 1;
  }
  if (at != parsed.length) return "the length of what was read";
  const bool is_over = at == text.size() || parsed.rows == rows;
  if (parsed.odd == is_over) return "whether there is an odd row behind what was read";
  return "";
}

const std::vector<std::vector<FieldKind>> layouts = {
    {FieldKind::whole, FieldKind::real, FieldKind::word, FieldKind::coordinate, FieldKind::coordinate, FieldKind::coordinate},
    {FieldKind::word, FieldKind::coordinate, FieldKind::coordinate, FieldKind::coordinate, FieldKind::real, FieldKind::logical},
    {FieldKind::coordinate, FieldKind::atomic_number, FieldKind::whole},
    {FieldKind::word, FieldKind::word},
};

std::string plain_row(const std::vector<FieldKind>& kinds, Random& random, bool numbers_of_files) {
  static const char* const words[] = {"Cu", "Zr", "H", "C1", "Na+", "a_rather_long_name", "X"};
  static const char* const blanks[] = {" ", "  ", "\t", " "};
  std::string row = below(random, 8) == 0 ? " " : "";
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (i > 0) row += blanks[below(random, 4)];
    char text[64];
    switch (kinds[i]) {
      case FieldKind::real:
      case FieldKind::coordinate:
        std::snprintf(text, sizeof text, "%.*g", numbers_of_files ? 6 : static_cast<int>(1 + below(random, 17)),
                      static_cast<double>(random() % 1000000007) / 1e7 - 20);
        row += text;
        break;
      case FieldKind::whole:
        row += std::to_string(random() % 1000000);
        break;
      case FieldKind::atomic_number:
        row += std::to_string(random() % (largest_atomic_number + 1));
        break;
      case FieldKind::logical:
        row += below(random, 2) != 0 ? "T" : "false";
        break;
      case FieldKind::word:
        row += words[below(random, 7)];
        break;
    }
  }
  return row + (below(random, 10) == 0 ? " " : "");
}

void mutate(std::string& text, Random& random) {
  static const std::string bytes = std::string("0123456789.-+eEdDnaifTF \t\r\n\0\"'#", 32) + "\xc3\xa5\xff\x7f";
  static const char* const fields[] = {"nan", "-inf", "Infinity", "1e999", "9007199254740993", "99999999999999999999", "1.5d3",
                                       "0x1", "1e", "--1", ".", "-", "1.5.2", "-0", "+7", "00000000000000000000000001.5", "true"};
  for (std::size_t i = 1 + below(random, 4); i > 0 && !text.empty(); --i) {
    const std::size_t at = below(random, text.size());
    switch (below(random, 5)) {
      case 0: text[at] = bytes[below(random, bytes.size())]; break;
      case 1: text.erase(at, 1 + below(random, 6)); break;
      case 2: text.insert(at, 1, bytes[below(random, bytes.size())]); break;
      case 3: text.insert(at, std::string(" ") + fields[below(random, 17)] + " "); break;
      default: text.replace(at, std::min<std::size_t>(text.size() - at, below(random, 8)), fields[below(random, 17)]); break;
    }
  }
  if (text.empty() || text.back() != '\n') text += '\n';
}

void test_broken_rows() {
  const std::size_t cases = at_length ? 3000000 : brief ? 6000 : 60000;
  std::size_t rows_read = 0;
  for (std::size_t seed = 1; seed <= cases; ++seed) {
    Random random(seed);
    const std::vector<FieldKind>& kinds = layouts[below(random, layouts.size())];
    const char* const end = below(random, 4) == 0 ? "\r\n" : "\n";
    const LineEnds ends = below(random, 3) == 0 ? LineEnds::any : end[0] == '\r' ? LineEnds::return_and_feed : LineEnds::feed;
    std::string text;
    for (std::size_t row = 1 + below(random, 6); row > 0; --row) text += plain_row(kinds, random, false) + end;
    if (below(random, 20) != 0) mutate(text, random);
    const bool rest_ignored = below(random, 4) == 0;
    const std::size_t rows = 1 + below(random, 8);
    const Reading reading = read(text, kinds, rows, rest_ignored, ends, 1);
    rows_read += reading.parsed.rows;
    const std::string problem = difference(text, reading, kinds, rows, rest_ignored, ends);
    if (!problem.empty()) {
      check(false, "broken rows of seed " + std::to_string(seed) + ": " + problem);
      return;
    }
  }
  check(rows_read > cases, "many rows are read");
}

/// Many pieces: the same for any number of threads, whole or with something odd in the middle.
void test_many_rows() {
  for (unsigned seed = 1; seed <= 6; ++seed) {
    Random random(seed);
    const std::vector<FieldKind>& kinds = layouts[seed % layouts.size()];
    const std::size_t count = brief ? 6000 : 30000;
    std::vector<std::string> lines;
    for (std::size_t row = 0; row < count; ++row) lines.push_back(plain_row(kinds, random, true));
    if (seed > 2) lines[below(random, lines.size())] = "odd";
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    const std::size_t rows = seed == 6 ? count / 3 * 2 : lines.size() + 10;
    const Reading one = read(text, kinds, rows, false, LineEnds::feed, 1);
    const std::string problem = difference(text, one, kinds, rows, false, LineEnds::feed);
    check(problem.empty(), "many rows: " + problem);
    check(seed > 2 || one.parsed.rows == lines.size(), "plain rows are all read");
    for (const unsigned threads : thread_counts) {
      const Reading other = read(text, kinds, rows, false, LineEnds::feed, threads);
      check(other.parsed.rows == one.parsed.rows && other.parsed.length == one.parsed.length &&
                other.parsed.odd == one.parsed.odd && other.parsed.words == one.parsed.words,
            "rows do not depend on the number of threads");
      check(difference(text, other, kinds, rows, false, LineEnds::feed).empty(), "nor do their values");
    }
  }
  // More different words than are told apart.
  std::string text;
  for (std::size_t row = 0; row < 3 * most_words; ++row) text += "w" + std::to_string(row / 2) + " x\n";
  for (const unsigned threads : thread_counts) {
    const Reading reading = read(text, layouts[3], 3 * most_words, false, LineEnds::feed, threads);
    check(reading.parsed.odd == (reading.parsed.rows < 3 * most_words) && reading.parsed.rows <= 2 * most_words + 1,
          "words beyond counting are left to others");
    check(difference(text, reading, layouts[3], 3 * most_words, false, LineEnds::feed).empty(), "those before are read");
  }
}

// ---- order

void test_order() {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    Random random(seed);
    const std::size_t count = seed == 1 ? (brief ? 70000 : 200000) : 1 + below(random, 3000);
    std::vector<double> ids(count);
    for (std::size_t i = 0; i < count; ++i) ids[i] = static_cast<double>(3 * i) - 1000;
    std::shuffle(ids.begin(), ids.end(), random);
    std::vector<double> sorted = ids;
    std::sort(sorted.begin(), sorted.end());
    Task task;
    const OrderedRows ordered = order_rows(ids.data(), count, task);
    check(count == 1 || ordered.order == RowOrder::found, "mixed ids have an order");
    bool right = true;
    for (std::size_t i = 0; i < ordered.rows.length; ++i) {
      right = right && ids[ordered.rows[i]] == sorted[i] && ordered.ids[i] == sorted[i];
    }
    check(right, "rows in the order of their ids");
    for (const std::size_t bytes : {std::size_t{2}, std::size_t{8}, std::size_t{24}, std::size_t{7}}) {
      std::vector<unsigned char> values(bytes * count);
      for (unsigned char& value : values) value = static_cast<unsigned char>(random());
      for (const unsigned threads : thread_counts) {
        std::vector<unsigned char> out(values.size());
        gather_rows(values.data(), bytes, ordered.rows.data.get(), ordered.rows.length, threads, task, out.data());
        bool same = true;
        for (std::size_t i = 0; i < ordered.rows.length; ++i) {
          same = same && std::memcmp(&out[i * bytes], &values[ordered.rows[i] * bytes], bytes) == 0;
        }
        check(same, "gathered rows of " + std::to_string(bytes) + " bytes");
      }
    }
    Task other;
    check(order_rows(sorted.data(), count, other).order == RowOrder::sorted, "sorted ids are said to be");
    if (count > 2) {
      ids[count - 1] = ids[0];
      const OrderedRows twice = order_rows(ids.data(), count, other);
      check(twice.order == RowOrder::repeated && twice.repeated == count - 1, "a repeated id is found");
      ids[count - 1] = 1e15;
      check(order_rows(ids.data(), count, other).order == RowOrder::sparse, "ids far apart are left to others");
    }
  }
  const double nobody[] = {NAN, 1, -INFINITY, INFINITY, 1};
  Task task;
  check(order_rows(nobody, 5, task).order == RowOrder::sparse, "what is no id is left to others");
}

void test_stopping() {
  std::string text;
  for (int row = 0; row < 20000; ++row) text += "Cu 1\n";
  expect_error("ABORTED", "rows of a stopped task", [&] {
    Task task;
    task.stop.store(true);
    std::vector<unsigned char> out(2 * 2 * 20000);
    parse_rows({reinterpret_cast<const unsigned char*>(text.data()), text.size(), laid_out(layouts[3], 20000), false,
                LineEnds::feed, 20000, out.data()},
               2, task);
  });
}

void test_writing() {
  const auto written = [](double x) {
    char text[longest_real];
    return std::string(text, write_real(text, x));
  };
  const std::pair<double, const char*> known[] = {{0.0, "0"},
                                                  {-0.0, "-0"},
                                                  {1.0, "1"},
                                                  {-12.5, "-12.5"},
                                                  {0.1, "0.1"},
                                                  {1e-6, "0.000001"},
                                                  {1.5e-7, "1.5e-7"},
                                                  {1e-7, "1e-7"},
                                                  {123456789012345680000.0, "123456789012345680000"},
                                                  {1e21, "1e+21"},
                                                  {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                  {-2.2250738585072014e-308, "-2.2250738585072014e-308"},
                                                  {5e-324, "5e-324"},
                                                  {1.0 / 3, "0.3333333333333333"},
                                                  {9007199254740993.0, "9007199254740992"},
                                                  {NAN, "nan"},
                                                  {INFINITY, "inf"},
                                                  {-INFINITY, "-inf"}};
  for (const auto& [x, text] : known) check(written(x) == text, std::string(text) + " is written as " + written(x));
  std::mt19937_64 random(5);
  bool same = true;
  for (int i = 0; i < (brief ? 4000 : 20000); ++i) {
    const std::uint64_t bits = random();
    double x;
    std::memcpy(&x, &bits, sizeof x);
    if (i % 2 == 1) x = static_cast<double>(static_cast<std::int64_t>(bits)) * 1e-12;
    if (!std::isfinite(x)) continue;
    const std::string text = written(x);
    same = same && std::strtod(text.c_str(), nullptr) == x && text.size() < longest_real;
  }
  check(same, "numbers read as what was written");

  const double values[] = {1, 2, 3, 4.5, -5, 6};
  const std::uint16_t index[] = {1, 0, 1};
  const std::vector<TextField> fields{{nullptr, 1, false, {"Cu", "Silicon"}, index}, {values, 2, false, {}, nullptr}};
  check(write_rows(fields, 0, 3) == "Silicon 1 2\nCu 3 4.5\nSilicon -5 6\n", "rows of words and numbers");
  check(write_rows(fields, 1, 2) == "Cu 3 4.5\n", "some of them");
  check(write_rows(fields, 2, 2).empty(), "none");
  const double real[] = {1, -0.0, 1e21, 0.5, NAN, 1e20};
  check(write_rows({{real, 6, true, {}, nullptr}}, 0, 1) == "1.0 -0.0 1e+21 0.5 nan 100000000000000000000.0\n", "points");
  check(write_rows({}, 0, 2) == "\n\n", "rows of nothing");
}

}  // namespace

void test_rows() {
  test_numbers();
  test_broken_rows();
  test_many_rows();
  test_order();
  test_stopping();
  test_writing();
}

}  // namespace surprisal
