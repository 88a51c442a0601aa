#include "row_parser.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "decimal.h"
#include "heap_array.h"
#include "thread_pool.h"

namespace surprisal {
namespace {

using decimal::is_white;

/// Text that one thread reads at a time: it is copied first, so that it stays as it is, and stays in the cache.
constexpr std::size_t piece_bytes = 128 * 1024;
/// Bytes behind a piece that may be loaded.
constexpr std::size_t padding = 64;
constexpr std::size_t longest_word = 64;

/// The different words of a column, in the order in which they come.
class WordTable {
 public:
  /// The place of the word at `at`, which it moves behind; most_words where the word is odd or one too many.
  std::size_t read(const unsigned char*& at) {
    std::uint64_t key = 0;
    const unsigned char* p = at;
    unsigned char any = 0;
    for (; !is_white(*p); ++p) {
      key = key << 8 | *p;
      any |= *p;
    }
    const std::size_t length = static_cast<std::size_t>(p - at);
    if (any >= 128 || length > longest_word) return most_words;
    // Up to eight bytes are a number, none of whose bytes is 0.
    if (length <= sizeof key && key == last_key_) {
      at = p;
      return last_place_;
    }
    std::size_t place = length <= sizeof key ? place_of_short(key) : most_words;
    if (place == most_words) {
      place = add(std::string(reinterpret_cast<const char*>(at), length), length <= sizeof key ? key : 0);
      if (place == most_words) return place;
    }
    if (length <= sizeof key) {
      last_key_ = key;
      last_place_ = place;
    }
    at = p;
    return place;
  }

  /// The place of a word, which is added where it is new; most_words where there is no room.
  std::size_t add(const std::string& word, std::uint64_t key) {
    const auto found = places_.find(word);
    if (found != places_.end()) return found->second;
    if (words_.size() == most_words) return most_words;
    places_.emplace(word, words_.size());
    words_.push_back(word);
    keys_.push_back(key);
    return words_.size() - 1;
  }

  const std::vector<std::string>& words() const { return words_; }

 private:
  std::size_t place_of_short(std::uint64_t key) const {
    const std::size_t near = std::min<std::size_t>(keys_.size(), 16);
    for (std::size_t place = 0; place < near; ++place) {
      if (keys_[place] == key) return place;
    }
    return most_words;
  }

  std::vector<std::string> words_;
  std::vector<std::uint64_t> keys_;
  std::unordered_map<std::string, std::size_t> places_;
  std::uint64_t last_key_ = 0;
  std::size_t last_place_ = 0;
};

/// A run of whole lines.
struct Piece {
  std::size_t from;
  std::size_t to;
  std::size_t first_row = 0;
  std::size_t lines = 0;
  // What came of it.
  std::size_t rows = 0;
  std::size_t length = 0;
  bool odd = false;
  std::vector<WordTable> words;
  std::vector<unsigned char> whole;
};

std::vector<Piece> cut(const RowRequest& request) {
  std::vector<Piece> pieces;
  for (std::size_t from = 0; from < request.length;) {
    std::size_t to = std::min(from + piece_bytes, request.length);
    if (to < request.length) {
      const void* const feed = std::memchr(request.bytes + to - 1, '\n', request.length - to + 1);
      to = feed == nullptr ? request.length
                           : static_cast<std::size_t>(static_cast<const unsigned char*>(feed) - request.bytes) + 1;
    }
    Piece piece;
    piece.from = from;
    piece.to = to;
    pieces.push_back(std::move(piece));
    from = to;
  }
  return pieces;
}

std::size_t count_feeds(const unsigned char* from, const unsigned char* to) {
  std::size_t feeds = 0;
  while (from < to) {
    // As many as a byte can count, so that the compiler counts in bytes.
    const unsigned char* const until = from + std::min<std::ptrdiff_t>(to - from, 255 * 16);
    unsigned char lanes[16] = {};
    for (; until - from >= 16; from += 16) {
      for (int lane = 0; lane < 16; ++lane) lanes[lane] = static_cast<unsigned char>(lanes[lane] + (from[lane] == '\n'));
    }
    for (; from < until; ++from) feeds += *from == '\n';
    for (const unsigned char lane : lanes) feeds += lane;
  }
  return feeds;
}

bool read_logical(const unsigned char*& at, unsigned char& value) {
  char word[6] = {};
  int length = 0;
  while (!is_white(at[length]) && length < 6) {
    word[length < 5 ? length : 5] = static_cast<char>(at[length] | 32);
    ++length;
  }
  if (length == 1 && (word[0] == 't' || word[0] == 'f')) {
    value = word[0] == 't';
  } else if (length == 4 && std::memcmp(word, "true", 4) == 0) {
    value = 1;
  } else if (length == 5 && std::memcmp(word, "false", 5) == 0) {
    value = 0;
  } else {
    return false;
  }
  at += length;
  return true;
}

template <typename T>
inline void keep(unsigned char* out, const RowField& field, std::size_t row, T value) {
  if (field.stride != 0) std::memcpy(out + field.offset + row * field.stride, &value, sizeof value);
}

/// Reads one field, to which `at` points, and moves behind it.
inline bool read_field(const unsigned char*& at, const RowField& field, std::size_t row, unsigned char* out, Piece& piece) {
  switch (field.kind) {
    case FieldKind::real: {
      double value;
      bool whole;
      if (!decimal::read_real(at, value, whole)) return false;
      if (!whole || !(std::abs(value) < static_cast<double>(decimal::largest_exact_whole))) piece.whole[field.column] = 0;
      keep(out, field, row, value);
      return true;
    }
    case FieldKind::coordinate: {
      double value;
      bool whole;
      if (!decimal::read_real(at, value, whole) || !(value - value == 0)) return false;
      keep(out, field, row, value);
      return true;
    }
    case FieldKind::whole: {
      double value;
      if (!decimal::read_whole(at, value)) return false;
      keep(out, field, row, value);
      return true;
    }
    case FieldKind::logical: {
      unsigned char value;
      if (!read_logical(at, value)) return false;
      keep(out, field, row, value);
      return true;
    }
    case FieldKind::word: {
      const std::size_t place = piece.words[field.column].read(at);
      if (place == most_words) return false;
      keep(out, field, row, static_cast<std::uint16_t>(place));
      return true;
    }
    case FieldKind::atomic_number: {
      double value;
      if (!decimal::read_whole(at, value) || !(value >= 0 && value <= largest_atomic_number)) return false;
      keep(out, field, row, static_cast<std::uint16_t>(value));
      return true;
    }
  }
  return false;
}

/// Reads one row, to which `at` points, and moves behind its end.
inline bool read_row(const unsigned char*& at, const RowRequest& request, std::size_t row, Piece& piece) {
  const unsigned char* const from = at;
  const unsigned char* p = at;
  for (const RowField& field : request.fields) {
    while (is_white(*p) && *p != '\n') ++p;
    if (*p == '\n' || !read_field(p, field, row, request.out, piece)) return false;
  }
  while (is_white(*p) && *p != '\n') ++p;
  if (*p != '\n') {
    if (!request.rest_ignored) return false;
    while (*p != '\n') ++p;
  }
  if (request.ends != LineEnds::any) {
    const bool has_return = p > from && p[-1] == '\r';
    if (has_return != (request.ends == LineEnds::return_and_feed)) return false;
  }
  at = p + 1;
  return true;
}

void read_piece(Piece& piece, const RowRequest& request, unsigned char* copy) {
  const std::size_t length = piece.to - piece.from;
  std::memcpy(copy, request.bytes + piece.from, length);
  // Every loop over bytes ends at a line feed.
  std::memset(copy + length, '\n', padding);
  const std::size_t columns = request.fields.size();
  piece.words.resize(columns);
  piece.whole.assign(columns, 1);
  const unsigned char* at = copy;
  const unsigned char* const to = copy + length;
  const std::size_t most = std::min(piece.lines, request.most_rows - std::min(request.most_rows, piece.first_row));
  while (piece.rows < most && at < to) {
    if (!read_row(at, request, piece.first_row + piece.rows, piece)) {
      piece.odd = true;
      break;
    }
    ++piece.rows;
  }
  piece.length = static_cast<std::size_t>(at - copy);
}

/// Gives the words of a piece the places that they have in the whole; false where there are too many.
bool join_words(Piece& piece, const RowRequest& request, std::vector<WordTable>& tables) {
  for (std::size_t column = 0; column < tables.size(); ++column) {
    const std::vector<std::string>& words = piece.words[column].words();
    std::vector<std::uint16_t> places(words.size());
    bool moved = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const std::size_t place = tables[column].add(words[i], 0);
      if (place == most_words) return false;
      places[i] = static_cast<std::uint16_t>(place);
      moved = moved || place != i;
    }
    if (!moved) continue;
    for (const RowField& field : request.fields) {
      if (field.kind != FieldKind::word || field.column != column || field.stride == 0) continue;
      for (std::size_t row = piece.first_row; row < piece.first_row + piece.rows; ++row) {
        std::uint16_t place;
        unsigned char* const value = request.out + field.offset + row * field.stride;
        std::memcpy(&place, value, sizeof place);
        std::memcpy(value, &places[place], sizeof place);
      }
    }
  }
  return true;
}

}  // namespace

std::size_t size_of(FieldKind kind) {
  switch (kind) {
    case FieldKind::real:
    case FieldKind::coordinate:
    case FieldKind::whole:
      return sizeof(double);
    case FieldKind::word:
    case FieldKind::atomic_number:
      return sizeof(std::uint16_t);
    case FieldKind::logical:
      return 1;
  }
  return 0;
}

ParsedRows parse_rows(const RowRequest& request, unsigned threads, Task& task) {
  std::vector<Piece> pieces = cut(request);
  std::size_t longest = 0;
  for (const Piece& piece : pieces) longest = std::max(longest, piece.to - piece.from);
  const std::size_t workers = std::min<std::size_t>(threads, pieces.size());

  if (pieces.size() == 1) {
    pieces[0].lines = request.most_rows;
  } else {
    parallel_for(pieces.size(), threads, task, [&](std::size_t i) {
      pieces[i].lines = count_feeds(request.bytes + pieces[i].from, request.bytes + pieces[i].to);
    });
    for (std::size_t i = 1; i < pieces.size(); ++i) pieces[i].first_row = pieces[i - 1].first_row + pieces[i - 1].lines;
  }

  // Pieces are taken in their order, so that those before an odd row are always read; those behind it need not be.
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> first_odd{pieces.size()};
  parallel_for(workers, threads, task, [&](std::size_t) {
    const HeapArray<unsigned char> copy(longest + padding);
    for (;;) {
      const std::size_t i = next.fetch_add(1);
      if (i >= pieces.size() || i > first_odd.load() || task.stopped()) return;
      Piece& piece = pieces[i];
      if (piece.first_row >= request.most_rows) return;
      read_piece(piece, request, copy.data.get());
      if (piece.odd) {
        std::size_t known = first_odd.load();
        while (i < known && !first_odd.compare_exchange_weak(known, i)) {
        }
      }
      task.advance(piece.to - piece.from);
    }
  });

  ParsedRows parsed;
  std::vector<WordTable> tables(request.fields.size());
  parsed.whole.assign(request.fields.size(), 1);
  for (Piece& piece : pieces) {
    if (piece.first_row >= request.most_rows) break;
    if (!join_words(piece, request, tables)) {
      parsed.odd = true;
      break;
    }
    for (std::size_t column = 0; column < piece.whole.size(); ++column) parsed.whole[column] &= piece.whole[column];
    parsed.rows += piece.rows;
    parsed.length += piece.length;
    if (piece.odd) {
      parsed.odd = true;
      break;
    }
  }
  for (const WordTable& table : tables) parsed.words.push_back(table.words());
  return parsed;
}

}  // namespace surprisal
