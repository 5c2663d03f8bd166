// A queue from many threads to one slow thread, bounded in octets. A thread that pushes never waits for the thread that
// takes.
#ifndef MSGID_REPORT_BOUNDED_QUEUE_H
#define MSGID_REPORT_BOUNDED_QUEUE_H

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

namespace report {

/// First in, first out. An item that was taken still counts until done() is called, so the bound covers everything that
/// waits for a slow disk.
template <class Item>
class BoundedQueue {
 public:
  using Clock = std::chrono::steady_clock;

  /// It holds items of up to `most` octets in all; a single one may be larger.
  explicit BoundedQueue(std::size_t most) : most_(most) {}

  /// Adds an item of this many octets. Returns false, and drops the item, if there is no room or no memory.
  bool push(Item item, std::size_t octets) noexcept {
    octets += sizeof(Entry);
    {
      const std::lock_guard lock(mutex_);
      if (is_closed_ || (octets_ > 0 && octets > most_ - std::min(octets_, most_))) return false;
      try {
        entries_.push_back({std::move(item), octets});
      } catch (const std::bad_alloc&) {
        return false;
      }
      octets_ += octets;
    }
    changed_.notify_all();
    return true;
  }

  /// Ends a wait of the thread that takes.
  void wake() noexcept {
    {
      const std::lock_guard lock(mutex_);
      is_woken_ = true;
    }
    changed_.notify_all();
  }

  /// Returns when an item is there (if `for_items`), when wake() was called since the last return, or at `until`.
  void wait(Clock::time_point until, bool for_items = true) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, until, [&] { return is_woken_ || (for_items && !entries_.empty()); });
    is_woken_ = false;
  }

  /// The next item, or nothing where there is none.
  std::optional<Item> take() {
    const std::lock_guard lock(mutex_);
    if (entries_.empty()) return std::nullopt;
    std::optional<Item> item = std::move(entries_.front().item);
    taken_ = entries_.front().octets;
    entries_.pop_front();
    return item;
  }

  /// What was taken last has been dealt with.
  void done() noexcept {
    {
      const std::lock_guard lock(mutex_);
      octets_ -= std::exchange(taken_, 0);
    }
    changed_.notify_all();
  }

  /// How many wait, one that is being dealt with among them.
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return entries_.size() + (taken_ > 0 ? 1 : 0);
  }

  /// Waits until all items are dealt with; false if some are left at `until`.
  bool drain(Clock::time_point until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, until, [&] { return octets_ == 0; });
  }

  /// From now on push() adds nothing.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
  }

 private:
  struct Entry {
    Item item;
    std::size_t octets;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Entry> entries_;
  std::size_t octets_ = 0;  ///< of all that waits and of what was taken
  std::size_t taken_ = 0;
  bool is_woken_ = false;
  bool is_closed_ = false;
};

}  // namespace report

#endif
