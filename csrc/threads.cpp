#include "threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <pthread.h>
#define WHORL_HAS_FORK 1
#endif

namespace whorl {
namespace {

constexpr std::ptrdiff_t most_parts = 1024;

// What the threads of a call share.
class Work {
 public:
  Work(int num_parts, void (*part)(const void*, int), const void* context)
      : num_parts_(num_parts), part_(part), context_(context) {}

  int num_parts() const { return num_parts_; }

  // An exception would end the process where it left a helper.
  void run(int index) noexcept {
    try {
      part_(context_, index);
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }

  // Runs parts that nobody has begun, until there is none left.
  void run_rest() {
    for (int index = next_++; index < num_parts_; index = next_++) run(index);
  }

  // For the caller, when all parts have ended.
  void rethrow() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  const int num_parts_;
  void (*const part_)(const void*, int);
  const void* const context_;
  std::atomic<int> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

class Pool {
 public:
  // False if another caller has the pool; then nothing was run.
  bool run(Work* work) {
    const std::unique_lock<std::mutex> mine(caller_, std::try_to_lock);
    if (!mine.owns_lock()) return false;
    const int helpers = start_helpers(work->num_parts() - 1);
    {
      const std::lock_guard<std::mutex> lock(state_);
      current_ = work;
      num_parts_ = work->num_parts();
      next_part_ = 1;
      unfinished_ = num_parts_ - 1;
    }
    if (helpers > 0) wake_.notify_all();
    work->run(0);
    // Parts that no helper has taken yet are done here, so a system that refuses threads still gets an answer.
    std::unique_lock<std::mutex> lock(state_);
    while (next_part_ < num_parts_) take_part(lock);
    done_.wait(lock, [this] { return unfinished_ == 0; });
    current_ = nullptr;
    return true;
  }

 private:
  int start_helpers(int wanted) {
    try {
      while (num_helpers_ < wanted) {
        std::thread([this] { help(); }).detach();
        ++num_helpers_;
      }
    } catch (const std::exception&) {  // no more threads, or no memory for them: those that exist will do
    }
    return num_helpers_;
  }

  [[noreturn]] void help() {
    std::unique_lock<std::mutex> lock(state_);
    for (;;) {
      wake_.wait(lock, [this] { return next_part_ < num_parts_; });
      take_part(lock);
    }
  }

  void take_part(std::unique_lock<std::mutex>& lock) {
    Work* const work = current_;
    const int index = next_part_++;
    lock.unlock();
    work->run(index);
    lock.lock();
    if (--unfinished_ == 0) done_.notify_all();
  }

  std::mutex caller_;
  std::mutex state_;
  std::condition_variable wake_, done_;
  Work* current_ = nullptr;
  int num_parts_ = 0, next_part_ = 0, unfinished_ = 0;
  int num_helpers_ = 0;
};

// Never destroyed: helpers may be asleep in it while the process ends.
std::atomic<Pool*> current_pool{nullptr};

Pool& pool() {
  Pool* existing = current_pool.load();
  if (existing != nullptr) return *existing;
  auto* fresh = new Pool;
  if (current_pool.compare_exchange_strong(existing, fresh)) return *fresh;
  delete fresh;
  return *existing;
}

#if defined(WHORL_HAS_FORK)
std::atomic<bool> forked{false};

// A child has none of the parent's helpers, and possibly a mutex that nobody will ever unlock: forget them all.
[[maybe_unused]] const int registered = pthread_atfork(nullptr, nullptr, [] {
  current_pool.store(nullptr);
  forked.store(true);
});

// Where torch is loaded, its OpenMP helpers spin for milliseconds after each of its products and would fight with ours
// for the cores; so its team works for us too. A child must not touch the team of its parent.
bool run_by_openmp(Work* work) {
  using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
  static std::atomic<Parallel> parallel{nullptr};
  if (forked.load()) return false;
  if (parallel.load() == nullptr) parallel.store(reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel")));
  if (parallel.load() == nullptr) return false;
  parallel.load()(
      [](void* data) { static_cast<Work*>(data)->run_rest(); },  // in each thread of a team that may be smaller
      work, static_cast<unsigned>(work->num_parts()), 0);
  return true;
}
#else
bool run_by_openmp(Work*) { return false; }
#endif

}  // namespace

int worthwhile_parts(double us, double min_us_per_part, std::ptrdiff_t most) {
  const double parts = std::min(static_cast<double>(std::min(most, most_parts)), us / min_us_per_part);
  return std::max(1, static_cast<int>(parts));
}

void run_parts(int num_parts, void (*part)(const void*, int), const void* context) {
  Work work(num_parts, part, context);
  if (num_parts <= 1 || !(run_by_openmp(&work) || pool().run(&work))) work.run_rest();
  work.rethrow();
}

}  // namespace whorl
