// Buffers whose memory belongs to the addon, so that calls can use it in place, whatever JavaScript does with the buffers.
#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

namespace surprisal {

/// Memory that lives as long as somebody holds it: the buffer, and every call that works on it.
class HeldMemory;

/// The numbers of a typed array over a buffer that largeBuffer made.
struct HeldArray {
  std::shared_ptr<HeldMemory> memory;
  napi_typedarray_type type = napi_uint8_array;
  unsigned char* data = nullptr;
  std::size_t bytes = 0;

  /// Refuses every other value; `what` names it in errors.
  static HeldArray look(const Napi::Value& value, const char* what);
};

}  // namespace surprisal
