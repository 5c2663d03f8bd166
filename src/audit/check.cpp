// msgid-audit check: what the filter finds in messages. Threads take blocks of messages in turns and write what they
// found in the same turns, so that the output is the same for any number of them.
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "audit/arguments.h"
#include "audit/date.h"
#include "audit/examine.h"
#include "audit/message.h"
#include "audit/progress.h"
#include "audit/source.h"
#include "audit/subcommand.h"
#include "msgid/fold.h"
#include "report/address.h"
#include "report/audit_record.h"
#include "report/audit_text.h"

namespace audit {

namespace {

constexpr std::size_t max_agent_octets = 512;  // as much as the daemon keeps

/// What was found in a block, ready to be written; or in all of them.
struct Result {
  std::string text;
  std::vector<std::string> troubles;
  report::AuditTotals totals;
  std::uint64_t rewritable = 0;  ///< messages that would be rewritten
  std::optional<std::int64_t> first_date;
  std::optional<std::int64_t> last_date;

  void count(const Result& other);
};

void Result::count(const Result& other) {
  totals.messages += other.totals.messages;
  totals.clean += other.totals.clean;
  totals.affected += other.totals.affected;
  totals.unread += other.totals.unread;
  for (const auto& [rule, actions] : other.totals.findings) {
    for (const auto& [action, number] : actions) totals.findings[rule][action] += number;
  }
  rewritable += other.rewritable;
  if (other.first_date) first_date = std::min(first_date.value_or(*other.first_date), *other.first_date);
  if (other.last_date) last_date = std::max(last_date.value_or(*other.last_date), *other.last_date);
}

/// A field body on one line, without the blanks around it.
std::string on_one_line(std::string_view body) {
  const std::string line = msgid::unfold(as_shown(body));
  const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  return line.substr(begin, line.find_last_not_of(" \t") + 1 - begin);
}

class Check {
 public:
  Check(const Arguments& arguments, const msgid::Policy& policy);

  /// Returns the exit status.
  int run(std::size_t jobs);

 private:
  void work();
  void take_turns(Examiner& examiner, Block& block);
  Result look_at(const Block& block, Examiner& examiner) const;
  void add(const Block& block, const Message& message, const Examined& examined, Result& result) const;
  bool write(std::size_t turn, const Result& result);
  void write_totals();

  const msgid::Policy& policy_;
  const bool is_json_;

  std::mutex source_mutex_;
  std::vector<std::string> source_troubles_;  ///< since the last block
  Source source_;
  std::size_t next_turn_ = 0;
  bool is_done_ = false;

  std::mutex output_mutex_;
  std::condition_variable turn_changed_;
  std::size_t turn_ = 0;
  std::exception_ptr failure_;
  double share_ = 0;
  Result all_;
  bool has_trouble_ = false;
  Progress progress_;
};

Check::Check(const Arguments& arguments, const msgid::Policy& policy)
    : policy_(policy),
      is_json_(arguments.choice("format", {"text", "json"}) == "json"),
      source_(arguments.names(), [this](std::string_view file, std::string_view reason) {
        source_troubles_.push_back(std::string(file) + ": " + std::string(reason));
      }) {}

int Check::run(std::size_t jobs) {
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < jobs; ++i) others.emplace_back([this] { work(); });
  work();
  others.clear();  // waits for them
  if (failure_) std::rethrow_exception(failure_);
  progress_.clear();
  write_totals();
  if (has_trouble_) return 2;
  return all_.totals.affected == 0 ? 0 : 1;
}

void Check::work() {
  try {
    Examiner examiner(policy_);
    Block block;
    take_turns(examiner, block);
  } catch (...) {
    const std::lock_guard lock(output_mutex_);
    if (!failure_) failure_ = std::current_exception();
    turn_changed_.notify_all();
  }
}

void Check::take_turns(Examiner& examiner, Block& block) {
  for (bool has_block = true; has_block;) {
    std::size_t turn = 0;
    std::vector<std::string> troubles;
    {
      const std::lock_guard lock(source_mutex_);
      if (is_done_) return;
      has_block = source_.next(block);
      is_done_ = !has_block;
      turn = next_turn_++;
      troubles = std::exchange(source_troubles_, {});
      const std::lock_guard output_lock(output_mutex_);
      share_ = source_.progress();
    }
    Result result;
    if (has_block) result = look_at(block, examiner);
    result.troubles.insert(result.troubles.begin(), troubles.begin(), troubles.end());
    if (!write(turn, result)) return;
  }
}

Result Check::look_at(const Block& block, Examiner& examiner) const {
  Result result;
  for (const Message& message : block.messages) {
    Examined examined = examiner.examine(message.octets);
    if (examined.is_decided && message.is_cut) {
      examined.troubles.emplace_back("too long: only its beginning was looked at");
    }
    for (const std::string_view trouble : examined.troubles) {
      result.troubles.push_back(place_of(block.file, message) + ": " + std::string(trouble));
    }
    add(block, message, examined, result);
  }
  return result;
}

void Check::add(const Block& block, const Message& message, const Examined& examined, Result& result) const {
  if (!is_json_ && examined.is_decided && examined.findings.empty()) {
    // The most of them; in text they are only counted.
    ++result.totals.messages;
    ++result.totals.clean;
    return;
  }
  const std::optional<std::int64_t> date = seconds_of(examined.date);
  Result of_message;
  report::AuditTotals& totals = of_message.totals;
  totals.messages = 1;
  of_message.first_date = of_message.last_date = date;
  if (!examined.is_decided) {
    totals.unread = 1;
  } else if (examined.findings.empty()) {
    totals.clean = 1;
  } else {
    totals.affected = 1;
    report::AuditRecord record;
    if (date) record.time = report::rfc3339(*date);
    record.source = block.file;
    record.number = message.number;
    record.from_domain = report::first_domain(as_shown(examined.from));
    record.agent = on_one_line(examined.agent.substr(0, max_agent_octets));
    for (const msgid::Finding& finding : examined.findings) {
      const bool is_edit = finding.action == msgid::Action::rewrite;
      const report::Outcome outcome = is_edit ? report::Outcome::would_rewrite : report::Outcome::reported;
      if (is_edit) of_message.rewritable = 1;
      ++totals.findings[std::string(finding.rule->name)][std::string(report::name_of(outcome))];
      if (record.findings.size() < report::max_findings) {
        record.findings.push_back(report::audit_finding(finding, outcome));
      } else {
        ++record.more_findings;
      }
    }
    result.text += is_json_ ? report::to_json_line(record)
                            : report::to_text(record, {examined.from, examined.date, examined.subject});
  }
  result.count(of_message);
}

/// Waits for the turn, and ends it. False where another thread has failed.
bool Check::write(std::size_t turn, const Result& result) {
  std::unique_lock lock(output_mutex_);
  turn_changed_.wait(lock, [&] { return turn_ == turn || failure_; });
  if (failure_) return false;
  all_.count(result);
  if (!result.text.empty() || !result.troubles.empty()) progress_.clear();
  if (!result.text.empty() && !(std::cout << result.text << std::flush)) throw Trouble("cannot write standard output");
  for (const std::string& trouble : result.troubles) complain(trouble);
  has_trouble_ = has_trouble_ || !result.troubles.empty();
  progress_.show(share_, static_cast<std::size_t>(all_.totals.messages));
  ++turn_;
  turn_changed_.notify_all();
  return true;
}

void Check::write_totals() {
  report::AuditTotals& totals = all_.totals;
  if (is_json_) {
    // What is counted here are the days that the messages are of, not the seconds that the count took.
    if (all_.first_date) totals.since = report::rfc3339(*all_.first_date);
    if (all_.last_date) totals.time = report::rfc3339(*all_.last_date);
    std::cout << report::to_json_line(totals);
    return;
  }
  const auto counted = [](std::uint64_t number, std::string_view one, std::string_view many) {
    return std::to_string(number) + ' ' + std::string(number == 1 ? one : many);
  };
  std::cout << counted(totals.messages, "message", "messages") << ", " << totals.affected << " with findings, "
            << all_.rewritable << " would be rewritten";
  if (totals.unread != 0) std::cout << ", " << totals.unread << " not looked at";
  std::cout << '\n';
}

const Usage usage = {"check",
                     "[FILE | DIR | -]...",
                     "Says what the filter finds in messages, and what it would make of them. Reads\n"
                     "messages, mboxes, Maildirs and other directories; standard input without an\n"
                     "argument. The exit status is 0 where nothing is found, 1 where something is, 2\n"
                     "where something could not be read.",
                     {{"format", "text|json", "for people (default), or msgid-audit.jsonl(5)"},
                      {"jobs", "N", "threads (default: the number of processors, at most 8)"}},
                     true};

}  // namespace

int check(const std::vector<std::string>& words) {
  constexpr std::size_t max_jobs = 256;
  constexpr std::size_t max_jobs_by_default = 8;  // each may hold the longest message in memory
  const Arguments arguments(usage, words);
  if (arguments.is_help()) return print_help(usage);
  const std::size_t processors = std::max(std::thread::hardware_concurrency(), 1U);
  const std::size_t jobs = arguments.number("jobs", 1, max_jobs, std::min(processors, max_jobs_by_default));
  const msgid::Policy policy = arguments.policy();
  return Check(arguments, policy).run(jobs);
}

}  // namespace audit
