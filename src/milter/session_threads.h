// The threads that serve libmilter's sessions.
#ifndef MSGID_MILTER_SESSION_THREADS_H
#define MSGID_MILTER_SESSION_THREADS_H

#include <pthread.h>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace milter {

/// libmilter asks for a thread for a session by pthread_create(3), and gets one that has served others before. The one
/// that became idle last is the next: its stack is still in the cache. One that is not needed for 30 s ends, but the
/// last idle one stays.
class SessionThreads {
 public:
  /// Returns true if the next begin() will succeed: a thread is idle, if need be a new one. Returns false if there is
  /// no thread or memory to be had. libmilter itself would sleep for seconds then, and give up after 16 failures in a
  /// row.
  bool reserve() noexcept;

  /// As pthread_create(3); EAGAIN if no thread is idle. reserve() and begin() are called by one thread.
  int begin(pthread_t* thread, void* (*routine)(void*), void* argument) noexcept;

  /// Whether the calling thread is one of these. They are detached already.
  static bool is_one() noexcept;

 private:
  struct Idle {
    std::condition_variable wake;
    pthread_t id = {};
    void* (*routine)(void*) = nullptr;  ///< what to do next
    void* argument = nullptr;
  };
  /// What a new thread is told.
  struct Begin {
    SessionThreads* threads;
    std::shared_ptr<Idle> idle;
  };

  bool add_thread();
  static void* run(void* argument);
  bool wait(const std::shared_ptr<Idle>& idle);
  void put_back(const std::shared_ptr<Idle>& idle);

  std::mutex mutex_;
  std::size_t count_ = 0;                    ///< of all threads; idle_ has room for as many
  std::vector<std::shared_ptr<Idle>> idle_;  ///< the last one became idle last
};

}  // namespace milter

#endif
