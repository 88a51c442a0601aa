// Windows of references that queries leave out, as JavaScript gives them.
#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

#include "typed_arrays.h"

namespace surprisal {

/// Rows starts[i] … ends[i] (exclusive) of the references do not count for query i.
class RowWindows {
 public:
  /// None, for every query.
  RowWindows() = default;

  /// @param value  null for none, or { starts, ends }, one number of each for each query
  RowWindows(const Napi::Value& value, std::size_t query_count, std::size_t reference_count) {
    if (value.IsNull()) return;
    if (!value.IsObject()) refuse(value.Env(), "leftOut must be an object");
    const Napi::Object windows = value.As<Napi::Object>();
    there_ = true;
    starts_ = KeptArray<std::uint32_t>(windows.Get("starts"), "starts", true);
    ends_ = KeptArray<std::uint32_t>(windows.Get("ends"), "ends", true);
    if (starts_.length() != query_count || ends_.length() != query_count) {
      refuse(value.Env(), "starts and ends must be one for each query");
    }
    for (std::size_t i = 0; i < query_count; ++i) {
      if (starts_.data()[i] > ends_.data()[i] || ends_.data()[i] > reference_count) {
        refuse(value.Env(), "starts must not lie past ends, nor ends past the references");
      }
    }
  }

  /// Null where nothing is left out.
  const std::uint32_t* starts() const { return there_ ? starts_.data() : nullptr; }
  const std::uint32_t* ends() const { return there_ ? ends_.data() : nullptr; }

 private:
  bool there_ = false;
  KeptArray<std::uint32_t> starts_;
  KeptArray<std::uint32_t> ends_;
};

}  // namespace surprisal
