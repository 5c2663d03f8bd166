#include "milter/metrics.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

namespace {

using milter::Counters;

/// Each sample, by its name with its labels.
std::map<std::string, double> samples(const Counters& counters) {
  std::map<std::string, double> all;
  std::istringstream lines(milter::metrics_text(counters, {3, 1, "1.2.3", "/lib/libmilter.so.1", "1.0.1"}));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("#")) continue;
    const std::size_t space = line.rfind(' ');
    EXPECT_TRUE(all.emplace(line.substr(0, space), std::stod(line.substr(space + 1))).second) << line;
  }
  return all;
}

TEST(Metrics, EachNumberIsInItsPlace) {
  using namespace std::chrono_literals;
  Counters counters(true);
  for (int i = 0; i < 3; ++i) counters.message(milter::MessageOutcome::affected);
  counters.finding(msgid::RuleId::encoded_word, report::Outcome::would_rewrite);
  counters.finding(msgid::RuleId::exchange_charset, report::Outcome::reported);
  counters.breaking_edit(report::Outcome::reported);
  counters.failure(report::Failure::header_size);
  counters.reload_taken();
  counters.reload_refused();
  counters.reload_refused();
  counters.callback_time(20us);
  counters.callback_time(1ms);
  counters.callback_time(20s);
  const milter::SessionMeter one(counters);
  const milter::SessionMeter two(counters);
  const std::map<std::string, double> expected = {
      {R"(messages_total{outcome="clean"})", 0},
      {R"(messages_total{outcome="affected"})", 3},
      {R"(messages_total{outcome="unread"})", 0},
      {R"(findings_total{rule="encoded-word",action="would-rewrite"})", 1},
      {R"(findings_total{rule="encoded-word",action="rewritten"})", 0},
      {R"(findings_total{rule="exchange-charset",action="reported"})", 1},
      {R"(signature_breaking_edits_total{action="reported"})", 1},
      {R"(signature_breaking_edits_total{action="rewritten"})", 0},
      {R"(failures_total{cause="header-size"})", 1},
      {R"(failures_total{cause="exception"})", 0},
      {R"(reloads_total{result="taken"})", 1},
      {R"(reloads_total{result="refused"})", 2},
      {"last_reload_successful", 0},
      {"sessions_total", 2},
      {"open_sessions", 3},
      {"old_sessions", 1},
      {R"(callback_duration_seconds_bucket{le="1e-05"})", 0},
      {R"(callback_duration_seconds_bucket{le="2.5e-05"})", 1},
      {R"(callback_duration_seconds_bucket{le="0.001"})", 2},
      {R"(callback_duration_seconds_bucket{le="10"})", 2},
      {R"(callback_duration_seconds_bucket{le="+Inf"})", 3},
      {"callback_duration_seconds_count", 3},
      {"callback_duration_seconds_sum", 20.00102},
      {R"(build_info{version="1.2.3",libmilter="/lib/libmilter.so.1",libmilter_api="1.0.1",transport="on"})", 1},
  };
  const std::map<std::string, double> all = samples(counters);
  for (const auto& [name, value] : expected) {
    const auto found = all.find("msgid_milter_" + name);
    ASSERT_NE(found, all.end()) << name;
    EXPECT_DOUBLE_EQ(found->second, value) << name;
  }
  EXPECT_GT(all.at("msgid_milter_start_time_seconds"), 1.7e9);
}

TEST(Metrics, EveryRuleIsThereFromTheStartWithWhatItCanDo) {
  const auto all = samples(Counters(false));
  int series = 0;
  for (const msgid::Rule& rule : msgid::rules()) {
    for (const char* action : {"rewritten", "would-rewrite", "reported", "failed"}) {
      const std::string name =
          "msgid_milter_findings_total{rule=\"" + std::string(rule.name) + "\",action=\"" + action + "\"}";
      const bool is_possible = rule.can_fix || std::string(action) == "reported";
      EXPECT_EQ(all.contains(name), is_possible) << name;
      series += is_possible;
    }
  }
  EXPECT_GT(series, 30);
  for (std::size_t i = 0; i < report::failure_count; ++i) {
    const std::string cause(name_of(static_cast<report::Failure>(i)));
    EXPECT_TRUE(all.contains("msgid_milter_failures_total{cause=\"" + cause + "\"}")) << cause;
  }
}

// What should never be is shown all the same.
TEST(Metrics, AnEditOfARuleThatNeverEditsIsShown) {
  Counters counters(false);
  counters.finding(msgid::RuleId::missing, report::Outcome::rewritten);
  EXPECT_EQ(samples(counters).at(R"(msgid_milter_findings_total{rule="missing",action="rewritten"})"), 1);
}

TEST(Metrics, TheManualHasEachAndNoOther) {
  std::set<std::string> exported;
  std::set<std::string> words;  // labels and their values
  std::istringstream text(milter::metrics_text(Counters(false), {0, 0, "1", "1"}));
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) exported.insert(line.substr(7, line.find(' ', 7) - 7));
    if (line.starts_with("#") || line.find("{rule=") != line.npos || line.find("{le=") != line.npos) continue;
    for (std::size_t at = line.find('{'); at != line.npos && at < line.find('}'); at = line.find(',', at + 1)) {
      const std::size_t equals = line.find('=', at);
      words.insert(line.substr(at + 1, equals - at - 1));
      if (!line.starts_with("msgid_milter_build_info"))
        words.insert(line.substr(equals + 2, line.find('"', equals + 2) - equals - 2));
    }
  }
  EXPECT_GT(exported.size(), 10u);
  EXPECT_GT(words.size(), 15u);

  std::ifstream page(MSGID_SOURCE_DIR "/packaging/man/msgid-milter.8");
  std::set<std::string> told;
  std::string section;
  bool is_inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with(".Sh ")) is_inside = line == ".Sh METRICS";
    if (!is_inside) continue;
    section += line + "\n";
    if (line.starts_with(".It Cm ")) told.insert(line.substr(7));
  }
  EXPECT_EQ(told, exported);
  // The actions have a section of their own.
  for (const char* action : {"rewritten", "would-rewrite", "failed"}) words.erase(action);
  for (const std::string& word : words) {
    EXPECT_TRUE(section.find("Cm " + word + "\n") != section.npos || section.find("Cm " + word + " ") != section.npos)
        << word;
  }
}

}  // namespace
