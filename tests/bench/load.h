// A load as Postfix 3.7.11 makes it (2026-11-22, seen with strace), cheap enough to drive 200 busy sessions beside 3000
// idle ones from one thread: the octets of a message are made once, and written in the pieces in which Postfix writes
// them. smtpd writes what gathered up to DATA, cleanup the header and the end once it has the message, smtpd again two
// aborts and the quit.
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "fake_mta.h"

namespace load {

struct Load {
  int messages = 0;
  int connections = 1;
  int messages_a_session = 100;
  int affected_percent = 5;
  int a_second = 0;  ///< messages, in as many sessions as that needs, 3 ms between SMTP commands; 0: as fast as it goes
};

struct Measured {
  double seconds = 0;
  int edited = 0;                                   ///< messages
  std::vector<std::chrono::nanoseconds> latencies;  ///< from the first octet to the verdict, without the pauses
};

/// What one write() of the MTA holds.
struct Piece {
  std::string octets;
  int commands = 0;  ///< SMTP commands that have come since the piece before
  bool wants_answer = false;
};
using Script = std::vector<Piece>;

/// A message as it is sent to a filter with which these terms were negotiated.
Script script(const fake_mta::Terms& terms, const fake_mta::Message& message, bool is_first_of_session);

/// Open sessions that have passed one message each and now wait.
class IdleSessions {
 public:
  IdleSessions(const std::string& address, int count);
  ~IdleSessions();
  IdleSessions(const IdleSessions&) = delete;
  IdleSessions& operator=(const IdleSessions&) = delete;

 private:
  std::vector<fake_mta::Session> sessions_;
};

/// Messages ready to be sent to one filter.
class Driver {
 public:
  /// `address` as of fake_mta::Session: a UNIX socket.
  explicit Driver(std::string address);

  const fake_mta::Terms& terms() const { return terms_; }
  /// Throws where the filter fails.
  Measured drive(const Load& load) const;

  struct Scripts {
    Script first;  ///< of its session
    Script later;
  };

 private:
  std::string address_;
  fake_mta::Terms terms_;
  std::vector<Scripts> clean_;
  std::vector<Scripts> affected_;
};

}  // namespace load

#endif
