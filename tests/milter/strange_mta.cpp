// The daemon and a strange but legal MTA: each session is drawn (strange_session.h), SIGHUP and SIGUSR1 come all the
// time, and the audit log is rotated before each USR1. Each edit must be what inspect() and apply() say. At the end the
// metrics must equal what was sent, and the audit log must have one record for each message with findings.
//
//   strange_mta [--messages=N] [--connections=N] [--seed=N] [--session=N] [--tcp]
//
// --session sends only that session of the seed. Exits with status 1 where something is wrong.
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "load.h"
#include "report/audit_record.h"
#include "strange_session.h"

namespace {

using load::row;
using std::chrono::steady_clock;
using strange::Sent;

constexpr std::uint64_t max_failures = 5;
constexpr std::chrono::minutes max_duration{60};

struct Options {
  std::uint64_t messages = 100'000;
  std::uint64_t connections = 8;
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> session;
  load::Family family = load::Family::unix_socket;
};

Options read(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const std::uint64_t value = equals == argument.npos ? 0 : std::strtoull(argument.c_str() + equals + 1, nullptr, 10);
    if (name == "--messages") {
      options.messages = value;
    } else if (name == "--connections") {
      options.connections = value;
    } else if (name == "--seed") {
      options.seed = value;
    } else if (name == "--session") {
      options.session = value;
    } else if (name == "--tcp") {
      options.family = load::Family::tcp;
    } else {
      std::fprintf(stderr, "%s: no such option\n", argument.c_str());
      std::exit(2);
    }
  }
  return options;
}

/// Sends SIGHUP and SIGUSR1 in turn, 20 of each a second, until it is destroyed. Before each USR1 it renames the audit
/// log, as logrotate does.
class Signals {
 public:
  explicit Signals(load::LoadedDaemon& daemon) : daemon_(daemon), thread_([this] { run(); }) {}
  ~Signals() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  void run() {
    const auto is_over = [this] { return is_over_; };
    std::unique_lock lock(mutex_);
    for (int count = 0; !wake_.wait_for(lock, std::chrono::milliseconds(25), is_over); ++count) {
      const bool is_reload = count % 2 == 0;
      if (!daemon_.daemon().running()) return;
      // There is no file to rename until the daemon has opened the next one.
      std::error_code ignored;
      if (!is_reload)
        std::filesystem::rename(daemon_.audit_log(), daemon_.audit_log() + std::to_string(count), ignored);
      kill(daemon_.daemon().pid(), is_reload ? SIGHUP : SIGUSR1);
    }
  }

  load::LoadedDaemon& daemon_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool is_over_ = false;
  std::thread thread_;
};

/// Sends sessions on several connections at a time until there are as many messages as wanted.
class Run {
 public:
  Run(const Options& options, const std::string& address) : options_(options), address_(address) {}

  void send() {
    strange::send_widest_session(address_, sent_);
    if (options_.session) return send_session(*options_.session);
    std::vector<std::thread> clients;
    for (std::uint64_t i = 0; i < options_.connections; ++i) {
      clients.emplace_back([this] {
        while (!is_over()) send_session(next_session_++);
      });
    }
    for (std::thread& client : clients) client.join();
  }

  const Sent& sent() const { return sent_; }
  std::uint64_t failures() const { return failures_; }

 private:
  bool is_over() {
    const std::lock_guard lock(mutex_);
    return sent_.messages() >= options_.messages || failures_ >= max_failures || steady_clock::now() > end_;
  }

  void send_session(std::uint64_t number) {
    try {
      const Sent sent = strange::Session(address_, options_.seed, number).run();
      const std::lock_guard lock(mutex_);
      sent_.add(sent);
    } catch (const std::exception& error) {
      const std::lock_guard lock(mutex_);
      ++failures_;
      std::cout << "--seed=" << options_.seed << " --session=" << number << ": " << error.what() << std::endl;
    }
  }

  const Options& options_;
  const std::string address_;
  const steady_clock::time_point end_ = steady_clock::now() + max_duration;
  std::atomic<std::uint64_t> next_session_ = 0;
  std::mutex mutex_;
  Sent sent_;
  std::uint64_t failures_ = 0;
};

bool compare_metrics(load::Samples counted, const Sent& sent) {
  std::map<std::string, std::uint64_t> expected = sent.findings;
  for (const auto& [name, value] : counted)
    if (name.starts_with("findings_total") || name.starts_with("failures_total")) expected.emplace(name, 0);
  expected["failures_total{cause=\"cannot-change-fields\"}"] = sent.log_only;
  expected["messages_total{outcome=\"clean\"}"] = sent.clean;
  expected["messages_total{outcome=\"affected\"}"] = sent.affected.size();
  expected["messages_total{outcome=\"unread\"}"] = 0;
  expected["messages_total{outcome=\"exempt\"}"] = 0;
  expected["callback_duration_seconds_count"] = sent.messages();
  expected["sessions_total"] = sent.sessions;
  expected["open_sessions"] = 0;
  expected["reloads_total{result=\"refused\"}"] = 0;
  bool is_right = true;
  for (const auto& [name, number] : expected)
    if (number != 0 || counted[name] != 0) is_right &= row(name, counted[name], static_cast<double>(number));
  return is_right;
}

/// The lines of the audit log, and of all files that it was renamed to.
class AuditLog {
 public:
  AuditLog(const load::LoadedDaemon& daemon, const Sent& sent) : missing_(sent.affected) {
    for (const auto& entry : std::filesystem::directory_iterator(daemon.directory())) {
      if (!entry.path().string().starts_with(daemon.audit_log())) continue;
      std::ifstream file(entry.path());
      for (std::string line; std::getline(file, line);) {
        if (is_expected(line) || ++wrong_ > max_failures) continue;
        std::cout << entry.path().filename() << " has a line that was not expected: " << line << std::endl;
      }
    }
  }

  bool compare(const Sent& sent) const {
    const auto compare = [](const char* what, std::uint64_t is, std::uint64_t should_be) {
      return row(std::string("audit log: ") + what, static_cast<double>(is), static_cast<double>(should_be));
    };
    bool is_right = compare("records", records_, sent.affected.size());
    is_right &= compare("messages without a record", missing_.size(), 0);
    is_right &= compare("lines that were not expected", wrong_, 0);
    is_right &= compare("totals, clean", totals_.clean, sent.clean);
    is_right &= compare("totals, affected", totals_.affected, sent.affected.size());
    return compare("totals, messages", totals_.messages, sent.messages()) && is_right;
  }

 private:
  bool is_expected(const std::string& line) {
    try {
      const auto read = report::parse_audit_line(line);
      if (const auto* const totals = std::get_if<report::AuditTotals>(&read)) {
        totals_.clean += totals->clean;
        totals_.affected += totals->affected;
        totals_.messages += totals->messages;
        return true;
      }
      const auto& record = std::get<report::AuditRecord>(read);
      ++records_;
      const auto found = missing_.find(record.queue_id);
      if (found == missing_.end() || found->second != record.client_address) return false;
      missing_.erase(found);
      return true;
    } catch (const std::exception& error) {  // not a line of an audit log
      std::cout << error.what() << std::endl;
      return false;
    }
  }

  std::map<std::string, std::string> missing_;
  report::AuditTotals totals_;
  std::uint64_t records_ = 0;
  std::uint64_t wrong_ = 0;
};

bool compare_log(const fake_mta::Daemon& daemon, const Sent& sent) {
  std::map<std::string, std::uint64_t> lines =
      load::count_lines(daemon.lines(), {{"finding", " action=rewritten "},
                                         {"finding", " action=would-rewrite "},
                                         {"finding", " action=reported "},
                                         {"log-only", "log-only for this session"},
                                         {"reload", "reloaded old-sessions="},
                                         {"rotation", "audit-log opened"},
                                         {"start", "serving "},
                                         {"stop", "stopp"}});
  const bool is_right =
      row("log: log-only", static_cast<double>(lines["log-only"]), static_cast<double>(sent.log_only));
  return row("log: other", static_cast<double>(lines["other"]), 0) && is_right;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read(argc, argv);
  load::LoadedDaemon daemon;
  if (!daemon.start("mode = rewrite\n", options.family)) return 1;
  const auto began = steady_clock::now();
  Run run(options, daemon.address());
  {
    const Signals signals(daemon);
    run.send();
  }
  const Sent& sent = run.sent();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began).count();

  std::printf("%-62s %12s %12s\n", "", "counted", "sent");
  bool is_right = row("sessions that failed", static_cast<double>(run.failures()), 0);
  load::Samples counted;
  if (daemon.daemon().running()) counted = daemon.scrape();
  is_right &= compare_metrics(counted, sent);
  is_right &= row("exit status", daemon.daemon().stop(), 0);
  is_right &= AuditLog(daemon, sent).compare(sent);
  is_right &= compare_log(daemon.daemon(), sent);
  if (!options.session && sent.messages() < options.messages) {
    std::cout << "fewer messages than the " << options.messages << " that were asked for\n";
    is_right = false;
  }
  std::cout << sent.messages() << " messages of " << sent.begun << " begun, " << sent.edits << " edits, "
            << sent.sessions << " sessions, " << sent.quit_ncs << " QUIT_NC, "
            << counted["reloads_total{result=\"taken\"}"] << " reloads in " << std::lround(seconds)
            << " s: " << (is_right ? "all right" : "WRONG") << '\n';
  return is_right ? 0 : 1;
}
