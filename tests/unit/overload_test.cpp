#include "milter/overload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using milter::Overload;
using milter::transport::Shortage;
using namespace std::chrono_literals;

struct Fixture {
  std::vector<std::string> lines;
  milter::Counters counters{false};
  report::Log log{[this](report::Severity, std::string_view line) { lines.emplace_back(line); }};
  Overload overload{log, counters};
  Overload::Clock::time_point start = Overload::Clock::now();
};

TEST(Overload, TheFirstIsALineAndThenThereIsOneAMinuteWithTheCount) {
  Fixture f;
  f.overload.happened(Shortage::sessions, f.start);
  for (int i = 0; i < 7; ++i) f.overload.happened(Shortage::sessions, f.start + 1s * i);
  f.overload.tell(f.start + 59s);
  ASSERT_EQ(f.lines.size(), 1u);
  EXPECT_TRUE(f.lines[0].ends_with(": count=1")) << f.lines[0];
  f.overload.tell(f.start + 60s);
  ASSERT_EQ(f.lines.size(), 2u);
  EXPECT_TRUE(f.lines[1].ends_with(": count=7")) << f.lines[1];
  f.overload.tell(f.start + 10min);
  EXPECT_EQ(f.lines.size(), 2u) << "nothing has happened";
  f.overload.happened(Shortage::sessions, f.start + 10min);
  EXPECT_EQ(f.lines.size(), 3u);
  EXPECT_EQ(f.counters.refused_connections(), 9u);
  EXPECT_EQ(f.counters.accept_pauses(), 0u);
}

TEST(Overload, WantOfAThreadIsNotMaxSessions) {
  Fixture f;
  f.overload.happened(Shortage::threads, f.start);
  f.overload.happened(Shortage::sessions, f.start);
  ASSERT_EQ(f.lines.size(), 2u);
  EXPECT_EQ(f.lines[0],
            "connections closed at once for want of a thread or memory, the MTA's default action decides: count=1");
  EXPECT_TRUE(f.lines[1].starts_with("connections over max-sessions closed at once")) << f.lines[1];
  EXPECT_EQ(f.counters.refused_connections(), 2u);
}

TEST(Overload, APauseHasALineOfItsOwn) {
  Fixture f;
  f.overload.happened(Shortage::sessions, f.start);
  for (int i = 0; i < 5; ++i) f.overload.happened(Shortage::descriptors, f.start);
  ASSERT_EQ(f.lines.size(), 2u);
  EXPECT_EQ(f.lines[1], "too many open files, or no memory in the kernel: connections wait");
  EXPECT_EQ(f.counters.accept_pauses(), 5u);
  EXPECT_EQ(f.counters.refused_connections(), 1u);
}

TEST(Overload, AConnectionThatFailedIsOnlyCounted) {
  Fixture f;
  for (int i = 0; i < 5; ++i) f.overload.happened(Shortage::connection, f.start);
  EXPECT_TRUE(f.lines.empty());
  EXPECT_EQ(f.counters.failed_accepts(), 5u);
  EXPECT_EQ(f.counters.accept_pauses(), 0u);
  EXPECT_EQ(f.counters.refused_connections(), 0u);
}

}  // namespace
