// Work that runs while JavaScript goes on.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "../core/task.h"

namespace surprisal {

/// An error that JavaScript can tell apart by its `code`.
inline Napi::Error coded_error(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/// Runs `Call::work` on a thread of its own accord and hands its result to a promise.
///
/// `Call` holds the inputs (destroyed on the JavaScript thread) and has
///     void work(Task&);                     on another thread
///     Napi::Value result(Napi::Env);        on the JavaScript thread
/// The environment may end first, as when a worker thread is terminated: then the work is told to stop.
template <typename Call>
class Job : public Napi::AsyncWorker {
 public:
  /// Starts the work. Returns { result, total, done(), cancel() }.
  static Napi::Value start(Napi::Env env, std::unique_ptr<Call> call, std::uint64_t total) {
    auto task = std::make_shared<Task>();
    task->total = total;
    auto* const job = new Job(env, std::move(call), task);
    Napi::Object handle = Napi::Object::New(env);
    handle.Set("result", job->deferred_.Promise());
    handle.Set("total", Napi::Number::New(env, static_cast<double>(total)));
    handle.Set("done", Napi::Function::New(env, [task](const Napi::CallbackInfo& info) {
                 return Napi::Number::New(info.Env(), static_cast<double>(task->done.load()));
               }));
    handle.Set("cancel", Napi::Function::New(env, [task](const Napi::CallbackInfo&) { task->stop.store(true); }));
    job->Queue();
    return handle;
  }

  ~Job() override { napi_remove_env_cleanup_hook(Env(), stop_task, task_.get()); }

 protected:
  void Execute() override {
    try {
      call_->work(*task_);
    } catch (const Error& error) {
      fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      fail("OUT_OF_MEMORY", "there is not enough memory for this call; work on less at a time");
    } catch (const std::exception& error) {
      fail("INTERNAL", error.what());
    }
  }

  void OnOK() override { deferred_.Resolve(call_->result(Env())); }

  void OnError(const Napi::Error&) override { deferred_.Reject(coded_error(Env(), code_, message_).Value()); }

 private:
  Job(Napi::Env env, std::unique_ptr<Call> call, std::shared_ptr<Task> task)
      : Napi::AsyncWorker(env), deferred_(Napi::Promise::Deferred::New(env)), call_(std::move(call)), task_(task) {
    napi_add_env_cleanup_hook(env, stop_task, task_.get());
  }

  static void stop_task(void* task) { static_cast<Task*>(task)->stop.store(true); }

  void fail(const std::string& code, const std::string& message) {
    code_ = code;
    message_ = message;
    SetError(message);
  }

  Napi::Promise::Deferred deferred_;
  std::unique_ptr<Call> call_;
  std::shared_ptr<Task> task_;
  std::string code_;
  std::string message_;
};

}  // namespace surprisal
