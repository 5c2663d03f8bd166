// The daemon for a long time, under a mixture of everything an MTA may do and much that none should; then its counters
// must be exactly what was sent, and its memory and descriptors what they were. tests/soak builds and runs it.
//
//   soak [MESSAGES [CONNECTIONS]]
//
// Of each kind of session so many of a hundred, drawn with fixed seeds; reloads twice a second; 100 sessions that say
// nothing from the beginning to the end, when each sends a message. Ends with status 1 where a number is wrong, the
// memory has grown, or the log has a line that was not to be expected.
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "daemon.h"
#include "load.h"
#include "soak_client.h"

namespace {

using fake_mta::Session;
using load::row;
using soak::Client;
using soak::Sent;
using std::chrono::steady_clock;

/// What is looked at over time.
struct Sample {
  long resident_kib = 0;
  long descriptors = 0;
  long threads = 0;
};

Sample sample(pid_t pid) {
  Sample made;
  const std::string directory = "/proc/" + std::to_string(pid);
  std::ifstream status(directory + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) made.resident_kib = std::atol(line.c_str() + 6);
    if (line.starts_with("Threads:")) made.threads = std::atol(line.c_str() + 8);
  }
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(directory + "/fd")) ++made.descriptors;
  return made;
}

void print_sample(const char* what, long first, long last, long most) {
  std::printf("%-40s first %9ld  last %9ld  most %9ld\n", what, first, last, most);
}

/// Waits until the daemon has accepted the reload, or two signals could become one.
void reload(load::LoadedDaemon& soaked, std::uint64_t number) {
  kill(soaked.daemon().pid(), SIGUSR1);
  kill(soaked.daemon().pid(), SIGHUP);
  for (int i = 0; i < 500 && soaked.scrape()["reloads_total{result=\"taken\"}"] <= static_cast<double>(number); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
}

/// Until so many messages are sent. Memory is first looked at once a tenth is: until then it is being warmed up.
std::vector<Sample> send_load(load::LoadedDaemon& soaked, Sent& sent, std::uint64_t wanted, unsigned connections,
                              std::uint64_t& reloads) {
  const auto is_over = [&] { return sent.messages() >= wanted || sent.errors >= 10; };
  std::vector<std::thread> clients;
  for (unsigned i = 0; i < connections; ++i) {
    clients.emplace_back([&, i] {
      Client client(soaked.address(), sent, 100 + i);
      while (!is_over()) client.one_session();
    });
  }
  std::vector<Sample> samples;
  auto told = steady_clock::now();
  while (!is_over() && soaked.daemon().running()) {
    reload(soaked, reloads++);
    if (sent.messages() >= wanted / 10) samples.push_back(sample(soaked.daemon().pid()));
    if (steady_clock::now() - told > std::chrono::seconds(30)) {
      told = steady_clock::now();
      std::printf("%llu messages\n", static_cast<unsigned long long>(sent.messages()));
      std::fflush(stdout);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  for (std::thread& client : clients) client.join();
  return samples;
}

bool compare_counters(const load::LoadedDaemon& soaked, const Sent& sent, std::uint64_t reloads) {
  std::printf("%-62s %12s %12s\n", "", "counted", "sent");
  std::map<std::string, double> counted = soaked.scrape();
  bool is_right = true;
  const auto compare = [&](const char* name, std::uint64_t number) {
    is_right &= row(name, counted[name], static_cast<double>(number));
  };
  compare("messages_total{outcome=\"clean\"}", sent.clean);
  compare("messages_total{outcome=\"affected\"}", sent.affected);
  compare("messages_total{outcome=\"unread\"}", sent.unread);
  compare("messages_total{outcome=\"exempt\"}", 0);
  compare("findings_total{rule=\"encoded-word\",action=\"rewritten\"}", sent.edits);
  compare("findings_total{rule=\"encoded-word\",action=\"failed\"}", 0);
  compare("failures_total{cause=\"header-size\"}", sent.unread);
  compare("failures_total{cause=\"exception\"}", 0);
  compare("failures_total{cause=\"audit-log\"}", 0);
  compare("callback_duration_seconds_count", sent.messages());
  compare("sessions_total", sent.sessions);
  compare("open_sessions", 0);
  compare("refused_connections_total", 0);
  compare("accept_pauses_total", 0);
  compare("failed_accepts_total", 0);
  compare("reloads_total{result=\"taken\"}", reloads);
  compare("reloads_total{result=\"refused\"}", 0);
  is_right &= row("wrong answers", static_cast<double>(sent.wrong_answers), 0);
  return row("sessions that failed", static_cast<double>(sent.errors), 0) && is_right;
}

bool compare_log(const fake_mta::Daemon& daemon, const Sent& sent, std::uint64_t reloads) {
  std::map<std::string, std::uint64_t> lines =
      load::count_lines(daemon.lines(), {{"rewritten", " action=rewritten "},
                                         {"header-size", "reason=header-size"},
                                         {"reloaded", "reloaded old-sessions="},
                                         {"audit-log opened", "audit-log opened"},
                                         {"start", "serving "},
                                         {"stop", "stopp"}});
  bool is_right = row("log: rewritten", static_cast<double>(lines["rewritten"]), static_cast<double>(sent.edits));
  is_right &= row("log: header-size", static_cast<double>(lines["header-size"]), static_cast<double>(sent.unread));
  is_right &= row("log: reloaded", static_cast<double>(lines["reloaded"]), static_cast<double>(reloads));
  return row("log: other", static_cast<double>(lines["other"]), 0) && is_right;
}

bool is_flat(const std::vector<Sample>& samples, const Sample& last) {
  Sample most = last;
  for (const Sample& one : samples) {
    most.resident_kib = std::max(most.resident_kib, one.resident_kib);
    most.descriptors = std::max(most.descriptors, one.descriptors);
    most.threads = std::max(most.threads, one.threads);
  }
  const Sample& first = samples.empty() ? last : samples.front();
  print_sample("VmRSS, KiB", first.resident_kib, last.resident_kib, most.resident_kib);
  print_sample("descriptors (at the end: no session)", first.descriptors, last.descriptors, most.descriptors);
  print_sample("threads", first.threads, last.threads, most.threads);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return true;  // what it remembers of memory is memory too
#else
  return most.resident_kib < first.resident_kib + first.resident_kib / 10 + 1024;
#endif
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const unsigned connections = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 8;
  load::LoadedDaemon soaked;
  if (!soaked.start("rule.encoded-word = fix\nheader-size = 8192\n")) return 1;
  const auto began = steady_clock::now();
  Sent sent;
  Client idler(soaked.address(), sent, 1);
  std::vector<Session> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(idler.begin());
  std::uint64_t reloads = 0;
  const std::vector<Sample> samples = send_load(soaked, sent, wanted, connections, reloads);
  for (Session& mta : idle) {
    idler.message(mta);
    mta.quit();
    mta.rest();
    ++sent.kinds[soak::stalled];
  }
  for (int i = 0; i < 1000 && soaked.scrape()["open_sessions"] > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));

  for (std::size_t i = 0; i < soak::kind_names.size(); ++i)
    std::printf("sessions %-53s %12llu\n", soak::kind_names[i], static_cast<unsigned long long>(sent.kinds[i]));
  bool is_right = compare_counters(soaked, sent, reloads);
  const Sample last = sample(soaked.daemon().pid());
  is_right &= row("exit status", soaked.daemon().stop(), 0);
  is_right &= compare_log(soaked.daemon(), sent, reloads);
  is_right &= is_flat(samples, last);
  std::printf("%llu messages in %.0f s: %s\n", static_cast<unsigned long long>(sent.messages()),
              std::chrono::duration<double>(steady_clock::now() - began).count(), is_right ? "all right" : "WRONG");
  return is_right ? 0 : 1;
}
