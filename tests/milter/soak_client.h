// What a hostile and a normal MTA send in the soak, and what must be counted by it.
#ifndef SOAK_CLIENT_H
#define SOAK_CLIENT_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "fake_mta.h"

namespace soak {

using Number = std::atomic<std::uint64_t>;

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
inline constexpr std::array<const char*, 10> kind_names = {
    "normal",       "with aborts",    "header too large",   "in one write",   "half-closed anywhere",
    "cut anywhere", "a wrong length", "an unknown command", "without a word", "stalled"};

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

class Client {
 public:
  Client(const std::string& address, Sent& sent, unsigned seed);

  /// Of a kind that is drawn.
  void one_session();

  fake_mta::Session begin();
  /// One in twenty is affected.
  void message(fake_mta::Session& mta);

 private:
  std::size_t below(std::size_t end);
  fake_mta::Terms drawn_terms(std::size_t one_of);
  void expect(const fake_mta::Outcome& outcome, std::size_t edits, Number& counter);
  void end(fake_mta::Session& mta);
  void count_raw(const std::vector<std::string>& packets, std::size_t octets);
  void one(Kind kind);
  void in_protocol(Kind kind);
  void in_octets(Kind kind);

  const std::string& address_;
  Sent& sent_;
  std::mt19937 random_;
  fake_mta::Message clean_;
  std::array<fake_mta::Message, 3> affected_;
  fake_mta::Message too_large_;
};

}  // namespace soak

#endif
