// Kernel sums for JavaScript.

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "../core/exact_total.h"
#include "../core/kernel_sum.h"
#include "arguments.h"
#include "exports.h"
#include "row_windows.h"

namespace surprisal {
namespace {

// Rows in Raw, worked on in T.
template <typename Raw, typename T>
struct KernelSumCall {
  KeptArray<Raw> queries;
  KeptArray<Raw> references;  // empty where the queries are the references
  KeptArray<double> bandwidths;
  KeptArray<double> weights;  // empty where every weight is 1
  RowWindows left_out;
  KeptArray<double> decisions;
  bool exact = false;
  double skip_below = 0;
  std::size_t columns;
  unsigned threads;
  HeapArray<double> out;

  void work(Task& task) {
    const KeptArray<Raw>& rows = references.length() == 0 ? queries : references;
    KernelSumInput<Raw> input{};
    input.queries = queries.data();
    input.query_count = queries.length() / columns;
    input.references = rows.data();
    input.reference_count = rows.length() / columns;
    input.columns = columns;
    input.weights = weights.length() == 0 ? nullptr : weights.data();
    input.starts = left_out.starts();
    input.ends = left_out.ends();
    input.decisions = decisions.data();
    input.decision_count = decisions.length();
    input.all_exact = exact;
    const KernelSumOptions options{bandwidths.data(), bandwidths.length(), skip_below};
    log_kernel_sum<Raw, T>(input, options, selected_isa(), threads, task, out.data.get());
  }

  Napi::Value result(Napi::Env env) { return array_from(env, std::move(out)); }
};

KeptArray<double> kept_bandwidths(const Napi::Value& value) {
  KeptArray<double> bandwidths(value, "bandwidths", true);
  if (bandwidths.length() == 0) refuse(value.Env(), "bandwidths must not be empty");
  for (std::size_t b = 0; b < bandwidths.length(); ++b) {
    const double bandwidth = bandwidths.data()[b];
    if (!(bandwidth >= smallest_bandwidth && bandwidth <= largest_bandwidth)) {
      refuse(value.Env(), "bandwidths must lie between 1e-12 and 1e12");
    }
  }
  return bandwidths;
}

double kept_skip(const Napi::Value& value) {
  const double skip_below = number(value, "skipBelow");
  if (!(skip_below >= 0 && skip_below < 1)) refuse(value.Env(), "skipBelow must be from 0 to 1");
  return skip_below;
}

// Rows are numbered in 32 bits.
void check_rows(Napi::Env env, std::size_t length, std::size_t columns, const char* what) {
  if (length % columns != 0) refuse(env, std::string(what) + " must be whole rows");
  if (length / columns >= 0xffffffff) refuse(env, std::string(what) + " must have fewer than 2^32 rows");
}

template <typename Raw, typename T>
Napi::Value start_kernel_sum(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<KernelSumCall<Raw, T>>();
  call->columns = whole_number(info[2], "columns", 1, 1e6);
  call->queries = KeptArray<Raw>(info[0], "queries");
  const ArrayInput references = ArrayInput::look(info[1], "references");
  if (references.type != array_type<Raw>()) refuse(env, "queries and references must be of one precision");
  check_rows(env, call->queries.length(), call->columns, "queries");
  check_rows(env, references.length, call->columns, "references");
  if (references.length == 0) refuse(env, "references must not be empty");
  const ArrayInput queries = ArrayInput::look(info[0], "queries");
  const bool same = queries.data == references.data && queries.length == references.length;
  if (!same) call->references = KeptArray<Raw>(info[1], "references");
  call->bandwidths = kept_bandwidths(info[3]);
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
  call->left_out = RowWindows(info[5], query_count, rows);
  const Napi::Object options = info[6].As<Napi::Object>();
  call->skip_below = kept_skip(options.Get("skipBelow"));
  call->decisions = KeptArray<double>(options.Get("decisions"), "decisions", true);
  call->exact = options.Get("exact").ToBoolean();
  call->threads = thread_count(info[7]);
  call->out = HeapArray<double>(query_count * call->bandwidths.length());
  const std::uint64_t units = kernel_sum_units(query_count, rows);
  return Job<KernelSumCall<Raw, T>>::start(env, std::move(call), units);
}

// Rows in float64 are worked on in float64; those in float32 where it is asked for.
bool in_double(const Napi::Value& options) {
  if (!options.IsObject()) refuse(options.Env(), "options must be an object");
  return options.As<Napi::Object>().Get("double").ToBoolean();
}

Napi::Value log_kernel_sum_js(const Napi::CallbackInfo& info) {
  const bool doubly = in_double(info[6]);
  if (ArrayInput::look(info[0], "queries").type == napi_float32_array) {
    return doubly ? start_kernel_sum<float, double>(info) : start_kernel_sum<float, float>(info);
  }
  return start_kernel_sum<double, double>(info);
}

template <typename Raw, typename T>
struct SelfKernelSumCall {
  KeptArray<Raw> rows;
  KeptArray<double> bandwidths;
  double skip_below;
  std::size_t columns;
  std::size_t share;
  std::size_t shares;
  unsigned threads;
  HeapArray<double> out;

  void work(Task& task) {
    const KernelSumOptions options{bandwidths.data(), bandwidths.length(), skip_below};
    self_kernel_sums<Raw, T>(rows.data(), rows.length() / columns, columns, options, share, shares, selected_isa(), threads,
                             task, out.data.get());
  }

  Napi::Value result(Napi::Env env) { return array_from(env, std::move(out)); }
};

template <typename Raw, typename T>
Napi::Value start_self_kernel_sums(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<SelfKernelSumCall<Raw, T>>();
  call->columns = whole_number(info[1], "columns", 1, 1e6);
  call->rows = KeptArray<Raw>(info[0], "rows");
  check_rows(env, call->rows.length(), call->columns, "rows");
  if (call->rows.length() == 0) refuse(env, "rows must not be empty");
  call->bandwidths = kept_bandwidths(info[2]);
  const Napi::Object options = info[3].As<Napi::Object>();
  call->skip_below = kept_skip(options.Get("skipBelow"));
  call->shares = whole_number(options.Get("shares"), "shares", 1, 1e6);
  call->share = whole_number(options.Get("share"), "share", 0, static_cast<double>(call->shares - 1));
  call->threads = thread_count(info[4]);
  const std::size_t rows = call->rows.length() / call->columns;
  call->out = HeapArray<double>(rows * call->bandwidths.length() * ExactTotal::limbs);
  const std::uint64_t units = self_kernel_sum_units(rows);
  return Job<SelfKernelSumCall<Raw, T>>::start(env, std::move(call), units);
}

Napi::Value self_kernel_sums_js(const Napi::CallbackInfo& info) {
  const bool doubly = in_double(info[3]);
  if (ArrayInput::look(info[0], "rows").type == napi_float32_array) {
    return doubly ? start_self_kernel_sums<float, double>(info) : start_self_kernel_sums<float, float>(info);
  }
  return start_self_kernel_sums<double, double>(info);
}

}  // namespace

void export_kernel_sum(Napi::Env env, Napi::Object exports) {
  exports.Set("logKernelSum", Napi::Function::New(env, guarded<log_kernel_sum_js>));
  exports.Set("selfKernelSums", Napi::Function::New(env, guarded<self_kernel_sums_js>));
}

}  // namespace surprisal
