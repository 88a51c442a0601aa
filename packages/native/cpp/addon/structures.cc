// Neighbours and descriptors for JavaScript.

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "../core/neighbors.h"
#include "../core/quests.h"
#include "arguments.h"
#include "exports.h"

namespace surprisal {
namespace {

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

// Arguments 1 to 4: k, cutoff, tieTolerance, parts.
QuestsOptions quests_options(const Napi::CallbackInfo& info) {
  QuestsOptions options;
  const std::size_t parts = whole_number(info[4], "parts", 1, 3);
  options.k = whole_number(info[1], "k", 1, 4096);
  options.cutoff = length_in_angstrom(info[2], "cutoff");
  options.tie_tolerance = number(info[3], "tieTolerance");
  if (!(options.tie_tolerance >= 0)) refuse(info.Env(), "tieTolerance must not be below 0");
  options.x1 = (parts & 1) != 0;
  options.x2 = (parts & 2) != 0;
  return options;
}

template <typename T>
Napi::Value start_quests(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  auto call = std::make_unique<QuestsCall<T>>();
  call->structures = KeptBatch(info[0]);
  call->options = quests_options(info);
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

// A structure that is described part by part. Jobs hold it too, so that it outlives them.
struct KeptFrame {
  KeptBatch structure;
  QuestsOptions options;
  std::unique_ptr<QuestsFrame> frame;  // null once it is closed
  // Seen by the JavaScript thread alone: whether a job is at work on it, and whether it is to be closed when that ends.
  bool busy = false;
  bool closing = false;

  // JavaScript does not know how much memory this takes, and would not collect it in time.
  void close() {
    closing = true;
    if (busy) return;
    frame.reset();
    structure = KeptBatch();
  }
};

template <typename T>
struct QuestsPartCall {
  std::shared_ptr<KeptFrame> kept;
  std::size_t first;
  std::size_t end;
  unsigned threads;
  T* out;
  Napi::ObjectReference keeps_out;
  HeapArray<std::uint32_t> atoms;

  QuestsPartCall() = default;
  QuestsPartCall(const QuestsPartCall&) = delete;
  QuestsPartCall& operator=(const QuestsPartCall&) = delete;
  ~QuestsPartCall() {
    if (!kept) return;
    kept->busy = false;
    if (kept->closing) kept->close();
  }

  void work(Task& task) {
    atoms = HeapArray<std::uint32_t>(end - first);
    kept->frame->describe(first, end, selected_isa(), threads, task, out, atoms.data.get());
  }
  Napi::Value result(Napi::Env env) { return array_from(env, std::move(atoms)); }
};

template <typename T>
Napi::Value start_part(const Napi::CallbackInfo& info, const std::shared_ptr<KeptFrame>& kept) {
  const Napi::Env env = info.Env();
  if (kept->closing) refuse(env, "the structure was closed");
  const std::size_t atoms = kept->structure.atoms();
  auto call = std::make_unique<QuestsPartCall<T>>();
  call->first = whole_number(info[0], "first", 0, atoms);
  call->end = whole_number(info[1], "end", call->first, atoms);
  const ArrayInput out = ArrayInput::look(info[2], "out");
  if (!out.shared) refuse(env, "out must lie in a SharedArrayBuffer: another buffer could be taken away in mid-call");
  if (out.length != (call->end - call->first) * kept->options.columns()) refuse(env, "out has the wrong length");
  call->out = static_cast<T*>(out.data);
  call->keeps_out = Napi::Persistent(info[2].As<Napi::Object>());
  call->threads = thread_count(info[3]);
  if (kept->busy) refuse(env, "one part of a structure is described at a time");
  kept->busy = true;
  call->kept = kept;
  const std::uint64_t units = call->end - call->first;
  return Job<QuestsPartCall<T>>::start(env, std::move(call), units);
}

Napi::Value quests_frame_js(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto kept = std::make_shared<KeptFrame>();
  kept->structure = KeptBatch(info[0]);
  if (kept->structure.batch().frames != 1) refuse(env, "the batch must hold one structure");
  kept->options = quests_options(info);
  kept->frame = std::make_unique<QuestsFrame>(kept->structure.batch(), kept->options);
  const auto describe = [kept](const Napi::CallbackInfo& call) -> Napi::Value {
    const napi_typedarray_type type = ArrayInput::look(call[2], "out").type;
    if (type == napi_float32_array) return start_part<float>(call, kept);
    if (type == napi_float64_array) return start_part<double>(call, kept);
    refuse(call.Env(), "out must be a Float64Array or a Float32Array");
  };
  Napi::Object handle = Napi::Object::New(env);
  handle.Set("describe", Napi::Function::New(
                             env, [describe](const Napi::CallbackInfo& call) { return guard(call, describe); }));
  handle.Set("close", Napi::Function::New(env, [kept](const Napi::CallbackInfo&) { kept->close(); }));
  return handle;
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

}  // namespace

void export_structures(Napi::Env env, Napi::Object exports) {
  exports.Set("questsDescriptors", Napi::Function::New(env, guarded<quests_js>));
  exports.Set("questsFrame", Napi::Function::New(env, guarded<quests_frame_js>));
  exports.Set("neighborList", Napi::Function::New(env, guarded<neighbor_list_js>));
  exports.Set("nearestNeighbors", Napi::Function::New(env, guarded<nearest_js>));
}

}  // namespace surprisal
