// Rows of text, read and written, and rows in the order of their ids, for JavaScript.

#include <algorithm>
#include <memory>
#include <utility>

#include "../core/row_order.h"
#include "../core/row_parser.h"
#include "../core/row_writer.h"
#include "arguments.h"
#include "exports.h"
#include "large_buffers.h"

namespace surprisal {
namespace {

/// Numbers that describe a field: kind, column, offset, stride.
constexpr std::size_t field_numbers = 4;
constexpr std::size_t most_fields = 4096;

struct RowsCall {
  RowRequest request;
  KeptArray<unsigned char> bytes;
  Napi::ObjectReference keeps_out;
  unsigned threads;
  ParsedRows parsed;

  void work(Task& task) { parsed = parse_rows(request, threads, task); }

  Napi::Value result(Napi::Env env) {
    const std::size_t columns = parsed.words.size();
    Napi::Array words = Napi::Array::New(env, columns);
    Napi::Array whole = Napi::Array::New(env, columns);
    for (std::uint32_t column = 0; column < columns; ++column) {
      Napi::Array list = Napi::Array::New(env, parsed.words[column].size());
      for (std::uint32_t i = 0; i < parsed.words[column].size(); ++i) list.Set(i, parsed.words[column][i]);
      words.Set(column, list);
      whole.Set(column, Napi::Boolean::New(env, parsed.whole[column] != 0));
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("rows", Napi::Number::New(env, static_cast<double>(parsed.rows)));
    object.Set("length", Napi::Number::New(env, static_cast<double>(parsed.length)));
    object.Set("odd", Napi::Boolean::New(env, parsed.odd));
    object.Set("words", words);
    object.Set("whole", whole);
    return object;
  }
};

/// The fields, each of whose values has its place in `out`.
std::vector<RowField> fields_of(const Napi::Value& value, std::size_t rows, std::size_t room) {
  const KeptArray<std::uint32_t> numbers(value, "fields", true);
  const std::size_t count = numbers.length() / field_numbers;
  if (numbers.length() != count * field_numbers || count == 0 || count > most_fields) {
    refuse(value.Env(), "fields must be four numbers for each of 1 to 4096 fields");
  }
  std::vector<RowField> fields(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t* const field = numbers.data() + i * field_numbers;
    if (field[0] >= field_kinds || field[1] >= count) refuse(value.Env(), "a field has an unknown kind or column");
    fields[i] = {static_cast<FieldKind>(field[0]), field[1], field[2], field[3]};
    const std::size_t size = size_of(fields[i].kind);
    if (fields[i].stride == 0) continue;
    if (fields[i].stride < size || fields[i].offset + (rows - 1) * fields[i].stride + size > room) {
      refuse(value.Env(), "the values of a field do not fit into out");
    }
  }
  return fields;
}

Napi::Value parse_rows_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<RowsCall>();
  const ArrayInput bytes = ArrayInput::look(info[0], "bytes");
  const ArrayInput out = ArrayInput::look(info[6], "out");
  if (!bytes.shared || !out.shared) {
    refuse(env, "bytes and out must lie in SharedArrayBuffers: other buffers could be taken away in mid-call");
  }
  if (out.type != napi_uint8_array) refuse(env, "out must be a Uint8Array");
  call->bytes = KeptArray<unsigned char>(info[0], "bytes");
  if (bytes.length == 0 || call->bytes.data()[bytes.length - 1] != '\n') refuse(env, "bytes must be whole lines");
  call->keeps_out = Napi::Persistent(info[6].As<Napi::Object>());
  RowRequest& request = call->request;
  request.bytes = call->bytes.data();
  request.length = bytes.length;
  request.rest_ignored = info[2].ToBoolean();
  request.ends = static_cast<LineEnds>(whole_number(info[3], "ends", 0, 2));
  request.most_rows = whole_number(info[4], "rows", 1, 4294967295.0);
  request.fields = fields_of(info[1], request.most_rows, out.length);
  request.out = static_cast<unsigned char*>(out.data);
  call->threads = thread_count(info[5]);
  const std::uint64_t units = request.length;
  return Job<RowsCall>::start(env, std::move(call), units);
}

// ---- order

struct SortCall {
  HeldArray ids;
  std::size_t count;
  std::vector<HeldArray> columns;
  unsigned threads;
  OrderedRows ordered;
  std::vector<HeapArray<unsigned char>> gathered;

  void work(Task& task) {
    ordered = order_rows(reinterpret_cast<const double*>(ids.data), count, task);
    if (ordered.order != RowOrder::found) return;
    for (const HeldArray& column : columns) {
      HeapArray<unsigned char> out(column.bytes);
      gather_rows(column.data, column.bytes / count, ordered.rows.data.get(), count, threads, task, out.data.get());
      gathered.push_back(std::move(out));
    }
  }

  Napi::Value result(Napi::Env env) {
    Napi::Object object = Napi::Object::New(env);
    switch (ordered.order) {
      case RowOrder::sorted: object.Set("order", "sorted"); break;
      case RowOrder::sparse: object.Set("order", "sparse"); break;
      case RowOrder::repeated:
        object.Set("order", "repeated");
        object.Set("repeated", Napi::Number::New(env, static_cast<double>(ordered.repeated)));
        break;
      case RowOrder::found: {
        object.Set("order", "found");
        object.Set("rows", array_from(env, std::move(ordered.rows)));
        object.Set("ids", array_from(env, std::move(ordered.ids)));
        Napi::Array list = Napi::Array::New(env, gathered.size());
        for (std::uint32_t i = 0; i < gathered.size(); ++i) list.Set(i, array_from(env, std::move(gathered[i])));
        object.Set("columns", list);
      }
    }
    return object;
  }
};

Napi::Value sort_rows_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<SortCall>();
  call->ids = HeldArray::look(info[0], "ids");
  if (call->ids.type != napi_float64_array) refuse(env, "ids must be a Float64Array");
  call->count = call->ids.bytes / sizeof(double);
  if (call->count == 0 || call->count >= 0xffffffff) refuse(env, "there must be 1 to 2^32 - 2 ids");
  if (!info[1].IsArray()) refuse(env, "columns must be a list");
  const Napi::Array columns = info[1].As<Napi::Array>();
  for (std::uint32_t i = 0; i < columns.Length(); ++i) {
    call->columns.push_back(HeldArray::look(columns.Get(i), "a column"));
    const std::size_t bytes = call->columns.back().bytes;
    if (bytes == 0 || bytes % call->count != 0) refuse(env, "a column must have as many rows as there are ids");
  }
  call->threads = thread_count(info[2]);
  const std::uint64_t units = call->count;
  return Job<SortCall>::start(env, std::move(call), units);
}

// ---- text

// Of rows before `end`.
TextField text_field(const Napi::Value& value, std::size_t from, std::size_t end) {
  const Napi::Env env = value.Env();
  if (!value.IsObject()) refuse(env, "a field must be an object");
  const Napi::Object object = value.As<Napi::Object>();
  TextField field;
  if (object.Has("values")) {
    const ArrayInput values = ArrayInput::look(object.Get("values"), "values");
    if (values.type != napi_float64_array) refuse(env, "values must be a Float64Array");
    field.width = whole_number(object.Get("width"), "width", 1, most_bytes);
    if (values.length / field.width < end) refuse(env, "values must hold every row");
    field.values = static_cast<const double*>(values.data);
    field.with_point = object.Get("withPoint").ToBoolean();
    return field;
  }
  const ArrayInput index = ArrayInput::look(object.Get("index"), "index");
  if (index.type != napi_uint16_array || index.length < end) refuse(env, "index must be a Uint16Array of every row");
  if (!object.Get("words").IsArray()) refuse(env, "words must be a list");
  const Napi::Array words = object.Get("words").As<Napi::Array>();
  for (std::uint32_t i = 0; i < words.Length(); ++i) field.words.push_back(words.Get(i).ToString().Utf8Value());
  field.index = static_cast<const std::uint16_t*>(index.data);
  for (std::size_t row = from; row < end; ++row) {
    if (field.index[row] >= field.words.size()) refuse(env, "an index must be below the number of words");
  }
  return field;
}

// At once, not as a job: some thousand rows take less time than to start one.
Napi::Value write_rows_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::size_t end = whole_number(info[2], "end", 0, most_bytes);
  const std::size_t from = whole_number(info[1], "from", 0, static_cast<double>(end));
  if (!info[0].IsArray()) refuse(env, "fields must be a list");
  const Napi::Array list = info[0].As<Napi::Array>();
  std::vector<TextField> fields;
  for (std::uint32_t i = 0; i < list.Length(); ++i) fields.push_back(text_field(list.Get(i), from, end));
  return Napi::String::New(env, write_rows(fields, from, end));
}

}  // namespace

void export_rows(Napi::Env env, Napi::Object exports) {
  exports.Set("parseRows", Napi::Function::New(env, guarded<parse_rows_js>));
  exports.Set("sortRows", Napi::Function::New(env, guarded<sort_rows_js>));
  exports.Set("writeRows", Napi::Function::New(env, guarded<write_rows_js>));
}

}  // namespace surprisal
