// The daemon against other filters, each driven by the same load as Postfix makes it, in turn, in one run.
// Ends with lines "target: ..." for tests/bench/run.
//
//   bench_milter [ROUNDS [PART...]]      parts: speed, single, pace, crowd, edits

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "load.h"
#include "peers.h"

namespace {

using load::Load;
using Nanoseconds = std::chrono::nanoseconds;
using Peers = std::vector<const Peer*>;

struct Figures {
  double cpu = 0;  ///< microseconds of the filter, a message
  double messages_a_second = 0;
  double p50 = 0;  ///< microseconds from DATA to the verdict
  double p99 = 0;
};

double micro(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

Figures measure(const Peer& peer, const Load& load) {
  const Nanoseconds before = peer.cpu();
  load::Measured measured = peer.driver().drive(load);
  const Nanoseconds cpu = peer.cpu() - before;
  const int affected = load.messages * load.affected_percent / 100;
  if (measured.edited != (peer.edits() ? affected : 0))
    throw std::runtime_error(peer.name() + " edited " + std::to_string(measured.edited) + " messages, not " +
                             std::to_string(affected));
  std::vector<Nanoseconds>& times = measured.latencies;
  std::sort(times.begin(), times.end());
  const auto count = static_cast<double>(times.size());
  return {micro(cpu) / count, count / measured.seconds, micro(times[times.size() / 2]),
          micro(times[times.size() * 99 / 100])};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// What was measured, a row for each round.
class Comparison {
 public:
  /// All peers in turn, and the other way round the next time.
  Comparison(std::string name, const Peers& peers, const Load& load, int rounds) : name_(std::move(name)) {
    for (const Peer* peer : peers) measure(*peer, {.messages = std::min(load.messages, 500)});
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < peers.size(); ++i) {
        const Peer& peer = *peers[round % 2 == 0 ? i : peers.size() - 1 - i];
        rounds_[peer.name()].push_back(measure(peer, load));
      }
    }
    for (const Peer* peer : peers) print(peer->name(), peers.front()->name());
  }

  double of(const std::string& peer, double Figures::*figure) const {
    std::vector<double> values;
    for (const Figures& round : rounds_.at(peer)) values.push_back(round.*figure);
    return median(std::move(values));
  }
  /// The median of the rounds' ratios.
  std::optional<double> ratio(double Figures::*figure, const std::string& peer, const std::string& to) const {
    if (!rounds_.contains(peer) || !rounds_.contains(to)) return {};
    std::vector<double> ratios;
    for (std::size_t round = 0; round < rounds_.at(peer).size(); ++round)
      ratios.push_back(rounds_.at(peer)[round].*figure / (rounds_.at(to)[round].*figure));
    return median(std::move(ratios));
  }

 private:
  void print(const std::string& peer, const std::string& first) const {
    std::printf("%-34s %-18s %9.1f %8.2f %9.0f %9.0f %9.0f\n", name_.c_str(), peer.c_str(), of(peer, &Figures::cpu),
                *ratio(&Figures::cpu, first, peer), of(peer, &Figures::messages_a_second), of(peer, &Figures::p50),
                of(peer, &Figures::p99));
  }

  std::string name_;
  std::map<std::string, std::vector<Figures>> rounds_;
};

void print_head() {
  std::printf("%-34s %-18s %9s %8s %9s %9s %9s\n", "load", "filter", "CPU us", "first to", "msg/s", "p50 us", "p99 us");
}

std::string decimal(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

enum class Is { at_most, at_least };

void target(const std::string& what, std::optional<double> value, Is is, double wanted, const char* unit = "") {
  const std::string limit = (is == Is::at_most ? "<= " : ">= ") + decimal(wanted, wanted < 10 ? 2 : 0) + unit;
  const bool met = value && (is == Is::at_most ? *value <= wanted : *value >= wanted);
  std::printf("target: %s | %s | %s | %s\n", what.c_str(),
              value ? (decimal(*value, *value < 10 ? 2 : 1) + unit).c_str() : "-", limit.c_str(),
              !value ? "not installed" : met ? "met" : "MISSED");
}

constexpr const char* us = "msgid-milter";
constexpr const char* libmilter = "no-op libmilter";
constexpr const char* epoll = "no-op epoll loop";

struct Filters {
  std::unique_ptr<Peer> ours = peers::ours();
  std::unique_ptr<Peer> libmilter = peers::noop_libmilter();
  std::unique_ptr<Peer> epoll = peers::noop_epoll();
  std::unique_ptr<Peer> pymilter = peers::pymilter();
  std::unique_ptr<Peer> rspamd = peers::rspamd();

  Peers all() const {
    Peers peers;
    for (const auto* peer : {&ours, &libmilter, &epoll, &pymilter, &rspamd})
      if (*peer != nullptr) peers.push_back(peer->get());
    return peers;
  }
};

void speed(const Filters& filters, int rounds) {
  for (const int connections : {1, 16}) {
    const std::string name = std::to_string(connections) + (connections == 1 ? " connection" : " connections");
    const Comparison many(name + ", 100 a session", filters.all(), {.messages = 3200, .connections = connections}, rounds);
    target("CPU a message, " + name + ", to no-op libmilter's", many.ratio(&Figures::cpu, us, libmilter), Is::at_most, 0.18);
    target("  to rspamd's", many.ratio(&Figures::cpu, us, "rspamd"), Is::at_most, 0.25);
    target("  to the no-op epoll loop's", many.ratio(&Figures::cpu, us, epoll), Is::at_most, 2.5);
  }
}

void single(const Filters& filters, int rounds) {
  for (const int connections : {1, 16}) {
    const std::string name = std::to_string(connections) + (connections == 1 ? " connection" : " connections");
    const Comparison one(name + ", 1 a session", filters.all(),
                         {.messages = 2000, .connections = connections, .messages_a_session = 1}, rounds);
    target("CPU a message, one a session, " + name + ", to no-op libmilter's", one.ratio(&Figures::cpu, us, libmilter),
           Is::at_most, 0.35);
    target("  to rspamd's", one.ratio(&Figures::cpu, us, "rspamd"), Is::at_most, 0.5);
  }
}

void pace(const Filters& filters, int rounds) {
  const Load load = {.messages = 1000, .messages_a_session = 1, .a_second = 500};
  const Comparison alone("500 a second", {filters.ours.get(), filters.libmilter.get(), filters.epoll.get()}, load, rounds);
  target("CPU a message at 500 a second, to no-op libmilter's", alone.ratio(&Figures::cpu, us, libmilter), Is::at_most, 0.4);
  const load::IdleSessions a(filters.ours->address(), 2000), b(filters.libmilter->address(), 2000),
      c(filters.epoll->address(), 2000);
  const Comparison beside("500 a second beside 2000 idle", {filters.ours.get(), filters.libmilter.get(), filters.epoll.get()},
                          load, rounds);
  target("  beside 2000 idle sessions, to no-op libmilter's there", beside.ratio(&Figures::cpu, us, libmilter),
         Is::at_most, 0.12);
  target("  to our own without them", beside.of(us, &Figures::cpu) / alone.of(us, &Figures::cpu), Is::at_most, 2);
}

void crowd(int rounds) {
  const auto ours = peers::ours();
  const auto noop = peers::noop_libmilter();
  const load::IdleSessions a(ours->address(), 3000), b(noop->address(), 3000);
  const Comparison crowd("200 busy beside 3000 idle", {ours.get(), noop.get()}, {.messages = 10000, .connections = 200, .messages_a_session = 25},
                         rounds);
  target("messages/s, 200 busy beside 3000 idle, to no-op libmilter's", crowd.ratio(&Figures::messages_a_second, us, libmilter),
         Is::at_least, 4);
  target("  p99, to no-op libmilter's", crowd.ratio(&Figures::p99, us, libmilter), Is::at_most, 0.125);
  target("  peak memory", static_cast<double>(ours->daemon().peak_memory_kib()) / 1024, Is::at_most, 56, " MiB");
}

void edits(int rounds) {
  const auto ours = peers::ours();
  for (int round = 0; round < rounds; ++round) {
    const Figures clean = measure(*ours, {.messages = 3200, .affected_percent = 0});
    const Figures affected = measure(*ours, {.messages = 3200, .affected_percent = 100});
    std::printf("clean %.1f affected %.1f\n", clean.cpu, affected.cpu);
  }
}

void raise_descriptor_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

int run(int rounds, const std::vector<std::string>& parts) {
  const auto wanted = [&](const char* part) { return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end(); };
  const Filters filters;
  print_head();
  if (wanted("speed")) speed(filters, rounds);
  if (wanted("single")) single(filters, rounds);
  if (wanted("pace")) pace(filters, rounds);
  if (wanted("crowd")) crowd(rounds);
  if (wanted("edits")) edits(rounds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  raise_descriptor_limit();
  try {
    return run(argc > 1 ? std::atoi(argv[1]) : 7, {argv + std::min(argc, 2), argv + argc});
  } catch (const std::exception& error) {
    std::printf("bench_milter: %s\n", error.what());
    return 1;
  }
}
