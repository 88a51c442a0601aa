// Typed arrays in and out.
#pragma once

#include <napi.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "../core/heap_array.h"
#include "../core/task.h"

namespace surprisal {

[[noreturn]] inline void refuse(Napi::Env env, const std::string& message) {
  Napi::TypeError error = Napi::TypeError::New(env, message);
  error.Set("code", Napi::String::New(env, "INVALID_ARGUMENT"));
  throw error;
}

/// The numbers of a JavaScript typed array, good for as long as the call runs, whatever JavaScript does meanwhile.
///
/// Over a SharedArrayBuffer they are used in place: such a buffer cannot be taken away. Over an ArrayBuffer, which could
/// be transferred or resized in mid-call, they are copied.
struct ArrayInput {
  napi_typedarray_type type = napi_uint8_array;
  std::size_t length = 0;
  bool shared = false;
  void* data = nullptr;

  /// Looks at a value without copying. `what` names it in errors.
  static ArrayInput look(const Napi::Value& value, const char* what) {
    if (!value.IsTypedArray()) refuse(value.Env(), std::string(what) + " must be a typed array");
    ArrayInput input;
    napi_value buffer;
    std::size_t offset;
    if (napi_get_typedarray_info(value.Env(), value, &input.type, &input.length, &input.data, &buffer, &offset) !=
        napi_ok) {
      refuse(value.Env(), std::string(what) + " cannot be read");
    }
    bool owned = false;
    napi_is_arraybuffer(value.Env(), buffer, &owned);
    input.shared = !owned;
    return input;
  }
};

template <typename T>
constexpr napi_typedarray_type array_type();
template <>
constexpr napi_typedarray_type array_type<float>() { return napi_float32_array; }
template <>
constexpr napi_typedarray_type array_type<double>() { return napi_float64_array; }
template <>
constexpr napi_typedarray_type array_type<std::uint32_t>() { return napi_uint32_array; }
template <>
constexpr napi_typedarray_type array_type<std::int32_t>() { return napi_int32_array; }
template <>
constexpr napi_typedarray_type array_type<unsigned char>() { return napi_uint8_array; }

/// Numbers that outlive the JavaScript call: a copy, or a shared buffer with a reference that keeps it.
template <typename T>
class KeptArray {
 public:
  KeptArray() = default;

  /// `always_copied`: for numbers that were checked and must not change afterwards, shared or not.
  KeptArray(const Napi::Value& value, const char* what, bool always_copied = false) {
    const ArrayInput input = ArrayInput::look(value, what);
    if (input.type != array_type<T>()) refuse(value.Env(), std::string(what) + " has the wrong element type");
    length_ = input.length;
    if (input.shared && !always_copied) {
      data_ = static_cast<const T*>(input.data);
      reference_ = Napi::Persistent(value.As<Napi::Object>());
    } else {
      copy_.assign(static_cast<const T*>(input.data), static_cast<const T*>(input.data) + input.length);
      data_ = copy_.data();
    }
  }

  /// Lets go of the numbers.
  void release() { *this = KeptArray(); }

  const T* data() const { return data_; }
  std::size_t length() const { return length_; }

 private:
  const T* data_ = nullptr;
  std::size_t length_ = 0;
  std::vector<T> copy_;
  Napi::ObjectReference reference_;
};

/// Bytes that one array may have on every supported version of Node.
constexpr double most_bytes = 4294967295.0;

/// A typed array over memory of the core, handed over without a copy. Throws Error OUT_OF_MEMORY if it is too long.
template <typename T>
Napi::Value array_from(Napi::Env env, HeapArray<T>&& numbers) {
  const std::size_t length = numbers.length;
  if (static_cast<double>(length) * sizeof(T) > most_bytes) {
    throw Error("OUT_OF_MEMORY", "the result has " + std::to_string(length) +
                                     " numbers, more than one array holds; work on fewer atoms, or with a smaller cutoff or k");
  }
  if (length == 0) return Napi::TypedArrayOf<T>::New(env, 0);
  const Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, numbers.data.get(), length * sizeof(T),
                                                          [](Napi::Env, void* data) { std::free(data); });
  numbers.data.release();  // the buffer's from here on
  return Napi::TypedArrayOf<T>::New(env, length, buffer, 0);
}

}  // namespace surprisal
