// What the machine can do, for JavaScript.

#include <memory>

#include "../core/machine_rate.h"
#include "arguments.h"
#include "exports.h"

namespace surprisal {
namespace {

struct RateCall {
  bool single;
  std::size_t rounds;
  unsigned threads;
  double rate = 0;

  void work(Task& task) { rate = multiply_add_rate(single, rounds, selected_isa(), threads, task); }
  Napi::Value result(Napi::Env env) { return Napi::Number::New(env, rate); }
};

Napi::Value multiply_add_rate_js(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<RateCall>();
  call->single = info[0].ToBoolean();
  call->rounds = whole_number(info[1], "rounds", 1, 1e8);
  call->threads = thread_count(info[2]);
  const std::uint64_t units = std::uint64_t{call->threads} * 16;
  return Job<RateCall>::start(info.Env(), std::move(call), units);
}

}  // namespace

void export_machine(Napi::Env env, Napi::Object exports) {
  exports.Set("multiplyAddRate", Napi::Function::New(env, guarded<multiply_add_rate_js>));
}

}  // namespace surprisal
