// The daemon for a long time, under a mixture of everything an MTA may do and much that none should; then its counters
// must be exactly what was sent, and its memory and descriptors what they were. tests/soak builds and runs it.
//
//   soak [MESSAGES [CONNECTIONS]]
//
// Of each kind of session so many of a hundred, drawn with fixed seeds; reloads twice a second; 100 sessions that say
// nothing from the beginning to the end, when each sends a message. Ends with status 1 where a number is wrong, the
// memory has grown, or the log has a line that was not to be expected.
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <sstream>
#include <thread>

#include "octets.h"
#include "service.h"
#include "tests/eml.h"

namespace {

using fake_mta::Message;
using fake_mta::Modification;
using fake_mta::Outcome;
using fake_mta::Session;
using std::chrono::steady_clock;
namespace code = fake_mta::code;

using Number = std::atomic<std::uint64_t>;

/// What was sent, and what the daemon must have counted by it.
struct Sent {
  Number clean = 0;
  Number affected = 0;
  Number unread = 0;
  Number edits = 0;
  Number sessions = 0;  ///< begun: negotiated, and once more after SMFIC_QUIT_NC
  std::array<Number, 10> kinds = {};
  Number wrong_answers = 0;
  Number errors = 0;

  std::uint64_t messages() const { return clean + affected + unread; }
};

enum Kind {
  normal,
  aborted,
  too_large,
  pipelined,
  half_closed,
  hung_up,
  wrong_length,
  unknown_command,
  silent,
  stalled
};
constexpr std::array<const char*, 10> kind_names = {
    "normal",       "with aborts",    "header too large",   "in one write",   "half-closed anywhere",
    "cut anywhere", "a wrong length", "an unknown command", "without a word", "stalled"};

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

Message affected_message(std::size_t fields) {
  std::string header = "From: a@example.com\nX-Mailer: Python\n";
  for (const char* name : {"Message-ID:", "In-Reply-To:", "References:"})
    if (fields-- > 0)
      header.append(name).append(encoded_body).append("\n");
    else
      break;
  Message made;
  made.fields = eml::header_of(header);
  return made;
}

Message clean_message_of_20_fields() {
  std::string header = "Message-ID: <clean.1@example.com>\nReferences: <a@example.com>\n\t<b@example.com>\n";
  for (int i = 0; i < 18; ++i) header += "X-Field-" + std::to_string(i) + ": something that is of no interest\n";
  Message made;
  made.fields = eml::header_of(header);
  return made;
}

/// Over the header-size that the daemon is started with.
Message too_large_message() {
  Message made = affected_message(1);
  for (int i = 0; i < 3; ++i)
    made.fields.push_back({"References", " <" + std::string(3000, 'x') + "@example.com>", i + 1});
  return made;
}

class Client {
 public:
  Client(const std::string& address, Sent& sent, unsigned seed) : address_(address), sent_(sent), random_(seed) {}

  void one_session() {
    const std::size_t draw = below(random_, 100);
    const Kind kind = draw < 70   ? normal
                      : draw < 76 ? aborted
                      : draw < 79 ? too_large
                      : draw < 83 ? pipelined
                      : draw < 88 ? half_closed
                      : draw < 92 ? hung_up
                      : draw < 95 ? wrong_length
                      : draw < 98 ? unknown_command
                                  : silent;
    ++sent_.kinds[kind];
    try {
      one(kind);
    } catch (const std::exception& error) {
      if (++sent_.errors < 10) std::fprintf(stderr, "%s: %s\n", kind_names[kind], error.what());
    }
  }

  Session begin() {
    Session mta(address_);
    mta.negotiate(below(random_, 10) == 0 ? replies_wanted : fake_mta::Terms{});
    ++sent_.sessions;
    mta.connect_info("mail.example.com", "192.0.2.1");
    mta.helo("mail.example.com");
    return mta;
  }

  void message(Session& mta) {
    const std::size_t draw = below(random_, 100);
    if (draw >= 5) {
      expect(mta.send(clean_), 0, sent_.clean);
    } else {
      const std::size_t fields = 1 + draw % 3;
      expect(mta.send(affected_[fields - 1]), fields, sent_.affected);
    }
  }

 private:
  static constexpr fake_mta::Terms replies_wanted = {6, fake_mta::action::all, 0x7f};

  void expect(const Outcome& outcome, std::size_t edits, Number& counter) {
    bool is_right = outcome.modifications.size() == edits && outcome.verdict == code::go_on;
    for (const Modification& edit : outcome.modifications)
      is_right = is_right && edit.instance == 1 && edit.body.ends_with(decoded_id);
    sent_.wrong_answers += is_right ? 0 : 1;
    sent_.edits += edits;
    ++counter;
  }

  void end(Session& mta) {
    mta.quit();
    if (!mta.rest().empty()) ++sent_.wrong_answers;
  }

  /// The first `octets` of a session of two messages, one of them affected: what is counted of it.
  void count_raw(const std::vector<std::string>& packets, std::size_t octets) {
    std::size_t end = 0;
    bool is_affected = false;
    bool is_new = false;
    for (const std::string& packet : packets) {
      end += packet.size();
      if (end > octets) return;
      const char command = packet[4];
      is_affected = is_affected || (command == code::header && packet.find("=?utf-8?q?") != packet.npos);
      sent_.sessions += command == code::negotiate || (command == code::connect && is_new) ? 1 : 0;
      is_new = command == code::quit_new_connection;
      if (command != code::end_of_message) continue;
      ++(is_affected ? sent_.affected : sent_.clean);
      sent_.edits += is_affected ? 1 : 0;
      is_affected = false;
    }
  }

  void one(Kind kind) {
    const std::vector<std::string> packets =
        hostile::whole_session(below(random_, 2) == 0 ? replies_wanted : fake_mta::Terms{});
    const std::string octets = hostile::joined(packets);
    switch (kind) {
      case normal: {
        Session mta = begin();
        for (std::size_t i = 1 + below(random_, below(random_, 4) == 0 ? 100 : 5); i-- > 0;) message(mta);
        return end(mta);
      }
      case aborted: {
        Session mta = begin();
        mta.begin(affected_[0]);
        mta.abort();
        message(mta);
        mta.mail("<a@example.com>");
        mta.abort();
        message(mta);
        return end(mta);
      }
      case too_large: {
        Session mta = begin();
        expect(mta.send(too_large_), 0, sent_.unread);
        message(mta);
        return end(mta);
      }
      case pipelined:
        count_raw(packets, octets.size());
        Session(address_).exchange(octets);
        return;
      case half_closed: {
        const std::size_t cut = below(random_, octets.size());
        count_raw(packets, cut);
        Session(address_).exchange(std::string_view(octets).substr(0, cut));
        return;
      }
      case hung_up: {
        // Before the first message ends: what of an end is still counted when nobody takes its answer, is not certain.
        std::size_t most = 0;
        for (std::size_t i = 0; packets[i][4] != code::end_of_message; ++i) most += packets[i].size();
        const std::size_t cut = below(random_, most);
        // Of an affected message without an end nothing is counted.
        count_raw(packets, cut);
        Session mta(address_);
        mta.send_raw(std::string_view(octets).substr(0, cut));
        return;
      }
      case wrong_length: {
        constexpr std::array<std::uint32_t, 8> lengths = {0,          1,          65535,      65537,
                                                          0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
        ++sent_.sessions;
        Session(address_).exchange(
            hostile::offer() + hostile::command(code::connect) + hostile::command(code::mail) +
            hostile::packet_of_length(lengths[below(random_, lengths.size())], code::header, "x"));
        return;
      }
      case unknown_command:
        ++sent_.sessions;
        Session(address_).exchange(hostile::offer() + hostile::command(code::connect) + hostile::command(code::mail) +
                                   hostile::packet(static_cast<char>(128 + below(random_, 128))));
        return;
      case silent:
        Session(address_).hang_up();
        return;
      case stalled:
        return;
    }
  }

  const std::string& address_;
  Sent& sent_;
  Random random_;
  const Message clean_ = clean_message_of_20_fields();
  const std::array<Message, 3> affected_ = {affected_message(1), affected_message(2), affected_message(3)};
  const Message too_large_ = too_large_message();
};

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

std::map<std::string, double> scrape(int port) {
  std::map<std::string, double> samples;
  std::istringstream lines(
      Session("inet:" + std::to_string(port) + "@127.0.0.1").exchange("GET /metrics HTTP/1.1\r\n\r\n"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.rfind(' ');
    if (line.starts_with("msgid_milter_")) samples[line.substr(13, space - 13)] = std::atof(line.c_str() + space + 1);
  }
  return samples;
}

/// One number against another, as a row of the table.
bool row(const std::string& what, double is, double should_be) {
  std::printf("%-62s %12.0f %12.0f  %s\n", what.c_str(), is, should_be, is == should_be ? "" : "WRONG");
  return is == should_be;
}

void row(const char* what, long first, long last, long most) {
  std::printf("%-40s first %9ld  last %9ld  most %9ld\n", what, first, last, most);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t wanted = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
  const unsigned connections = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 8;
  const fake_mta::SocketDirectory directory;
  const std::string address = "unix:" + (directory / "s");
  std::ofstream(directory / "conf") << "rule.encoded-word = fix\nheader-size = 8192\n";
  int port = 0;
  std::optional<fake_mta::Daemon> started;
  // Somebody may take the port between our look and the daemon's.
  for (int attempt = 0; attempt < 5 && (!started || !started->ready()); ++attempt) {
    port = fake_mta::free_port();
    std::vector<std::string> options = {"--log=stderr", "--config=" + (directory / "conf"), "--socket=" + address,
                                        "--audit-log=" + (directory / "trail"), "--metrics=" + std::to_string(port)};
    if (geteuid() == 0) options.emplace_back("--user=nobody");
    started.emplace(MSGID_MILTER, options);
  }
  if (!started->ready()) {
    std::fprintf(stderr, "%s", started->errors().c_str());
    return 1;
  }
  fake_mta::Daemon& daemon = *started;

  Sent sent;
  Client idler(address, sent, 1);
  std::vector<Session> idle;
  for (int i = 0; i < 100; ++i) idle.push_back(idler.begin());
  std::vector<std::thread> clients;
  for (unsigned i = 0; i < connections; ++i) {
    clients.emplace_back([&, i] {
      Client client(address, sent, 100 + i);
      while (sent.messages() < wanted && sent.errors < 10) client.one_session();
    });
  }

  // Memory is first looked at once a tenth is done: until then it is being warmed up.
  std::vector<Sample> samples;
  std::uint64_t reloads = 0;
  auto next = steady_clock::now();
  const auto began = next;
  while (sent.messages() < wanted && sent.errors < 10 && daemon.running()) {
    kill(daemon.pid(), reloads % 2 == 0 ? SIGHUP : SIGUSR1);
    // Each is waited for, or two signals could become one.
    for (int i = 0; i < 10'000; ++i) {
      std::uint64_t seen = 0;
      if (i % 20 == 0) seen = static_cast<std::uint64_t>(scrape(port)["reloads_total{result=\"taken\"}"]);
      if (seen > reloads) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ++reloads;
    if (sent.messages() >= wanted / 10) samples.push_back(sample(daemon.pid()));
    if (steady_clock::now() - next > std::chrono::seconds(30)) {
      next = steady_clock::now();
      std::printf("%llu messages\n", static_cast<unsigned long long>(sent.messages()));
      std::fflush(stdout);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  for (std::thread& client : clients) client.join();
  const double seconds = std::chrono::duration<double>(steady_clock::now() - began).count();
  for (Session& mta : idle) {
    idler.message(mta);
    mta.quit();
    mta.rest();
  }
  sent.kinds[stalled] = idle.size();
  for (int i = 0; i < 1000 && scrape(port)["open_sessions"] > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));

  bool is_right = true;
  for (std::size_t i = 0; i < kind_names.size(); ++i)
    std::printf("sessions %-53s %12llu\n", kind_names[i], static_cast<unsigned long long>(sent.kinds[i]));
  std::printf("%-62s %12s %12s\n", "", "counted", "sent");
  std::map<std::string, double> counted = scrape(port);
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
  compare("reloads_total{result=\"taken\"}", reloads);
  compare("reloads_total{result=\"refused\"}", 0);
  is_right &= row("wrong answers", static_cast<double>(sent.wrong_answers), 0);
  is_right &= row("sessions that failed", static_cast<double>(sent.errors), 0);

  const Sample last = sample(daemon.pid());
  is_right &= row("exit status", daemon.stop(), 0);
  std::map<std::string, std::uint64_t> lines;
  for (const std::string& line : daemon.lines()) {
    const auto has = [&](const char* part) { return line.find(part) != line.npos; };
    const char* const kind = has(" action=rewritten ")         ? "rewritten"
                             : has("reason=header-size")       ? "header-size"
                             : has("reloaded old-sessions=")   ? "reloaded"
                             : has("audit-log opened again")   ? "audit-log opened again"
                             : has("serving ") || has("stopp") ? "start and stop"
                                                               : "other";
    if (++lines[kind] <= 5 && std::string(kind) == "other") std::printf("%s\n", line.c_str());
  }
  is_right &= row("log: rewritten", static_cast<double>(lines["rewritten"]), static_cast<double>(sent.edits));
  is_right &= row("log: header-size", static_cast<double>(lines["header-size"]), static_cast<double>(sent.unread));
  is_right &= row("log: reloaded", static_cast<double>(lines["reloaded"]), static_cast<double>(reloads));
  is_right &= row("log: other", static_cast<double>(lines["other"]), 0);

  if (samples.empty()) samples.push_back(last);
  Sample most;
  for (const Sample& one : samples) {
    most.resident_kib = std::max(most.resident_kib, one.resident_kib);
    most.descriptors = std::max(most.descriptors, one.descriptors);
    most.threads = std::max(most.threads, one.threads);
  }
  const Sample& first = samples.front();
  row("VmRSS, KiB", first.resident_kib, last.resident_kib, most.resident_kib);
  row("descriptors (at the end: no session)", first.descriptors, last.descriptors, most.descriptors);
  row("threads", first.threads, last.threads, most.threads);
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  const bool is_flat = true;  // what it remembers of memory is memory too
#else
  const bool is_flat = most.resident_kib < first.resident_kib + first.resident_kib / 10 + 1024;
#endif
  if (!is_flat) std::printf("the memory has grown\n");
  std::printf("%llu messages in %.0f s\n", static_cast<unsigned long long>(sent.messages()), seconds);
  return is_right && is_flat ? 0 : 1;
}
