#include "milter/session_threads.h"

#include <pthread.h>

#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

extern "C" {
// libmilter's own, not in mfapi.h.
int mi_engine(SMFICTX*);
void mi_clr_ctx(SMFICTX*);
}

namespace milter {

namespace {

// Measured 2026-11-22: a callback with 50 findings needs 40 KiB; the rest is for whatever a log library does.
constexpr std::size_t stack_octets = 512 * 1024;
constexpr std::chrono::seconds idle_time{30};

// 1 is MI_CONTINUE, "nothing there to be read", which the poll() of transport.cpp never says.
void serve_session(SMFICTX* context) {
  while (mi_engine(context) == 1) continue;
  mi_clr_ctx(context);
}

}  // namespace

bool SessionThreads::serve(SMFICTX* context) noexcept {
  const std::shared_ptr<Idle> idle = hand_over(context);
  if (idle == nullptr) return begin_thread(context);
  idle->wake.notify_one();  // without the lock, or it would wake up to wait for that
  return true;
}

/// To the thread that is to be woken; null: there is none.
std::shared_ptr<SessionThreads::Idle> SessionThreads::hand_over(SMFICTX* context) {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::shared_ptr<Idle> last = std::move(idle_.back());
  idle_.pop_back();
  last->context = context;
  return last;
}

bool SessionThreads::begin_thread(SMFICTX* context) {
  auto begin = std::unique_ptr<Begin>(new (std::nothrow) Begin{this, context});
  if (begin == nullptr) return false;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_octets);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, &SessionThreads::run, begin.get());
  pthread_attr_destroy(&attributes);
  if (error == 0) static_cast<void>(begin.release());
  return error == 0;
}

void* SessionThreads::run(void* argument) {
  const auto begin = std::unique_ptr<Begin>(static_cast<Begin*>(argument));
  SMFICTX* context = begin->context;
  try {
    const auto idle = std::make_shared<Idle>();
    while (context != nullptr) {
      serve_session(std::exchange(context, nullptr));
      context = begin->threads->next(idle);
    }
  } catch (const std::bad_alloc&) {
    // There will be another thread for the next session.
    if (context != nullptr) serve_session(context);
  }
  return nullptr;
}

/// Null: it is not needed any more.
SMFICTX* SessionThreads::next(const std::shared_ptr<Idle>& idle) {
  std::unique_lock lock(mutex_);
  idle_.push_back(idle);
  idle->wake.wait_for(lock, idle_time, [&] { return idle->context != nullptr; });
  if (idle->context == nullptr) std::erase(idle_, idle);
  return std::exchange(idle->context, nullptr);
}

}  // namespace milter
