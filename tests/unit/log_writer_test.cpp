#include "report/log_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

using report::LogWriter;
using report::Severity;
using Strings = std::vector<std::string>;

constexpr std::chrono::seconds patience{30};

LogWriter::Clock::time_point soon() {
  return LogWriter::Clock::now() + patience;
}

/// An output that takes nothing while it is shut.
class Output {
 public:
  report::LogOutput output() {
    return [this](Severity, std::string_view line) {
      std::unique_lock lock(mutex_);
      ++waiting_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !is_shut_; });
      --waiting_;
      if (!has_reader_) return false;
      lines_.emplace_back(line);
      return true;
    };
  }

  void shut(bool is_shut) {
    const std::lock_guard lock(mutex_);
    is_shut_ = is_shut;
    changed_.notify_all();
  }
  void set_reader(bool has_reader) {
    const std::lock_guard lock(mutex_);
    has_reader_ = has_reader;
  }
  /// Until a line is being written.
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this] { return waiting_ > 0; });
  }
  Strings lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_shut_ = false;
  bool has_reader_ = true;
  int waiting_ = 0;
  Strings lines_;
};

const std::string told = "log lines were lost because they could not be written: count=";

TEST(LogWriter, LinesComeInOrder) {
  Output output;
  LogWriter writer(output.output(), 1 << 20);
  Strings sent;
  for (int i = 0; i < 1000; ++i) writer.write(Severity::info, sent.emplace_back("line " + std::to_string(i)));
  EXPECT_TRUE(writer.flush(soon()));
  EXPECT_EQ(output.lines(), sent);
}

TEST(LogWriter, WritersNeverWaitForABlockedOutput) {
  Output output;
  std::atomic<int> lost = 0;
  LogWriter writer(output.output(), 4096, [&] { ++lost; });
  output.shut(true);
  constexpr int sent = 1000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < sent / 4; ++i) writer.write(Severity::info, "a line of twenty-six octets");
    });
  }
  for (std::thread& thread : threads) thread.join();  // they end
  EXPECT_GT(lost, 900);
  EXPECT_LT(lost, sent);
  EXPECT_FALSE(writer.flush(LogWriter::Clock::now() + std::chrono::milliseconds(20)));
  output.shut(false);
  EXPECT_TRUE(writer.flush(soon()));
  const Strings lines = output.lines();
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(sent - lost + 1));
  EXPECT_EQ(lines.back(), told + std::to_string(lost));
}

TEST(LogWriter, OneLineMayBeLargerThanTheBound) {
  Output output;
  LogWriter writer(output.output(), 100);
  writer.write(Severity::info, std::string(1000, 'x'));
  EXPECT_TRUE(writer.flush(soon()));
  EXPECT_EQ(output.lines().size(), 1u);
}

// Standard error without a reader, say.
TEST(LogWriter, LinesThatTheOutputRefusesAreCounted) {
  Output output;
  std::atomic<int> lost = 0;
  LogWriter writer(output.output(), 4096, [&] { ++lost; });
  output.set_reader(false);
  writer.write(Severity::info, "1");
  writer.write(Severity::info, "2");
  EXPECT_TRUE(writer.flush(soon()));
  EXPECT_EQ(lost, 2);
  output.set_reader(true);
  writer.write(Severity::info, "3");
  EXPECT_TRUE(writer.flush(soon()));
  EXPECT_EQ(output.lines(), (Strings{"3", told + "2"}));
}

TEST(LogWriter, ReportsLostLinesWithoutAnotherLine) {
  Output output;
  std::atomic<int> lost = 0;
  const auto count = [&] { ++lost; };
  LogWriter writer(output.output(), 4096, count, std::chrono::milliseconds(5));
  output.set_reader(false);
  writer.write(Severity::info, "1");
  EXPECT_TRUE(writer.flush(soon()));
  output.set_reader(true);
  const auto end = soon();
  while (output.lines().empty() && LogWriter::Clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(output.lines(), Strings{told + "1"});
}

}  // namespace
