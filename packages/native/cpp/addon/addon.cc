// The JavaScript face of the core: checks what would be unsafe, packs, starts a job. One function here for each there.

#include <dlfcn.h>
#include <napi.h>

#include "../core/cpu.h"
#include "exports.h"
#include "job.h"

namespace surprisal {
namespace {

// A worker thread that ends unloads the addon if nobody else has it, but the threads of the pool go on waiting in its code:
// it stays in the process for good.
void stay_loaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

// Changed whenever a function of the addon takes or gives something else.
constexpr int interface_version = 4;

Napi::Object init(Napi::Env env, Napi::Object exports) {
  stay_loaded();
  exports.Set("interfaceVersion", Napi::Number::New(env, interface_version));
  try {
    exports.Set("isa", Napi::String::New(env, isa_name(selected_isa())));
  } catch (const Error& error) {
    throw coded_error(env, error.code(), error.what());
  }
  Napi::Array isas = Napi::Array::New(env);
  for (const Isa isa : available_isas()) isas.Set(isas.Length(), Napi::String::New(env, isa_name(isa)));
  exports.Set("isas", isas);
#if defined(__clang__)
  exports.Set("compiler", Napi::String::New(env, "clang " __clang_version__));
#else
  exports.Set("compiler", Napi::String::New(env, "gcc " __VERSION__));
#endif
  export_kernel_sum(env, exports);
  export_large_buffers(env, exports);
  export_machine(env, exports);
  export_nearest_references(env, exports);
  export_rows(env, exports);
  export_structures(env, exports);
  return exports;
}

}  // namespace
}  // namespace surprisal

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return surprisal::init(env, exports); }

NODE_API_MODULE(surprisal, init_addon)
