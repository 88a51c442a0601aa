#include "thread_pool.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace surprisal {
namespace {

struct Job {
  Job(std::size_t items, unsigned helpers, Task& owner, const std::function<void(std::size_t)>& work)
      : count(items), free_places(helpers), task(owner), body(work) {}

  const std::size_t count;
  unsigned free_places;  // guarded by the pool's mutex, as is `working`
  unsigned working = 0;
  Task& task;
  const std::function<void(std::size_t)>& body;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};

  std::mutex error_mutex;
  std::size_t error_item = std::numeric_limits<std::size_t>::max();
  std::exception_ptr error;

  void work() {
    for (;;) {
      if (task.stopped() || failed.load(std::memory_order_relaxed)) return;
      const std::size_t item = next.fetch_add(1, std::memory_order_relaxed);
      if (item >= count) return;
      try {
        body(item);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(error_mutex);
        if (item < error_item) {
          error_item = item;
          error = std::current_exception();
        }
        failed.store(true, std::memory_order_relaxed);
      }
    }
  }
};

class ThreadPool {
 public:
  void run(Job& job, unsigned helpers) {
    {
      std::unique_lock<std::mutex> lock(mutex_);
      grow(helpers);
      jobs_.push_back(&job);
    }
    work_to_do_.notify_all();
    job.work();
    std::unique_lock<std::mutex> lock(mutex_);
    jobs_.erase(std::remove(jobs_.begin(), jobs_.end(), &job), jobs_.end());
    somebody_left_.wait(lock, [&] { return job.working == 0; });
  }

 private:
  void grow(unsigned helpers) {
    while (threads_.size() < helpers) {
      try {
        threads_.emplace_back([this] { serve(); });
      } catch (const std::system_error&) {
        return;  // The system gives no more threads: those that there are do the work.
      }
    }
  }

  void serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      Job* job = nullptr;
      work_to_do_.wait(lock, [&] { return (job = waiting_job()) != nullptr; });
      --job->free_places;
      ++job->working;
      lock.unlock();
      job->work();
      lock.lock();
      --job->working;
      // Whoever comes back has seen the end of the items, so nobody needs to come to this job any more.
      job->free_places = 0;
      somebody_left_.notify_all();
    }
  }

  Job* waiting_job() {
    for (Job* job : jobs_) {
      if (job->free_places > 0) return job;
    }
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable work_to_do_;
  std::condition_variable somebody_left_;
  std::deque<Job*> jobs_;
  std::vector<std::thread> threads_;
};

ThreadPool& pool() {
  // Never destroyed: its threads wait for work until the process ends.
  static ThreadPool* const instance = new ThreadPool;
  return *instance;
}

}  // namespace

void parallel_for(std::size_t count, unsigned threads, Task& task, const std::function<void(std::size_t)>& body) {
  const std::size_t helpers = std::min<std::size_t>(std::max(1u, threads), std::max<std::size_t>(1, count)) - 1;
  Job job(count, static_cast<unsigned>(helpers), task, body);
  if (helpers == 0) {
    job.work();
  } else {
    pool().run(job, static_cast<unsigned>(helpers));
  }
  if (job.error) std::rethrow_exception(job.error);
  task.throw_if_stopped();
}

}  // namespace surprisal
