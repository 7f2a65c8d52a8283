#include "threads.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>
#include <pthread.h>
#define WHORL_HAS_FORK 1
#endif

namespace whorl {
namespace {

class Pool {
 public:
  // False if another caller has the pool; then nothing was run.
  bool run(int num_parts, const std::function<void(int)>& part) {
    const std::unique_lock<std::mutex> mine(caller_, std::try_to_lock);
    if (!mine.owns_lock()) return false;
    const int helpers = start_helpers(num_parts - 1);
    {
      const std::lock_guard<std::mutex> lock(state_);
      part_ = &part;
      num_parts_ = num_parts;
      next_part_ = 1;
      unfinished_ = num_parts - 1;
    }
    if (helpers > 0) work_.notify_all();
    part(0);
    // Parts that no helper has taken yet are done here, so a system that refuses threads still gets an answer.
    std::unique_lock<std::mutex> lock(state_);
    while (next_part_ < num_parts_) take_part(lock);
    done_.wait(lock, [this] { return unfinished_ == 0; });
    part_ = nullptr;
    return true;
  }

 private:
  int start_helpers(int wanted) {
    try {
      while (num_helpers_ < wanted) {
        std::thread([this] { help(); }).detach();
        ++num_helpers_;
      }
    } catch (const std::system_error&) {  // no more threads to be had: those that exist will do
    }
    return num_helpers_;
  }

  [[noreturn]] void help() {
    std::unique_lock<std::mutex> lock(state_);
    for (;;) {
      work_.wait(lock, [this] { return next_part_ < num_parts_; });
      take_part(lock);
    }
  }

  void take_part(std::unique_lock<std::mutex>& lock) {
    const std::function<void(int)>* part = part_;
    const int index = next_part_++;
    lock.unlock();
    (*part)(index);
    lock.lock();
    if (--unfinished_ == 0) done_.notify_all();
  }

  std::mutex caller_;
  std::mutex state_;
  std::condition_variable work_, done_;
  const std::function<void(int)>* part_ = nullptr;
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
bool run_by_openmp(int num_parts, const std::function<void(int)>& part) {
  using Parallel = void (*)(void (*)(void*), void*, unsigned, unsigned);
  static std::atomic<Parallel> parallel{nullptr};
  if (forked.load()) return false;
  if (parallel.load() == nullptr) parallel.store(reinterpret_cast<Parallel>(dlsym(RTLD_DEFAULT, "GOMP_parallel")));
  if (parallel.load() == nullptr) return false;

  struct Work {
    const std::function<void(int)>& part;
    int num_parts;
    std::atomic<int> next{0};
  } work{part, num_parts};
  parallel.load()(
      [](void* data) {  // in each thread of a team that may be smaller than asked for
        auto& shared = *static_cast<Work*>(data);
        for (int index = shared.next++; index < shared.num_parts; index = shared.next++) shared.part(index);
      },
      &work, static_cast<unsigned>(num_parts), 0);
  return true;
}
#else
bool run_by_openmp(int, const std::function<void(int)>&) { return false; }
#endif

}  // namespace

void run_parts(int num_parts, const std::function<void(int)>& part) {
  if (num_parts > 1 && (run_by_openmp(num_parts, part) || pool().run(num_parts, part))) return;
  for (int index = 0; index < num_parts; ++index) part(index);
}

}  // namespace whorl
