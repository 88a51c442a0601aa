// Rows of fields in text, such as the atoms of a structure file, to columns of numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "task.h"

namespace surprisal {

/// What a field holds, and of which type its value is.
enum class FieldKind : std::uint32_t {
  real,           ///< double; nan and inf are numbers
  coordinate,     ///< double, finite
  whole,          ///< double, a whole number below 2^53
  logical,        ///< unsigned char: T, F, true, false in any case
  word,           ///< std::uint16_t, the place in the words of its column
  atomic_number,  ///< std::uint16_t, 0 to 118
};
constexpr std::uint32_t field_kinds = 6;

std::size_t size_of(FieldKind kind);

/// The highest atomic number, that of Og.
constexpr unsigned largest_atomic_number = 118;

/// One field of every row.
struct RowField {
  FieldKind kind;
  /// Fields of one column share their words. Below the number of fields.
  std::size_t column;
  /// Where the value of the first row goes, in bytes, and by how much the next one lies behind; 0: it is looked at and not kept.
  std::size_t offset;
  std::size_t stride;
};

/// How the first line of a file ends, so that a line that ends otherwise can be told.
enum class LineEnds : std::uint32_t { feed, return_and_feed, any };

struct RowRequest {
  /// Whole lines: the last byte is a line feed. May be changed by others meanwhile: then the values are rubbish, and that is all.
  const unsigned char* bytes;
  std::size_t length;
  std::vector<RowField> fields;
  /// Whether more fields may follow, of whatever kind.
  bool rest_ignored;
  LineEnds ends;
  /// Rows for which there is room.
  std::size_t most_rows;
  unsigned char* out;
};

struct ParsedRows {
  std::size_t rows = 0;
  /// Bytes of these rows.
  std::size_t length = 0;
  /// Whether the next row is there and is none that can be read here: the reference has to say what it is.
  bool odd = false;
  /// For each column its different words, in the order in which they come.
  std::vector<std::vector<std::string>> words;
  /// For each column, whether every number in it is written as digits alone and below 2^53.
  std::vector<unsigned char> whole;
};

/// Different words of one column that are told apart in one call; a row with one more is odd.
constexpr std::size_t most_words = 4096;

/// Reads rows up to the first odd one: a field that is missing, one too many, no value of its kind, or one that is rarer than
/// that it would be read here (whole numbers of 2^53 and more, letters beyond ASCII, words of more than 64 bytes).
///
/// Numbers are the nearest doubles. The same for any number of threads. Units of progress: bytes.
ParsedRows parse_rows(const RowRequest& request, unsigned threads, Task& task);

}  // namespace surprisal
