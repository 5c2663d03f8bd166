#include "milter/session_threads.h"

#include <cerrno>
#include <chrono>
#include <new>
#include <utility>

namespace milter {

namespace {

// Measured 2026-11-22: a callback with 50 findings needs 40 KiB; the rest is for whatever a log library does.
constexpr std::size_t stack_octets = 512 * 1024;
constexpr std::chrono::seconds idle_time{30};

thread_local bool is_session_thread = false;

}  // namespace

bool SessionThreads::is_one() noexcept {
  return is_session_thread;
}

bool SessionThreads::reserve() noexcept {
  try {
    const std::lock_guard lock(mutex_);
    return !idle_.empty() || add_thread();
  } catch (const std::bad_alloc&) {
    return false;
  }
}

/// With the lock.
bool SessionThreads::add_thread() {
  const auto idle = std::make_shared<Idle>();
  auto begin = std::make_unique<Begin>(Begin{this, idle});
  idle_.reserve(count_ + 1);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_octets);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  const int error = pthread_create(&idle->id, &attributes, &SessionThreads::run, begin.get());
  pthread_attr_destroy(&attributes);
  if (error != 0) return false;
  static_cast<void>(begin.release());
  idle_.push_back(idle);
  ++count_;
  return true;
}

int SessionThreads::begin(pthread_t* thread, void* (*routine)(void*), void* argument) noexcept {
  std::shared_ptr<Idle> idle;
  {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return EAGAIN;
    idle = std::move(idle_.back());
    idle_.pop_back();
    idle->routine = routine;
    idle->argument = argument;
  }
  *thread = idle->id;
  idle->wake.notify_one();  // without the lock, or it would wake up to wait for that
  return 0;
}

void* SessionThreads::run(void* argument) {
  const auto begin = std::unique_ptr<Begin>(static_cast<Begin*>(argument));
  is_session_thread = true;
  while (begin->threads->wait(begin->idle)) {
    std::exchange(begin->idle->routine, nullptr)(begin->idle->argument);
    begin->threads->put_back(begin->idle);
  }
  return nullptr;
}

/// False: it is not needed any more.
bool SessionThreads::wait(const std::shared_ptr<Idle>& idle) {
  std::unique_lock lock(mutex_);
  while (!idle->wake.wait_for(lock, idle_time, [&] { return idle->routine != nullptr; })) {
    if (idle_.size() == 1) continue;
    std::erase(idle_, idle);
    --count_;
    return false;
  }
  return true;
}

void SessionThreads::put_back(const std::shared_ptr<Idle>& idle) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(idle);
}

}  // namespace milter
