// Work that runs while JavaScript goes on.
#pragma once

#include <napi.h>

#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "../core/task.h"

namespace surprisal {

/// An error that JavaScript can tell apart by its `code`.
inline Napi::Error coded_error(Napi::Env env, const std::string& code, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, code));
  return error;
}

/// Runs `Call::work` on a thread of its own and hands its result to a promise.
///
/// `Call` holds the inputs (made and destroyed on the JavaScript thread) and has
///     void work(Task&);                     on the job's thread
///     Napi::Value result(Napi::Env);        on the JavaScript thread
/// A thread of its own, and not one of libuv's few, so that files can be read while jobs run, and because an environment
/// that ends waits for libuv's work before it can tell that work to stop: a terminated worker thread would hang.
template <typename Call>
class Job {
 public:
  /// Starts the work. Returns { result, total, done(), cancel() }.
  static Napi::Value start(Napi::Env env, std::unique_ptr<Call> call, std::uint64_t total) {
    auto task = std::make_shared<Task>();
    task->total = total;
    auto job = std::unique_ptr<Job>(new Job(env, std::move(call), task));
    Napi::Object handle = Napi::Object::New(env);
    handle.Set("result", job->deferred_.Promise());
    handle.Set("total", Napi::Number::New(env, static_cast<double>(total)));
    handle.Set("done", Napi::Function::New(env, [task](const Napi::CallbackInfo& info) {
                 return Napi::Number::New(info.Env(), static_cast<double>(task->done.load()));
               }));
    handle.Set("cancel", Napi::Function::New(env, [task](const Napi::CallbackInfo&) { task->stop.store(true); }));
    job->run();
    job.release();  // finish() or abandon() destroys it
    return handle;
  }

  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

 private:
  static void finish(Napi::Env env, Napi::Function, Job* job, void*);
  using Finish = Napi::TypedThreadSafeFunction<Job, void, finish>;

  Job(Napi::Env env, std::unique_ptr<Call> call, std::shared_ptr<Task> task)
      : env_(env), deferred_(Napi::Promise::Deferred::New(env)), call_(std::move(call)), task_(std::move(task)) {}

  void run() {
    finish_ = Finish::New(env_, "surprisal", 0, 1, this);
    // Added after the function above made its own hook, so it runs before that one.
    napi_add_env_cleanup_hook(env_, abandon, this);
    try {
      thread_ = std::thread([this] {
        execute();
        finish_.NonBlockingCall();
        finish_.Release();
      });
    } catch (const std::system_error& error) {
      napi_remove_env_cleanup_hook(env_, abandon, this);
      finish_.Abort();
      throw coded_error(env_, "OUT_OF_MEMORY", std::string("the system gives no thread: ") + error.what());
    }
  }

  void execute() {
    try {
      call_->work(*task_);
    } catch (const Error& error) {
      fail(error.code(), error.what());
    } catch (const std::bad_alloc&) {
      fail("OUT_OF_MEMORY", "there is not enough memory for this call; work on less at a time");
    } catch (const std::exception& error) {
      fail("INTERNAL", error.what());
    } catch (...) {
      fail("INTERNAL", "the call failed for a reason unknown");
    }
  }

  void fail(const std::string& code, const std::string& message) {
    code_ = code;
    message_ = message;
  }

  // The result may be too large for JavaScript to hold.
  void settle(Napi::Env env) {
    if (code_.empty()) {
      try {
        deferred_.Resolve(call_->result(env));
        return;
      } catch (const Error& error) {
        fail(error.code(), error.what());
      } catch (const Napi::Error& error) {
        fail("OUT_OF_MEMORY", "the result cannot be handed over: " + error.Message());
      } catch (const std::exception& error) {
        fail("OUT_OF_MEMORY", std::string("the result cannot be handed over: ") + error.what());
      }
    }
    deferred_.Reject(coded_error(env, code_, message_).Value());
  }

  // The environment ends, as when a worker thread is terminated: nobody waits for the result any more.
  static void abandon(void* data) {
    const std::unique_ptr<Job> job(static_cast<Job*>(data));
    job->task_->stop.store(true);
    job->thread_.join();
  }

  Napi::Env env_;
  Napi::Promise::Deferred deferred_;
  std::unique_ptr<Call> call_;
  std::shared_ptr<Task> task_;
  Finish finish_;
  std::thread thread_;
  std::string code_;
  std::string message_;
};

template <typename Call>
void Job<Call>::finish(Napi::Env env, Napi::Function, Job* data, void*) {
  if (env == nullptr) return;  // abandoned, and gone
  const std::unique_ptr<Job> job(data);
  napi_remove_env_cleanup_hook(env, abandon, data);
  job->thread_.join();
  const Napi::HandleScope scope(env);
  job->settle(env);
}

}  // namespace surprisal
