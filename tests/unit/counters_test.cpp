#include "milter/counters.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

using milter::Counters;
using milter::SessionMeter;
using namespace std::chrono_literals;

std::vector<Counters::Number> buckets(const Counters& counters) {
  std::vector<Counters::Number> all;
  for (std::size_t i = 0; i <= milter::callback_time_bounds.size(); ++i) all.push_back(counters.callback_times(i));
  return all;
}

Counters::Number observed(const Counters& counters) {
  Counters::Number sum = 0;
  for (const Counters::Number number : buckets(counters)) sum += number;
  return sum;
}

TEST(Counters, EachNumberIsItsOwn) {
  Counters counters(false);
  counters.finding(msgid::RuleId::encoded_word, report::Outcome::rewritten);
  counters.finding(msgid::RuleId::exchange_narrow_multipart, report::Outcome::failed);
  counters.finding(msgid::RuleId::exchange_narrow_multipart, report::Outcome::failed);
  EXPECT_EQ(counters.findings(msgid::RuleId::encoded_word, report::Outcome::rewritten), 1u);
  EXPECT_EQ(counters.findings(msgid::RuleId::encoded_word, report::Outcome::would_rewrite), 0u);
  EXPECT_EQ(counters.findings(msgid::RuleId::line_too_long, report::Outcome::rewritten), 0u);
  EXPECT_EQ(counters.findings(msgid::RuleId::exchange_narrow_multipart, report::Outcome::failed), 2u);
  counters.message(milter::MessageOutcome::unread);
  EXPECT_EQ(counters.messages(milter::MessageOutcome::unread), 1u);
  EXPECT_EQ(counters.messages(milter::MessageOutcome::clean), 0u);
  counters.failure(report::Failure::audit_log_open);
  EXPECT_EQ(counters.failures(report::Failure::audit_log_open), 1u);
  EXPECT_EQ(counters.failures(report::Failure::change_header), 0u);
  counters.breaking_edit(report::Outcome::failed);
  EXPECT_EQ(counters.breaking_edits(report::Outcome::failed), 1u);
  EXPECT_EQ(counters.breaking_edits(report::Outcome::rewritten), 0u);
}

TEST(Counters, NamesAreDifferent) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < report::failure_count; ++i) names.insert(name_of(static_cast<report::Failure>(i)));
  EXPECT_EQ(names.size(), report::failure_count);
  names.clear();
  for (const milter::MessageOutcome outcome : milter::all_message_outcomes) names.insert(name_of(outcome));
  EXPECT_EQ(names.size(), milter::all_message_outcomes.size());
}

TEST(Counters, TheLastReloadIsRemembered) {
  Counters counters(false);
  EXPECT_TRUE(counters.was_last_reload_taken());
  counters.reload_refused();
  EXPECT_FALSE(counters.was_last_reload_taken());
  counters.reload_taken();
  EXPECT_TRUE(counters.was_last_reload_taken());
  EXPECT_EQ(counters.reloads_taken(), 1u);
  EXPECT_EQ(counters.reloads_refused(), 1u);
}

TEST(Counters, ATimeIsInTheBucketOfItsBound) {
  Counters counters(true);
  counters.callback_time(0ns);
  counters.callback_time(10us);
  counters.callback_time(10001ns);
  counters.callback_time(10s);
  counters.callback_time(11s);
  std::vector<Counters::Number> expected(milter::callback_time_bounds.size() + 1, 0);
  expected.front() = 2;
  expected[1] = 1;
  expected[expected.size() - 2] = 1;
  expected.back() = 1;
  EXPECT_EQ(buckets(counters), expected);
  EXPECT_EQ(counters.callback_time_sum(), 21s + 20001ns);
}

TEST(Counters, AMessageIsObservedOnceWithAllItsCallbacks) {
  Counters counters(true);
  SessionMeter meter(counters);
  for (int i = 0; i < 2; ++i) {
    const SessionMeter::Callback running(meter);
    std::this_thread::sleep_for(2ms);
  }
  EXPECT_EQ(observed(counters), 0u);
  meter.message_ended();
  EXPECT_EQ(observed(counters), 1u);
  EXPECT_GE(counters.callback_time_sum(), 4ms);
  const auto before = counters.callback_time_sum();
  meter.message_ended();  // a message that took no time
  EXPECT_EQ(observed(counters), 2u);
  EXPECT_EQ(counters.callback_time_sum(), before);
}

TEST(Counters, AnAbortedMessageLeavesNoTime) {
  Counters counters(true);
  SessionMeter meter(counters);
  {
    const SessionMeter::Callback running(meter);
    std::this_thread::sleep_for(2ms);
  }
  meter.message_aborted();
  meter.message_ended();
  EXPECT_EQ(counters.callback_time_sum(), 0ns);
}

TEST(Counters, WithoutTimingNothingIsObserved) {
  Counters counters(false);
  SessionMeter meter(counters);
  {
    const SessionMeter::Callback running(meter);
    std::this_thread::sleep_for(1ms);
  }
  meter.message_ended();
  EXPECT_EQ(observed(counters), 0u);
  EXPECT_EQ(counters.callback_time_sum(), 0ns);
}

TEST(Counters, ManyThreadsLoseNothing) {
  constexpr int per_thread = 5000;
  Counters counters(true);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < per_thread; ++n) {
        const SessionMeter meter(counters);
        counters.message(milter::MessageOutcome::clean);
        counters.callback_time(1us);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counters.sessions(), 4u * per_thread);
  EXPECT_EQ(counters.messages(milter::MessageOutcome::clean), 4u * per_thread);
  EXPECT_EQ(observed(counters), 4u * per_thread);
}

}  // namespace
