// A session of a strange but legal MTA: any offer, any order of steps that the protocol allows, aborts anywhere, clean
// and damaged fields, packets written in pieces of any size. All that it sends is drawn from a seed and the session's
// number, so that a session can be repeated.
#ifndef FAKE_MTA_STRANGE_SESSION_H
#define FAKE_MTA_STRANGE_SESSION_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fake_mta.h"
#include "tests/random_fields.h"

namespace strange {

/// What was sent, and what the daemon must have counted.
struct Sent {
  std::uint64_t sessions = 0;  ///< begun: negotiated, and once more after QUIT_NC
  std::uint64_t log_only = 0;  ///< negotiations in which the MTA did not offer to change fields
  std::uint64_t begun = 0;     ///< messages begun; some of them were aborted or given up
  std::uint64_t clean = 0;     ///< messages without findings
  std::uint64_t edits = 0;     ///< edits received, each as expected
  std::uint64_t quit_ncs = 0;
  std::map<std::string, std::string> affected;    ///< client addresses of messages with findings, by queue id
  std::map<std::string, std::uint64_t> findings;  ///< by name and labels of their metric

  std::uint64_t messages() const { return clean + affected.size(); }
  void add(const Sent& more);
};

/// Begins a session in which the daemon leaves out each step that it can. libmilter (8.17.1) has one table of states
/// for all sessions: a step that one session leaves out may be left out in all sessions from then on. After this
/// session the table stays the same, so no answer depends on which session is first.
void send_widest_session(const std::string& address, Sent& sent);

class Session {
 public:
  Session(const std::string& address, std::uint64_t seed, std::uint64_t number);

  /// Throws std::runtime_error that names the steps and what is wrong with an answer.
  Sent run();

 private:
  /// The state of libmilter after the last step, as far as QUIT_NC and ABORT depend on it.
  enum class Place { greeting, transaction, ended, unknown, aborted };

  bool one_in(std::size_t count) { return random_.below(count) == 0; }
  bool is_agreed(std::uint32_t bit) const { return (agreed_.protocol & bit) != 0; }

  void negotiate();
  void write_in_pieces(std::uint64_t seed);

  void draw_steps();
  bool draw_transaction();
  bool draw_quit_nc();
  void add_step(char step);

  void draw_message();
  msgid::Field draw_field(bool is_clean);
  std::string draw_body(bool is_list);

  void send(char step);
  fake_mta::Session::Reply send_connection();
  void send_fields(std::size_t count);
  void end_message();
  std::string failure(const std::string& what) const;

  const std::string name_;  ///< unique in a run, and the beginning of the queue ids
  random_fields::Random random_;
  random_fields::DamagedList damaged_list_{random_};
  fake_mta::Session mta_;
  fake_mta::Terms offer_;
  fake_mta::Terms agreed_;

  std::string steps_;  ///< see draw_steps()
  std::size_t at_ = 0;
  Place place_ = Place::greeting;
  std::string client_;  ///< the address of the client that the daemon knows

  fake_mta::Message message_;
  bool has_crlf_ = false;  ///< folds are CRLF, as in old documents of Sendmail
  msgid::FieldList read_;  ///< fields sent so far, as the daemon must read them
  Sent sent_;
};

}  // namespace strange

#endif
