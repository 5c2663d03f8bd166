// The sessions that are open: how many, under which settings, and for how long a callback of one has been at work.
#ifndef MSGID_MILTER_OPEN_SESSIONS_H
#define MSGID_MILTER_OPEN_SESSIONS_H

#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>

#include "config/settings.h"

namespace milter {

class OpenSessions {
 public:
  /// A session; made when it begins, destroyed when it ends. Its calls come one at a time.
  class Entry {
   public:
    Entry(OpenSessions& all, const config::Settings* settings);
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    /// A callback begins, and ends.
    void begin_callback() noexcept;
    void end_callback() noexcept { callback_began_.store(0, std::memory_order_relaxed); }

   private:
    friend class OpenSessions;
    OpenSessions& all_;
    const config::Settings* settings_;                              ///< compared only
    std::atomic<std::chrono::nanoseconds::rep> callback_began_{0};  ///< by the steady clock; 0: none is at work
    std::list<Entry*>::iterator position_;
  };

  std::size_t count() const;
  /// Those that began under other settings than these.
  std::size_t count_not_under(const config::Settings* settings) const;
  /// How long the callback that has been at work for longest has been; 0 where none is. To some milliseconds.
  std::chrono::nanoseconds longest_callback() const;

 private:
  mutable std::mutex mutex_;
  std::list<Entry*> entries_;
};

}  // namespace milter

#endif
