// Kernel sums for JavaScript.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "../core/kernel_sum.h"
#include "arguments.h"
#include "exports.h"

namespace surprisal {
namespace {

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

}  // namespace

void export_kernel_sum(Napi::Env env, Napi::Object exports) {
  exports.Set("logKernelSum", Napi::Function::New(env, guarded<log_kernel_sum_js>));
}

}  // namespace surprisal
