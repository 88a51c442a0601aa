// Nearest references for JavaScript.

#include "../core/nearest_references.h"

#include <memory>
#include <utility>

#include "arguments.h"
#include "exports.h"
#include "row_windows.h"

namespace surprisal {
namespace {

template <typename T>
struct NearestCall {
  KeptArray<T> queries;
  KeptArray<T> references;  // empty where the queries are the references
  RowWindows left_out;
  NearestInput<T> input{};
  unsigned threads;
  HeapArray<std::uint32_t> rows;
  HeapArray<double> distances;

  void work(Task& task) {
    const KeptArray<T>& others = references.length() == 0 ? queries : references;
    input.queries = queries.data();
    input.query_count = queries.length() / input.columns;
    input.references = others.data();
    input.reference_count = others.length() / input.columns;
    input.starts = left_out.starts();
    input.ends = left_out.ends();
    nearest_references(input, selected_isa(), threads, task, rows.data.get(), distances.data.get());
  }

  Napi::Value result(Napi::Env env) {
    Napi::Object found = Napi::Object::New(env);
    found.Set("rows", array_from(env, std::move(rows)));
    found.Set("distances", array_from(env, std::move(distances)));
    return found;
  }
};

template <typename T>
Napi::Value start_nearest(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<NearestCall<T>>();
  const std::size_t columns = whole_number(info[2], "columns", 1, 1e6);
  call->input.columns = columns;
  call->queries = KeptArray<T>(info[0], "queries");
  const ArrayInput references = ArrayInput::look(info[1], "references");
  if (references.type != array_type<T>()) refuse(env, "queries and references must be of one precision");
  if (call->queries.length() % columns != 0 || references.length % columns != 0 || references.length == 0) {
    refuse(env, "queries and references must be whole rows, and references not empty");
  }
  const std::size_t rows = references.length / columns;
  if (rows >= no_reference || call->queries.length() / columns >= no_reference) {
    refuse(env, "queries and references must be fewer than 2^32 − 1 rows each");
  }
  const ArrayInput queries = ArrayInput::look(info[0], "queries");
  const bool same = queries.data == references.data && queries.length == references.length;
  if (!same) call->references = KeptArray<T>(info[1], "references");
  call->input.k = whole_number(info[3], "k", 1, 1024);
  const std::size_t query_count = call->queries.length() / columns;
  call->left_out = RowWindows(info[4], query_count, rows);
  call->input.beyond = number(info[5], "beyond");
  call->input.within = number(info[6], "within");
  if (!(call->input.within >= 0)) refuse(env, "within must not be below 0");
  call->threads = thread_count(info[7]);
  call->rows = HeapArray<std::uint32_t>(query_count * call->input.k);
  call->distances = HeapArray<double>(query_count * call->input.k);
  return Job<NearestCall<T>>::start(env, std::move(call), query_count);
}

Napi::Value nearest_references_js(const Napi::CallbackInfo& info) {
  if (ArrayInput::look(info[0], "queries").type == napi_float32_array) return start_nearest<float>(info);
  return start_nearest<double>(info);
}

}  // namespace

void export_nearest_references(Napi::Env env, Napi::Object exports) {
  exports.Set("nearestReferences", Napi::Function::New(env, guarded<nearest_references_js>));
}

}  // namespace surprisal
