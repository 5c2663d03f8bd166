// The threads that serve libmilter's sessions, where that has no pool of its own to do it.
#ifndef MSGID_MILTER_SESSION_THREADS_H
#define MSGID_MILTER_SESSION_THREADS_H

#include <libmilter/mfapi.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace milter {

/// One thread serves a session from its beginning to its end, as libmilter 8.17.1 without the pool does, and then the
/// next one. The one that became idle last is the next: its stack is still in the cache, and those that are not needed
/// get to their end, after 30 s.
///
/// libmilter's own log lines have "[0]" where a session's thread would be named: nothing sets ctx_id here.
class SessionThreads {
 public:
  /// False where there is no thread or no memory to be had; the session is as it was.
  bool serve(SMFICTX* context) noexcept;

 private:
  struct Idle {
    std::condition_variable wake;
    SMFICTX* context = nullptr;  ///< what to serve next; nothing while it waits
  };
  /// What a new thread is told.
  struct Begin {
    SessionThreads* threads;
    SMFICTX* context;
  };

  std::shared_ptr<Idle> hand_over(SMFICTX* context);
  bool begin_thread(SMFICTX* context);
  static void* run(void* argument);
  SMFICTX* next(const std::shared_ptr<Idle>& idle);

  std::mutex mutex_;
  std::vector<std::shared_ptr<Idle>> idle_;  ///< the last one is the one that became idle last
};

}  // namespace milter

#endif
