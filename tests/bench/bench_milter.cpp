// The daemon against a libmilter filter that does nothing, both driven by the fake MTA in turn, in one run.
// Ends with lines "target: ..." for tests/bench/run.
//
//   bench_milter [ROUNDS]

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "daemon.h"
#include "fake_mta.h"
#include "sample.h"
#include "tests/eml.h"

namespace {

using std::chrono::steady_clock;
using Nanoseconds = std::chrono::nanoseconds;

/// How one round is driven.
struct Load {
  const char* name;
  int connections;
  int sessions;  ///< one after the other, on each connection's thread
  int messages;  ///< in each session
  int affected_percent;
};

struct Measured {
  double messages_a_second = 0;
  double cpu_microseconds = 0;  ///< of the filter, a message
  double p50_microseconds = 0;  ///< of the end of message
  double p99_microseconds = 0;
};

/// One filter, running.
struct Filter {
  std::string name;
  fake_mta::SocketDirectory directory;
  std::string address = "unix:" + (directory / "s");
  fake_mta::Daemon daemon;
  fake_mta::Terms wish;

  Filter(std::string filter_name, const char* program, std::vector<std::string> arguments,
         unsigned long descriptors = 0)
      : name(std::move(filter_name)), daemon(program, with_address(std::move(arguments)), descriptors) {
    if (!daemon.ready()) throw std::runtime_error(name + " does not start: " + daemon.errors());
    wish = fake_mta::Session(address).negotiate();
  }

 private:
  std::vector<std::string> with_address(std::vector<std::string> arguments) const {
    for (std::string& argument : arguments)
      if (argument.ends_with("unix:")) argument += address.substr(5);
    return arguments;
  }
};

Filter noop() {
  return {"no-op", NOOP_MILTER, {"unix:"}};
}

Filter ours(unsigned long descriptors = 0) {
  std::vector<std::string> arguments = {"--config", "/dev/null", "--log=stderr", "--socket=unix:"};
  if (geteuid() == 0) arguments.push_back("--user=nobody");
  return {"msgid-milter", MSGID_MILTER, std::move(arguments), descriptors};
}

fake_mta::Message message(int n, bool affected) {
  fake_mta::Message message;
  message.queue_id = "4cVq2S" + std::to_string(1000 + n);
  message.fields = eml::header_of(affected ? sample::affected_header(n) : sample::clean_header(n));
  return message;
}

fake_mta::Session open_session(const Filter& filter) {
  fake_mta::Session mta(filter.address);
  mta.negotiate();
  mta.connect_info("mail-db8eur05on2104.outbound.example.net", "192.0.2.104");
  mta.helo("mail-db8eur05on2104.outbound.example.net");
  return mta;
}

double micro(Nanoseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

Measured drive(Filter& filter, const Load& load) {
  std::vector<fake_mta::Message> messages;
  for (int n = 0; n < 100; ++n) messages.push_back(message(n, n < load.affected_percent));
  std::vector<std::vector<Nanoseconds>> latencies(static_cast<std::size_t>(load.connections));
  const auto client = [&](std::vector<Nanoseconds>& times) {
    for (int s = 0; s < load.sessions; ++s) {
      fake_mta::Session mta = open_session(filter);
      for (int n = 0; n < load.messages; ++n) {
        const fake_mta::Message& sent = messages[static_cast<std::size_t>((s * load.messages + n * 37) % 100)];
        mta.begin(sent);
        const auto before = steady_clock::now();
        mta.end_of_message();
        times.push_back(steady_clock::now() - before);
      }
      mta.quit();
    }
  };
  const Nanoseconds cpu_before = filter.daemon.cpu();
  const auto begin = steady_clock::now();
  std::vector<std::thread> threads;
  for (auto& times : latencies) threads.emplace_back(client, std::ref(times));
  for (std::thread& thread : threads) thread.join();
  const Nanoseconds elapsed = steady_clock::now() - begin;
  const Nanoseconds cpu = filter.daemon.cpu() - cpu_before;

  std::vector<Nanoseconds> all;
  for (const auto& times : latencies) all.insert(all.end(), times.begin(), times.end());
  std::sort(all.begin(), all.end());
  const auto count = static_cast<double>(all.size());
  return {count * 1e6 / micro(elapsed), micro(cpu) / count, micro(all[all.size() / 2]),
          micro(all[all.size() * 99 / 100])};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Measured median(const std::vector<Measured>& rounds) {
  const auto of = [&](double Measured::*figure) {
    std::vector<double> values;
    for (const Measured& round : rounds) values.push_back(round.*figure);
    return median(std::move(values));
  };
  return {of(&Measured::messages_a_second), of(&Measured::cpu_microseconds), of(&Measured::p50_microseconds),
          of(&Measured::p99_microseconds)};
}

void print(const char* load, const std::string& filter, const Measured& figure) {
  std::printf("%-34s %-13s %9.0f %9.1f %9.1f %9.1f\n", load, filter.c_str(), figure.messages_a_second,
              figure.cpu_microseconds, figure.p50_microseconds, figure.p99_microseconds);
}

/// Both in turn, `rounds` times. Returns the median of the rounds' ratios of CPU a message, ours to the no-op's.
double compare(Filter& nothing, Filter& filter, const Load& load, int rounds) {
  std::vector<Measured> of_nothing;
  std::vector<Measured> of_filter;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) of_nothing.push_back(drive(nothing, load));
    of_filter.push_back(drive(filter, load));
    if (round % 2 == 1) of_nothing.push_back(drive(nothing, load));
    ratios.push_back(of_filter.back().cpu_microseconds / of_nothing.back().cpu_microseconds);
  }
  const Measured a = median(of_nothing);
  const Measured b = median(of_filter);
  const double ratio = median(ratios);
  print(load.name, nothing.name, a);
  print(load.name, filter.name, b);
  std::printf("%-34s %-13s %9.2f %9.2f %9.2f %9.2f\n", load.name, "ratio", b.messages_a_second / a.messages_a_second,
              ratio, b.p50_microseconds / a.p50_microseconds, b.p99_microseconds / a.p99_microseconds);
  return ratio;
}

/// Opens that many sessions and sends a message through each while all are open. The number that were served rightly.
int serve_at_once(Filter& filter, int sessions) {
  std::vector<fake_mta::Session> open;
  int served = 0;
  try {
    for (int i = 0; i < sessions; ++i) open.push_back(open_session(filter));
    for (int i = 0; i < sessions; ++i) {
      const fake_mta::Outcome outcome = open[static_cast<std::size_t>(i)].send(message(i % 1000, i % 20 == 0));
      served += outcome.modifications.size() == (i % 20 == 0 ? 1u : 0u) ? 1 : 0;
    }
  } catch (const std::exception& error) {
    std::printf("after %zu sessions opened and %d served: %s\n", open.size(), served, error.what());
  }
  return served;
}

void target(const std::string& what, const std::string& measured, const std::string& wanted, bool met) {
  std::printf("target: %s | %s | %s | %s\n", what.c_str(), measured.c_str(), wanted.c_str(), met ? "met" : "MISSED");
}

std::string decimal(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
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

int run(int rounds) {
  Filter nothing = noop();
  Filter filter = ours();
  if (nothing.wish.actions != filter.wish.actions || steps_of(nothing.wish) != steps_of(filter.wish)) {
    std::printf("the no-op filter asks for other steps (%x, %x) than msgid-milter (%x, %x): not comparable\n",
                nothing.wish.actions, nothing.wish.protocol, filter.wish.actions, filter.wish.protocol);
    return 1;
  }
  std::printf("%-34s %-13s %9s %9s %9s %9s\n", "load", "filter", "msg/s", "CPU us", "p50 us", "p99 us");
  const double one = compare(nothing, filter, {"1 connection", 1, 10, 100, 0}, rounds);
  const double many = compare(nothing, filter, {"16 connections", 16, 2, 100, 0}, rounds);
  compare(nothing, filter, {"1 connection, 5 % affected", 1, 10, 100, 5}, rounds);
  compare(nothing, filter, {"16 connections, 5 % affected", 16, 2, 100, 5}, rounds);
  compare(nothing, filter, {"1 connection, 1 message a session", 1, 1000, 1, 0}, rounds);

  const auto mebibytes = [](const Filter& of) { return static_cast<double>(of.daemon.peak_memory_kib()) / 1024; };
  Filter nothing_200 = noop();
  Filter ours_200 = ours();
  const int served_200 = serve_at_once(ours_200, 200);
  serve_at_once(nothing_200, 200);
  const double memory_200 = mebibytes(ours_200);
  Filter ours_2000 = ours(1024);  // the soft limit most systems start a program with
  const int served_2000 = serve_at_once(ours_2000, 2000);
  std::printf("peak memory MiB, 200 sessions at once: no-op %.1f, msgid-milter %.1f; 2000: msgid-milter %.1f\n",
              mebibytes(nothing_200), memory_200, mebibytes(ours_2000));

  target("CPU a message, 1 connection, to the no-op filter's", decimal(one, 2), "<= 1.15", one <= 1.15);
  target("CPU a message, 16 connections, to the no-op filter's", decimal(many, 2), "<= 1.15", many <= 1.15);
  target("peak memory with 200 sessions", decimal(memory_200, 1) + " MiB", "< 12 MiB",
         served_200 == 200 && memory_200 < 12);
  target("2000 open sessions served, started with 1024 descriptors", std::to_string(served_2000), "2000",
         served_2000 == 2000);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  raise_descriptor_limit();
  try {
    return run(argc > 1 ? std::atoi(argv[1]) : 7);
  } catch (const std::exception& error) {
    std::printf("bench_milter: %s\n", error.what());
    return 1;
  }
}
