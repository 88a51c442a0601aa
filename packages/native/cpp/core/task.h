// What a caller and the threads that work for it share: progress in one direction, a wish to stop in the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

namespace surprisal {

/// A refusal with a code that the layers above hand on unchanged.
class Error : public std::runtime_error {
 public:
  Error(std::string code, const std::string& message) : std::runtime_error(message), code_(std::move(code)) {}
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// One piece of work under way. `total` is set before the work starts; `done` and `stop` may be used from any thread.
struct Task {
  std::uint64_t total = 0;
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> stop{false};

  bool stopped() const { return stop.load(std::memory_order_relaxed); }
  void throw_if_stopped() const {
    if (stopped()) throw Error("ABORTED", "interrupted");
  }
  void advance(std::uint64_t units) { done.fetch_add(units, std::memory_order_relaxed); }
};

}  // namespace surprisal
