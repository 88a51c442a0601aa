// The JavaScript face of the core: checks what would be unsafe, packs, starts a job. One function here for each there.

#include <dlfcn.h>
#include <napi.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../core/cpu.h"
#include "../core/kernel_sum.h"
#include "../core/machine_rate.h"
#include "../core/neighbors.h"
#include "../core/quests.h"
#include "job.h"
#include "typed_arrays.h"

namespace surprisal {
namespace {

double number(const Napi::Value& value, const char* what) {
  if (!value.IsNumber()) refuse(value.Env(), std::string(what) + " must be a number");
  return value.As<Napi::Number>().DoubleValue();
}

std::size_t whole_number(const Napi::Value& value, const char* what, double least, double most) {
  const double x = number(value, what);
  if (!(x >= least && x <= most) || x != std::floor(x)) {
    refuse(value.Env(), std::string(what) + " must be a whole number from " + std::to_string(static_cast<long>(least)) +
                            " to " + std::to_string(static_cast<long>(most)));
  }
  return static_cast<std::size_t>(x);
}

double length_in_angstrom(const Napi::Value& value, const char* what) {
  const double x = number(value, what);
  if (!(x > 0) || !(x <= 1e6)) refuse(value.Env(), std::string(what) + " must be above 0 and at most 1e6");
  return x;
}

unsigned thread_count(const Napi::Value& value) {
  return static_cast<unsigned>(whole_number(value, "threads", 1, 1024));
}

// ---- kernel sums

template <typename T>
struct KernelSumCall {
  KeptArray<T> queries;
  KeptArray<T> references;  // empty where the queries are the references
  KeptArray<double> bandwidths;
  KeptArray<double> weights;  // empty where every weight is 1
  // Rows starts[i] … ends[i] of the references are left out for query i.
  bool leaves_out = false;
  KeptArray<std::uint32_t> starts;
  KeptArray<std::uint32_t> ends;
  std::size_t columns;
  unsigned threads;
  HeapArray<double> out;

  void work(Task& task) {
    const KeptArray<T>& rows = references.length() == 0 ? queries : references;
    const PackedRows<T> packed = pack(rows.data(), rows.length() / columns, columns,
                                      weights.length() == 0 ? nullptr : weights.data(), threads, task);
    std::vector<RowWindow> left_out(starts.length());
    for (std::size_t i = 0; i < left_out.size(); ++i) {
      left_out[i] = {packed.place_of(starts.data()[i]), packed.place_of(ends.data()[i])};
    }
    const KernelSumInput<T> input{queries.data(),    queries.length() / columns,
                                  &packed,           bandwidths.data(),
                                  bandwidths.length(), leaves_out ? left_out.data() : nullptr};
    log_kernel_sum(input, selected_isa(), threads, task, out.data.get());
  }

  Napi::Value result(Napi::Env env) { return array_from(env, std::move(out)); }
};

template <typename T>
Napi::Value start_kernel_sum(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<KernelSumCall<T>>();
  call->columns = whole_number(info[2], "columns", 1, 1e6);
  call->queries = KeptArray<T>(info[0], "queries");
  const ArrayInput references = ArrayInput::look(info[1], "references");
  if (references.type != array_type<T>()) refuse(env, "queries and references must be of one precision");
  if (call->queries.length() % call->columns != 0 || references.length % call->columns != 0 || references.length == 0) {
    refuse(env, "queries and references must be whole rows, and references not empty");
  }
  const ArrayInput queries = ArrayInput::look(info[0], "queries");
  const bool same = queries.data == references.data && queries.length == references.length;
  if (!same) call->references = KeptArray<T>(info[1], "references");
  call->bandwidths = KeptArray<double>(info[3], "bandwidths", true);
  if (call->bandwidths.length() == 0) refuse(env, "bandwidths must not be empty");
  for (std::size_t b = 0; b < call->bandwidths.length(); ++b) {
    if (!(call->bandwidths.data()[b] > 0)) refuse(env, "bandwidths must be above 0");
  }
  const std::size_t rows = references.length / call->columns;
  if (!info[4].IsNull()) {
    call->weights = KeptArray<double>(info[4], "weights", true);
    const double* const weights = call->weights.data();
    if (call->weights.length() != rows) refuse(env, "weights must be one for each reference");
    for (std::size_t i = 0; i < rows; ++i) {
      if (!(weights[i] >= 0) || !std::isfinite(weights[i])) refuse(env, "weights must be finite and not below 0");
    }
    if (std::none_of(weights, weights + rows, [](double w) { return w > 0; })) refuse(env, "every weight is 0");
  }
  const std::size_t query_count = call->queries.length() / call->columns;
  if (!info[5].IsNull()) {
    if (!info[5].IsObject()) refuse(env, "leftOut must be an object");
    const Napi::Object windows = info[5].As<Napi::Object>();
    call->leaves_out = true;
    call->starts = KeptArray<std::uint32_t>(windows.Get("starts"), "starts", true);
    call->ends = KeptArray<std::uint32_t>(windows.Get("ends"), "ends", true);
    if (call->starts.length() != query_count || call->ends.length() != query_count) {
      refuse(env, "starts and ends must be one for each query");
    }
    for (std::size_t i = 0; i < query_count; ++i) {
      if (call->starts.data()[i] > call->ends.data()[i] || call->ends.data()[i] > rows) {
        refuse(env, "starts must not lie past ends, nor ends past the references");
      }
    }
  }
  call->threads = thread_count(info[6]);
  call->out = HeapArray<double>(query_count * call->bandwidths.length());
  const std::uint64_t units = kernel_sum_units<T>(query_count, rows);
  return Job<KernelSumCall<T>>::start(env, std::move(call), units);
}

Napi::Value log_kernel_sum_js(const Napi::CallbackInfo& info) {
  if (ArrayInput::look(info[0], "queries").type == napi_float32_array) return start_kernel_sum<float>(info);
  return start_kernel_sum<double>(info);
}

// ---- structures

class KeptBatch {
 public:
  KeptBatch() = default;

  explicit KeptBatch(const Napi::Value& value) {
    const Napi::Env env = value.Env();
    if (!value.IsObject()) refuse(env, "the batch must be an object");
    const Napi::Object object = value.As<Napi::Object>();
    positions_ = KeptArray<double>(object.Get("positions"), "positions");
    offsets_ = KeptArray<std::uint32_t>(object.Get("offsets"), "offsets", true);
    cells_ = KeptArray<double>(object.Get("cells"), "cells");
    pbc_ = KeptArray<unsigned char>(object.Get("pbc"), "pbc");
    if (offsets_.length() == 0) refuse(env, "offsets must hold one number more than there are structures");
    frames_ = offsets_.length() - 1;
    const std::uint32_t* const offsets = offsets_.data();
    if (offsets[0] != 0 || !std::is_sorted(offsets, offsets + frames_ + 1)) refuse(env, "offsets must ascend from 0");
    if (positions_.length() != 3 * std::size_t{offsets[frames_]} || cells_.length() != 9 * frames_ ||
        pbc_.length() != 3 * frames_) {
      refuse(env, "positions, cells and pbc must have the lengths that offsets ask for");
    }
    for (const KeptArray<double>* array : {&positions_, &cells_}) {
      for (std::size_t i = 0; i < array->length(); ++i) {
        if (!std::isfinite(array->data()[i])) refuse(env, "positions and cells must be finite");
      }
    }
  }

  StructureBatch batch() const { return {positions_.data(), offsets_.data(), cells_.data(), pbc_.data(), frames_}; }
  std::size_t atoms() const { return offsets_.data()[frames_]; }

 private:
  KeptArray<double> positions_;
  KeptArray<std::uint32_t> offsets_;
  KeptArray<double> cells_;
  KeptArray<unsigned char> pbc_;
  std::size_t frames_ = 0;
};

// ---- descriptors

template <typename T>
struct QuestsCall {
  KeptBatch structures;
  QuestsOptions options;
  unsigned threads;
  T* out;
  Napi::ObjectReference keeps_out;

  void work(Task& task) { quests_descriptors(structures.batch(), options, selected_isa(), threads, task, out); }
  Napi::Value result(Napi::Env env) { return env.Undefined(); }
};

template <typename T>
Napi::Value start_quests(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<QuestsCall<T>>();
  call->structures = KeptBatch(info[0]);
  const std::size_t parts = whole_number(info[4], "parts", 1, 3);
  call->options.k = whole_number(info[1], "k", 1, 4096);
  call->options.cutoff = length_in_angstrom(info[2], "cutoff");
  call->options.tie_tolerance = number(info[3], "tieTolerance");
  if (!(call->options.tie_tolerance >= 0)) refuse(env, "tieTolerance must not be below 0");
  call->options.x1 = (parts & 1) != 0;
  call->options.x2 = (parts & 2) != 0;
  const ArrayInput out = ArrayInput::look(info[5], "out");
  if (!out.shared) refuse(env, "out must lie in a SharedArrayBuffer: another buffer could be taken away in mid-call");
  if (out.length != call->structures.atoms() * call->options.columns()) refuse(env, "out has the wrong length");
  call->out = static_cast<T*>(out.data);
  call->keeps_out = Napi::Persistent(info[5].As<Napi::Object>());
  call->threads = thread_count(info[6]);
  const std::uint64_t units = call->structures.atoms();
  return Job<QuestsCall<T>>::start(env, std::move(call), units);
}

Napi::Value quests_js(const Napi::CallbackInfo& info) {
  const napi_typedarray_type type = ArrayInput::look(info[5], "out").type;
  if (type == napi_float32_array) return start_quests<float>(info);
  if (type == napi_float64_array) return start_quests<double>(info);
  refuse(info.Env(), "out must be a Float64Array or a Float32Array");
}

// ---- neighbours

struct NeighborListCall {
  KeptBatch structures;
  double cutoff;
  bool vectors;
  unsigned threads;
  NeighborList list;

  void work(Task& task) { list = neighbor_list(structures.batch(), cutoff, vectors, selected_isa(), threads, task); }

  Napi::Value result(Napi::Env env) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("offsets", array_from(env, std::move(list.offsets)));
    object.Set("indices", array_from(env, std::move(list.indices)));
    object.Set("shifts", array_from(env, std::move(list.shifts)));
    object.Set("distances", array_from(env, std::move(list.distances)));
    object.Set("vectors", array_from(env, std::move(list.vectors)));
    return object;
  }
};

Napi::Value neighbor_list_js(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<NeighborListCall>();
  call->structures = KeptBatch(info[0]);
  call->cutoff = length_in_angstrom(info[1], "cutoff");
  call->vectors = info[2].ToBoolean();
  call->threads = thread_count(info[3]);
  const std::uint64_t units = 2 * std::uint64_t{call->structures.atoms()};
  return Job<NeighborListCall>::start(info.Env(), std::move(call), units);
}

struct NearestCall {
  KeptBatch structures;
  std::size_t k;
  double cutoff;
  unsigned threads;
  Nearest nearest;

  void work(Task& task) { nearest = nearest_neighbors(structures.batch(), k, cutoff, selected_isa(), threads, task); }

  Napi::Value result(Napi::Env env) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("counts", array_from(env, std::move(nearest.counts)));
    object.Set("gaps", array_from(env, std::move(nearest.gaps)));
    object.Set("indices", array_from(env, std::move(nearest.indices)));
    object.Set("distances", array_from(env, std::move(nearest.distances)));
    return object;
  }
};

Napi::Value nearest_js(const Napi::CallbackInfo& info) {
  auto call = std::make_unique<NearestCall>();
  call->structures = KeptBatch(info[0]);
  call->k = whole_number(info[1], "k", 1, 4096);
  call->cutoff = length_in_angstrom(info[2], "cutoff");
  call->threads = thread_count(info[3]);
  const std::uint64_t units = call->structures.atoms();
  return Job<NearestCall>::start(info.Env(), std::move(call), units);
}

// ---- the machine

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

// A function whose core errors become JavaScript errors with a code.
template <Napi::Value (*function)(const Napi::CallbackInfo&)>
Napi::Value guarded(const Napi::CallbackInfo& info) {
  try {
    return function(info);
  } catch (const Error& error) {
    throw coded_error(info.Env(), error.code(), error.what());
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw coded_error(info.Env(), "OUT_OF_MEMORY", "there is not enough memory for the input of this call");
  } catch (const std::exception& error) {
    throw coded_error(info.Env(), "OUT_OF_MEMORY", std::string("the input of this call cannot be held: ") + error.what());
  }
}

// A worker thread that ends unloads the addon if nobody else has it, but the threads of the pool go on waiting in its code:
// it stays in the process for good.
void stay_loaded() {
  Dl_info self;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &self) != 0) dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
}

// Changed whenever a function of the addon takes or gives something else.
constexpr int interface_version = 2;

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
  exports.Set("logKernelSum", Napi::Function::New(env, guarded<log_kernel_sum_js>));
  exports.Set("questsDescriptors", Napi::Function::New(env, guarded<quests_js>));
  exports.Set("neighborList", Napi::Function::New(env, guarded<neighbor_list_js>));
  exports.Set("nearestNeighbors", Napi::Function::New(env, guarded<nearest_js>));
  exports.Set("multiplyAddRate", Napi::Function::New(env, guarded<multiply_add_rate_js>));
  return exports;
}

}  // namespace
}  // namespace surprisal

static Napi::Object init_addon(Napi::Env env, Napi::Object exports) { return surprisal::init(env, exports); }

NODE_API_MODULE(surprisal, init_addon)
