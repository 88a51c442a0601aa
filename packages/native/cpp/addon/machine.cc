// What the machine can do, for JavaScript.

#include <memory>
#include <string>

#include "../core/machine_rate.h"
#include "arguments.h"
#include "exports.h"

namespace surprisal {
namespace {

struct ArithmeticCall {
  double (*measure)(bool single, std::size_t rounds, Isa isa, unsigned threads, Task& task);
  bool single;
  std::size_t rounds;
  unsigned threads;
  double rate = 0;

  void work(Task& task) { rate = measure(single, rounds, selected_isa(), threads, task); }
  Napi::Value result(Napi::Env env) { return Napi::Number::New(env, rate); }
};

template <double (*measure)(bool, std::size_t, Isa, unsigned, Task&)>
Napi::Value arithmetic_rate_js(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<ArithmeticCall>();
  call->measure = measure;
  call->single = info[0].ToBoolean();
  call->rounds = whole_number(info[1], "rounds", 1, 1e8);
  call->threads = thread_count(info[2]);
  const std::uint64_t units = std::uint64_t{call->threads} * rate_items;
  return Job<ArithmeticCall>::start(info.Env(), std::move(call), units);
}

struct MemoryCall {
  MemoryPattern pattern;
  std::size_t count;
  std::size_t passes;
  unsigned threads;
  double rate = 0;

  void work(Task& task) { rate = memory_rate(pattern, count, passes, selected_isa(), threads, task); }
  Napi::Value result(Napi::Env env) { return Napi::Number::New(env, rate); }
};

MemoryPattern memory_pattern(const Napi::Value& value) {
  const std::string name = value.IsString() ? value.As<Napi::String>().Utf8Value() : "";
  if (name == "read") return MemoryPattern::read;
  if (name == "copy") return MemoryPattern::copy;
  if (name == "triad") return MemoryPattern::triad;
  refuse(value.Env(), "pattern must be read, copy or triad");
}

Napi::Value memory_rate_js(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<MemoryCall>();
  call->pattern = memory_pattern(info[0]);
  call->count = whole_number(info[1], "count", 1, 1e11);
  call->passes = whole_number(info[2], "passes", 1, 1e6);
  call->threads = thread_count(info[3]);
  const std::uint64_t units = std::uint64_t{memory_slices(call->count)} * (call->passes + 1);
  return Job<MemoryCall>::start(info.Env(), std::move(call), units);
}

}  // namespace

void export_machine(Napi::Env env, Napi::Object exports) {
  exports.Set("multiplyAddRate", Napi::Function::New(env, guarded<arithmetic_rate_js<multiply_add_rate>>));
  exports.Set("exponentialRate", Napi::Function::New(env, guarded<arithmetic_rate_js<exponential_rate>>));
  exports.Set("memoryRate", Napi::Function::New(env, guarded<memory_rate_js>));
}

}  // namespace surprisal
