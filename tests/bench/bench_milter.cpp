// The daemon against other filters, each driven by the same load as Postfix makes it, in turn, in one run.
// Ends with lines "target: ..." for tests/bench/run.
//
//   bench_milter [ROUNDS [PART...]]      parts: many, one, pace, crowd, edits

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
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
  double p50 = 0;  ///< microseconds from the first octet to the verdict
  double p99 = 0;
};

double micro(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

/// Throws where the filter did not edit what it was to edit.
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

void print_row(const std::string& load, const std::string& filter, const Figures& figures, double ratio) {
  std::printf("%-37s %-26s %8.1f %8.2f %8.0f %8.0f %8.0f\n", load.c_str(), filter.c_str(), figures.cpu, ratio,
              figures.messages_a_second, figures.p50, figures.p99);
}

void print_head() {
  std::printf("%-37s %-26s %8s %8s %8s %8s %8s   (medians; ratio: msgid-milter's CPU to it)\n", "load", "filter",
              "CPU us", "ratio", "msg/s", "p50 us", "p99 us");
}

/// One thing in one round after the other.
using Figure = double Figures::*;

class Rounds {
 public:
  void add(const Figures& figures) { rounds_.push_back(figures); }

  double median_of(Figure figure) const {
    std::vector<double> values;
    for (const Figures& round : rounds_) values.push_back(round.*figure);
    return median(std::move(values));
  }
  Figures medians() const {
    return {median_of(&Figures::cpu), median_of(&Figures::messages_a_second), median_of(&Figures::p50),
            median_of(&Figures::p99)};
  }
  /// The median of the rounds' ratios.
  double ratio(Figure figure, const Rounds& to) const {
    std::vector<double> ratios;
    for (std::size_t round = 0; round < rounds_.size(); ++round)
      ratios.push_back(rounds_[round].*figure / (to.rounds_[round].*figure));
    return median(std::move(ratios));
  }

 private:
  std::vector<Figures> rounds_;
};

/// One load through several filters, the first of them ours.
class Comparison {
 public:
  /// All in turn, and the other way round the next time.
  Comparison(const std::string& name, const Peers& peers, const Load& load, int rounds) {
    for (const Peer* peer : peers) measure(*peer, {.messages = 500});
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t i = 0; i < peers.size(); ++i) {
        const Peer& peer = *peers[round % 2 == 0 ? i : peers.size() - 1 - i];
        rounds_[peer.name()].add(measure(peer, load));
      }
    }
    for (const Peer* peer : peers)
      print_row(name, peer->name(), rounds_[peer->name()].medians(), *ratio(&Figures::cpu, peer->name()));
  }

  double ratio(Figure figure, const Peer& peer, const Peer& to) const {
    return rounds_.at(peer.name()).ratio(figure, rounds_.at(to.name()));
  }
  /// Ours to the peer's; none where that did not run.
  std::optional<double> ratio(Figure figure, const std::string& to) const {
    if (!rounds_.contains(to)) return {};
    return ours().ratio(figure, rounds_.at(to));
  }
  const Rounds& ours() const { return rounds_.at(peers::our_name); }
  /// Messages a second of the filter that passed the fewest.
  double slowest() const {
    double slowest = ours().median_of(&Figures::messages_a_second);
    for (const auto& [name, rounds] : rounds_)
      slowest = std::min(slowest, rounds.median_of(&Figures::messages_a_second));
    return slowest;
  }

 private:
  std::map<std::string, Rounds> rounds_;
};

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 10 ? "%.2f" : "%.0f", value);
  return text;
}

enum class Is { at_most, at_least };

void target(const std::string& what, std::optional<double> value, Is is, double wanted, const std::string& unit = {}) {
  const bool is_met = value && (is == Is::at_most ? *value <= wanted : *value >= wanted);
  std::printf("target: %s | %s | %s%s%s | %s\n", what.c_str(), value ? (decimal(*value) + unit).c_str() : "-",
              is == Is::at_most ? "<= " : ">= ", decimal(wanted).c_str(), unit.c_str(),
              !value   ? "not installed"
              : is_met ? "met"
                       : "MISSED");
}

/// A row without a target.
void beside(const std::string& what, std::optional<double> value, const std::string& unit = {}) {
  std::printf("target: %s | %s | - |\n", what.c_str(), value ? (decimal(*value) + unit).c_str() : "-");
}

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
  Peers ours_and_nothing() const { return {ours.get(), libmilter.get(), epoll.get()}; }
};

std::string connections_in_words(int connections) {
  return std::to_string(connections) + (connections == 1 ? " connection" : " connections");
}

void many(const Filters& filters, int rounds) {
  for (const int connections : {1, 16}) {
    const std::string name = connections_in_words(connections) + ", 100 messages a session";
    const Comparison of(name, filters.all(), {.messages = 2000, .connections = connections}, rounds);
    target(name + ": CPU to no-op libmilter", of.ratio(&Figures::cpu, peers::libmilter_name), Is::at_most, 0.18);
    target("  to rspamd", of.ratio(&Figures::cpu, peers::rspamd_name), Is::at_most, 0.25);
    target("  to a no-op epoll loop", of.ratio(&Figures::cpu, peers::epoll_name), Is::at_most, 2.5);
    beside("  to pymilter", of.ratio(&Figures::cpu, peers::pymilter_name));
  }
}

void one(const Filters& filters, int rounds) {
  for (const int connections : {1, 16}) {
    const std::string name = connections_in_words(connections) + ", 1 message a session";
    const Load load = {.messages = 1000, .connections = connections, .messages_a_session = 1};
    const Comparison of(name, filters.all(), load, rounds);
    target(name + ": CPU to no-op libmilter", of.ratio(&Figures::cpu, peers::libmilter_name), Is::at_most, 0.35);
    target("  to rspamd", of.ratio(&Figures::cpu, peers::rspamd_name), Is::at_most, 0.5);
    target("  to a no-op epoll loop", of.ratio(&Figures::cpu, peers::epoll_name), Is::at_most, 2.5);
    beside("  to pymilter", of.ratio(&Figures::cpu, peers::pymilter_name));
  }
}

void pace(const Filters& filters, int rounds) {
  const Load load = {.messages = 1000, .messages_a_session = 1, .a_second = 500};
  const Comparison alone("500 a second", filters.ours_and_nothing(), load, rounds);
  const load::IdleSessions idle[] = {
      {filters.ours->address(), 2000}, {filters.libmilter->address(), 2000}, {filters.epoll->address(), 2000}};
  const Comparison crowded("500 a second beside 2000 idle", filters.ours_and_nothing(), load, rounds);
  for (const Comparison* of : {&alone, &crowded})
    if (of->slowest() < 0.95 * load.a_second) std::printf("the machine is too busy to hold that pace: no comparison\n");
  target("500 messages a second, 3 ms between commands: CPU to no-op libmilter",
         alone.ratio(&Figures::cpu, peers::libmilter_name), Is::at_most, 0.45);
  beside("  to a no-op epoll loop", alone.ratio(&Figures::cpu, peers::epoll_name));
  target("  beside 2000 idle sessions, to no-op libmilter there", crowded.ratio(&Figures::cpu, peers::libmilter_name),
         Is::at_most, 0.12);
  target("  to our own without them", crowded.ours().ratio(&Figures::cpu, alone.ours()), Is::at_most, 2);
}

/// MiB of the memory control group a process is in, with all that runs there.
std::optional<double> group_memory(pid_t pid) {
  std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const std::size_t name = line.find(':') + 1;
    const std::size_t path = line.find(':', name) + 1;
    const std::string kind = line.substr(name, path - name - 1);
    if (kind != "memory" && !kind.empty()) continue;
    std::ifstream file(kind.empty() ? "/sys/fs/cgroup" + line.substr(path) + "/memory.current"
                                    : "/sys/fs/cgroup/memory" + line.substr(path) + "/memory.usage_in_bytes");
    if (double octets = 0; file >> octets) return octets / (1 << 20);
  }
  return {};
}

void crowd(int rounds) {
  const auto ours = peers::ours();
  const auto libmilter = peers::noop_libmilter();
  const std::optional<double> group_before = group_memory(ours->daemon().pid());
  const load::IdleSessions of_ours(ours->address(), 3000);
  const std::optional<double> group_after = group_memory(ours->daemon().pid());
  const load::IdleSessions of_libmilter(libmilter->address(), 3000);
  const Comparison of("200 busy beside 3000 idle", {ours.get(), libmilter.get()},
                      {.messages = 10000, .connections = 200, .messages_a_session = 25}, rounds);
  target("200 busy beside 3000 idle sessions: messages/s to no-op libmilter",
         of.ratio(&Figures::messages_a_second, peers::libmilter_name), Is::at_least, 4);
  target("  p99 to no-op libmilter", of.ratio(&Figures::p99, peers::libmilter_name), Is::at_most, 0.125);
  target("  VmHWM", static_cast<double>(ours->daemon().peak_memory_kib()) / 1024, Is::at_most, 56, " MiB");
  if (group_before && group_after)
    beside("  memory of the control group, with all that runs in it, grows by", *group_after - *group_before, " MiB");
}

/// The same program, and the filter that does nothing, on libmilters that are built in other ways
/// (tests/libmilter/build).
void libmilters(const std::filesystem::path& directory, int rounds) {
  std::vector<std::unique_ptr<Peer>> ours, noop;
  ours.push_back(peers::ours());
  noop.push_back(peers::noop_libmilter());
  for (const char* name : {"symbolic", "no-pool", "select", "sid"}) {
    ours.push_back(peers::ours_on(directory / name));
    noop.push_back(peers::noop_libmilter_on(directory / name));
  }
  Peers all;
  for (std::size_t i = 0; i < ours.size(); ++i) all.insert(all.end(), {ours[i].get(), noop[i].get()});
  for (const int messages : {1, 100}) {
    for (const int connections : {1, 16}) {
      const std::string name = connections_in_words(connections) + ", " + std::to_string(messages) + " a session";
      const Comparison of(name, all, {.messages = 500, .connections = connections, .messages_a_session = messages},
                          rounds);
      for (std::size_t i = 0; i < ours.size(); ++i)
        target(name + ": " + ours[i]->name() + ": CPU to the other", of.ratio(&Figures::cpu, *ours[i], *noop[i]),
               Is::at_most, messages == 1 ? 0.35 : 0.18);
    }
  }
}

/// Messages all affected against none, through the same filter.
double affected_to_clean(const Peer& peer, const std::string& name, int rounds) {
  Rounds clean, affected;
  for (int round = -1; round < rounds; ++round) {
    const Figures a = measure(peer, {.messages = 2000, .affected_percent = 0});
    const Figures b = measure(peer, {.messages = 2000, .affected_percent = 100});
    if (round < 0) continue;  // warms up
    clean.add(a);
    affected.add(b);
  }
  print_row("all clean", name, clean.medians(), 1);
  print_row("all affected", name, affected.medians(), affected.ratio(&Figures::cpu, clean));
  return affected.ratio(&Figures::cpu, clean);
}

void edits(int rounds) {
  const double plain = affected_to_clean(*peers::ours(), "log = stderr", rounds);
  const double trail = affected_to_clean(*peers::ours_with_trail(), "log = stderr, trail", rounds);
  std::optional<double> syslog;
  if (const auto peer = peers::ours_with_syslog()) syslog = affected_to_clean(*peer, "log = syslog", rounds);
  target("an affected message to a clean one: CPU, log = stderr to /dev/null", plain, Is::at_most, 2);
  beside("  with an audit trail", trail);
  beside("  log = syslog", syslog);
}

void raise_descriptor_limit() {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
}

/// The protocol bits that make a difference: whether a step that is not sent would be answered makes none.
std::uint32_t steps_of(const fake_mta::Terms& wish) {
  namespace bit = fake_mta::bit;
  const std::pair<std::uint32_t, std::uint32_t> steps[] = {
      {bit::no_connect, bit::nr_connect}, {bit::no_helo, bit::nr_helo},       {bit::no_mail, bit::nr_mail},
      {bit::no_rcpt, bit::nr_rcpt},       {bit::no_data, bit::nr_data},       {bit::no_header, bit::nr_header},
      {bit::no_eoh, bit::nr_eoh},         {bit::no_unknown, bit::nr_unknown}, {bit::no_body, bit::nr_body}};
  std::uint32_t bits = wish.protocol;
  for (const auto& [no_bit, nr_bit] : steps)
    if ((bits & no_bit) != 0) bits &= ~nr_bit;
  return bits;
}

/// Whoever asks for something else is no yardstick.
bool is_comparable(const Peer& peer, const Peer& ours) {
  const fake_mta::Terms &its = peer.driver().terms(), &mine = ours.driver().terms();
  if (its.actions == mine.actions && steps_of(its) == steps_of(mine)) return true;
  std::printf("%s asks for other steps (%x, %x) than msgid-milter (%x, %x)\n", peer.name().c_str(), its.actions,
              its.protocol, mine.actions, mine.protocol);
  return false;
}

int run(int rounds, const std::vector<std::string>& parts) {
  const auto is_wanted = [&](const char* part) {
    return parts.empty() || std::find(parts.begin(), parts.end(), part) != parts.end();
  };
  const Filters filters;
  for (const Peer* peer : {filters.libmilter.get(), filters.epoll.get()})
    if (!is_comparable(*peer, *filters.ours)) return 1;
  if (filters.pymilter == nullptr) std::printf("skipped: pymilter: python3-milter is not installed\n");
  if (filters.rspamd == nullptr) std::printf("skipped: rspamd: it is not installed, or this is not root\n");
  print_head();
  if (is_wanted("many")) many(filters, rounds);
  if (is_wanted("one")) one(filters, rounds);
  if (is_wanted("pace")) pace(filters, (rounds + 1) / 2);
  if (is_wanted("crowd")) crowd(rounds);
  if (is_wanted("edits")) edits(rounds);
  if (const char* directory = std::getenv("MSGID_LIBMILTERS")) libmilters(directory, rounds);
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
