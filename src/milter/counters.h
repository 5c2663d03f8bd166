// What the service has done since it started, in numbers: for the metrics, and for whoever wants to say it in a line.
//
// All of it is atomic: to count takes no lock and no memory, and any thread may do it at any time. Numbers that are
// read under load need not be of the same moment.
#ifndef MSGID_MILTER_COUNTERS_H
#define MSGID_MILTER_COUNTERS_H

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "msgid/exchange.h"
#include "msgid/inspect.h"
#include "report/log.h"

namespace milter {

/// What has become of a message. As in the totals of the audit trail.
enum class MessageOutcome : std::uint8_t {
  clean,     ///< decided upon, without a finding
  affected,  ///< with findings
  unread,    ///< passed without having been decided upon
  exempt,    ///< out of scope, and not inspected
};
inline constexpr std::array all_message_outcomes = {MessageOutcome::clean, MessageOutcome::affected,
                                                    MessageOutcome::unread, MessageOutcome::exempt};
std::string_view name_of(MessageOutcome outcome) noexcept;

/// A histogram bucket has what took at most so long. One more has the rest.
inline constexpr std::array<std::chrono::nanoseconds, 19> callback_time_bounds = [] {
  using namespace std::chrono_literals;
  return std::array<std::chrono::nanoseconds, 19>{10us, 25us, 50us,  100us, 250us, 500us, 1ms,    2500us, 5ms, 10ms,
                                                  25ms, 50ms, 100ms, 250ms, 500ms, 1s,    2500ms, 5s,     10s};
}();

class Counters {
 public:
  using Number = std::uint64_t;

  /// Without `has_timing` no clock is ever read.
  explicit Counters(bool has_timing) : has_timing_(has_timing) {}
  Counters(const Counters&) = delete;
  Counters& operator=(const Counters&) = delete;

  void message(MessageOutcome outcome) noexcept { add(messages_[index(outcome)]); }
  Number messages(MessageOutcome outcome) const noexcept { return read(messages_[index(outcome)]); }

  void finding(msgid::RuleId rule, report::Outcome outcome) noexcept { add(findings_[index(rule)][index(outcome)]); }
  Number findings(msgid::RuleId rule, report::Outcome outcome) const noexcept {
    return read(findings_[index(rule)][index(outcome)]);
  }

  /// An edit that breaks a signature; `reported`: would have, and `signed = keep` held it back.
  void breaking_edit(report::Outcome outcome) noexcept { add(breaking_edits_[index(outcome)]); }
  Number breaking_edits(report::Outcome outcome) const noexcept { return read(breaking_edits_[index(outcome)]); }

  void failure(report::Failure cause) noexcept { add(failures_[index(cause)]); }
  Number failures(report::Failure cause) const noexcept { return read(failures_[index(cause)]); }

  void reload_taken() noexcept;
  void reload_refused() noexcept;
  Number reloads_taken() const noexcept { return read(reloads_taken_); }
  Number reloads_refused() const noexcept { return read(reloads_refused_); }
  bool was_last_reload_taken() const noexcept { return was_last_reload_taken_.load(std::memory_order_relaxed); }

  /// Closed at once, for max-sessions or want of a thread.
  void refused_connection() noexcept { add(refused_connections_); }
  Number refused_connections() const noexcept { return read(refused_connections_); }
  /// Nothing was accepted for a while, for want of descriptors.
  void accept_pause() noexcept { add(accept_pauses_); }
  Number accept_pauses() const noexcept { return read(accept_pauses_); }
  /// A connection failed before it was accepted.
  void failed_accept() noexcept { add(failed_accepts_); }
  Number failed_accepts() const noexcept { return read(failed_accepts_); }

  Number sessions() const noexcept { return read(sessions_); }  ///< begun

  bool has_timing() const noexcept { return has_timing_; }
  /// One message: the time spent in all its callbacks.
  void callback_time(std::chrono::nanoseconds time) noexcept;
  /// Of one bucket alone, not of those below it.
  Number callback_times(std::size_t bucket) const noexcept { return read(callback_times_[bucket]); }
  std::chrono::nanoseconds callback_time_sum() const noexcept { return std::chrono::nanoseconds(read(callback_sum_)); }

  std::chrono::system_clock::time_point start_time() const noexcept { return start_time_; }

 private:
  friend class SessionMeter;
  using Atomic = std::atomic<Number>;
  using ByAction = std::array<Atomic, report::all_outcomes.size()>;

  template <class Enum>
  static constexpr std::size_t index(Enum value) noexcept {
    return static_cast<std::size_t>(value);
  }
  static void add(Atomic& number, Number more = 1) noexcept { number.fetch_add(more, std::memory_order_relaxed); }
  static Number read(const Atomic& number) noexcept { return number.load(std::memory_order_relaxed); }

  const bool has_timing_;
  const std::chrono::system_clock::time_point start_time_ = std::chrono::system_clock::now();
  std::array<Atomic, all_message_outcomes.size()> messages_ = {};
  std::array<ByAction, msgid::rule_count + msgid::exchange_rule_count> findings_ = {};
  ByAction breaking_edits_ = {};
  std::array<Atomic, report::failure_count> failures_ = {};
  Atomic sessions_ = 0;
  Atomic refused_connections_ = 0;
  Atomic accept_pauses_ = 0;
  Atomic failed_accepts_ = 0;
  Atomic reloads_taken_ = 0;
  Atomic reloads_refused_ = 0;
  std::atomic<bool> was_last_reload_taken_ = true;
  std::array<Atomic, callback_time_bounds.size() + 1> callback_times_ = {};
  Atomic callback_sum_ = 0;  // nanoseconds
};

/// Counts a session when it begins, and the time spent in the callbacks of its message. Not shared between threads at
/// one time.
class SessionMeter {
 public:
  explicit SessionMeter(Counters& counters) noexcept : counters_(counters) { Counters::add(counters.sessions_); }
  SessionMeter(const SessionMeter&) = delete;
  SessionMeter& operator=(const SessionMeter&) = delete;

  /// While it lives, a callback runs. Two looks at the clock with timing, none without.
  class Callback {
   public:
    explicit Callback(SessionMeter& meter) noexcept : meter_(meter) {
      if (meter.counters_.has_timing()) begin_ = std::chrono::steady_clock::now();
    }
    ~Callback() {
      if (meter_.counters_.has_timing()) meter_.time_ += std::chrono::steady_clock::now() - begin_;
    }
    Callback(const Callback&) = delete;
    Callback& operator=(const Callback&) = delete;

   private:
    SessionMeter& meter_;
    std::chrono::steady_clock::time_point begin_;
  };

  /// The message has ended: its time counts. What comes before the first message, or between two, goes to the next.
  void message_ended() noexcept;
  /// The message was given up, its time with it.
  void message_aborted() noexcept { time_ = {}; }

 private:
  Counters& counters_;
  std::chrono::nanoseconds time_{0};
};

}  // namespace milter

#endif
