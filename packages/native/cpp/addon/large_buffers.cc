#include "large_buffers.h"

#include <mutex>
#include <unordered_map>

#include "../core/large_memory.h"
#include "arguments.h"
#include "exports.h"

namespace surprisal {

class HeldMemory {
 public:
  HeldMemory(void* data, std::size_t bytes) : data_(data), bytes_(bytes) {}
  HeldMemory(const HeldMemory&) = delete;
  HeldMemory& operator=(const HeldMemory&) = delete;
  ~HeldMemory();

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  void* const data_;
  const std::size_t bytes_;
};

namespace {

/// All memory that is held, by its beginning, of every JavaScript thread.
struct Registry {
  std::mutex mutex;
  std::unordered_map<const void*, std::weak_ptr<HeldMemory>> held;
};

Registry& registry() {
  // Never destroyed: buffers may outlive everything else when the process ends.
  static Registry* const instance = new Registry;
  return *instance;
}

std::shared_ptr<HeldMemory> take(std::size_t bytes) {
  void* const data = take_large_memory(bytes);
  if (data == nullptr) throw Error("OUT_OF_MEMORY", "no memory for an array of " + std::to_string(bytes) + " bytes");
  auto memory = std::make_shared<HeldMemory>(data, bytes);
  const std::lock_guard<std::mutex> lock(registry().mutex);
  registry().held[data] = memory;
  return memory;
}

std::shared_ptr<HeldMemory> find(const void* data) {
  const std::lock_guard<std::mutex> lock(registry().mutex);
  const auto found = registry().held.find(data);
  return found == registry().held.end() ? nullptr : found->second.lock();
}

Napi::Value large_buffer_js(const Napi::CallbackInfo& info) {
  const std::size_t bytes = whole_number(info[0], "bytes", 1, most_bytes);
  auto holder = std::make_unique<std::shared_ptr<HeldMemory>>(take(bytes));
  void* const data = (*holder)->data();
  const Napi::ArrayBuffer buffer =
      Napi::ArrayBuffer::New(info.Env(), data, bytes, [](Napi::Env, void*, std::shared_ptr<HeldMemory>* held) { delete held; },
                             holder.get());
  holder.release();  // the buffer's from here on
  return buffer;
}

}  // namespace

HeldMemory::~HeldMemory() {
  {
    const std::lock_guard<std::mutex> lock(registry().mutex);
    registry().held.erase(data_);
  }
  give_large_memory(data_, bytes_);
}

HeldArray HeldArray::look(const Napi::Value& value, const char* what) {
  const ArrayInput input = ArrayInput::look(value, what);
  HeldArray array;
  Napi::ArrayBuffer buffer = value.As<Napi::TypedArray>().ArrayBuffer();
  if (!input.shared) array.memory = find(buffer.Data());
  if (array.memory == nullptr) refuse(value.Env(), std::string(what) + " must lie in a buffer of largeBuffer");
  array.type = input.type;
  array.data = static_cast<unsigned char*>(input.data);
  array.bytes = value.As<Napi::TypedArray>().ByteLength();
  const unsigned char* const from = static_cast<const unsigned char*>(array.memory->data());
  if (array.data < from || array.data + array.bytes > from + array.memory->bytes()) {
    refuse(value.Env(), std::string(what) + " does not lie in its buffer");
  }
  return array;
}

void export_large_buffers(Napi::Env env, Napi::Object exports) {
  exports.Set("largeBuffer", Napi::Function::New(env, guarded<large_buffer_js>));
}

}  // namespace surprisal
