// The log: one method for each event an administrator can see, each one line.
//
// A line about a message begins with its queue id; what follows is key=value. What comes from outside is
// escaped and cut, so that no mail can forge a line or a key: in double quotes `"` and `\` have a `\`
// before them; everywhere octets under 32 and over 126 are written \xHH, and so is a comma in an item of a list. A
// value is cut at 400 octets, with "..." behind it.
#ifndef MSGID_REPORT_LOG_H
#define MSGID_REPORT_LOG_H

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace report {

enum class Severity { info, warning, error };

/// So many findings of one message are logged, and recorded in the audit trail; more are counted: a header full of
/// broken fields must not fill the disk.
inline constexpr std::size_t max_findings = 50;

/// Takes one line, without its end. Called by many threads at once; must neither throw nor wait (log_writer.h).
using LogSink = std::function<void(Severity, std::string_view line)>;

/// What was known of the message when the line was written. Empty where it was not.
struct MessageContext {
  std::string_view queue_id;
  std::string_view client_name;
  std::string_view client_address;
  std::string_view sender;  ///< the envelope sender as the MTA shows it: Postfix leaves the brackets out for local mail
  std::string_view agent;   ///< the body of User-Agent or X-Mailer
  bool is_exempt = false;   ///< out of scope: inspected for the log only
};

/// What has become of a finding.
enum class Outcome {
  rewritten,
  would_rewrite,  ///< log-only, or out of scope
  reported,
  failed,  ///< the MTA did not take the edit
};

inline constexpr std::array all_outcomes = {Outcome::rewritten, Outcome::would_rewrite, Outcome::reported,
                                            Outcome::failed};

/// As in the log and in the audit trail: "rewritten", "would-rewrite", "reported", "failed".
std::string_view name_of(Outcome outcome) noexcept;

/// The reason that goes with it; may be empty.
std::string_view reason_of(const msgid::Finding& finding, Outcome outcome) noexcept;

/// What can go wrong while the service runs, for those who count it. Called like, where the log has one, its reason.
enum class Failure {
  change_header,
  exception,
  header_size,
  signatures_size,
  cannot_change_fields,  ///< a session
  audit_log,             ///< a record is lost
  audit_log_open,        ///< it cannot be opened
  log,                   ///< a line is lost
};
inline constexpr std::size_t failure_count = 8;
std::string_view name_of(Failure cause) noexcept;

/// Is told of each failure that is logged, before its line is written. Called by many threads at once; must not throw.
/// Not of change_header: findings are lines, and of one edit there may be several, or none under max_findings.
using FailureSink = std::function<void(Failure)>;

class Log {
 public:
  explicit Log(LogSink sink, FailureSink failed = {}) : sink_(std::move(sink)), failed_(std::move(failed)) {}

  struct Serving {
    std::vector<std::string> endpoints;
    std::string_view mode;
    std::string_view version;
    std::string_view libmilter;      ///< the file that is loaded
    std::string_view libmilter_api;  ///< its version of the API
    bool has_transport = true;
    std::vector<std::string> handed_over{};  ///< the names of systemd's sockets, if it serves those
  };
  void serving(const Serving& what) const;
  /// transport = on has no effect; `obstacle` says why.
  void no_transport(std::string_view obstacle) const;
  void listener_failed() const;

  /// A reload was accepted: `old_sessions` open sessions keep the settings they began with. `changed` are the options
  /// that have another value from now on, `for_restart` those whose new value needs a restart.
  void reloaded(std::size_t old_sessions, std::string_view mode, const std::vector<std::string>& changed,
                const std::vector<std::string>& for_restart) const;
  /// The old configuration stays. `what` is a StartupError's text.
  void not_reloaded(std::string_view what) const;

  /// A start or a reload has read a file that may be cut short. `what` is a line of config::doubtful_files().
  void file_in_doubt(std::string_view what) const;

  /// No connection is accepted any more; so many sessions are still served, for as many seconds at most.
  void stopping(std::size_t sessions, long long seconds) const;
  /// The end; so many sessions were cut.
  void stopped(std::size_t cut) const;
  /// A callback has been at work for so long that the service manager is told nothing any more.
  void callback_hangs(long long seconds) const;

  /// So many connections were closed at once, because max-sessions are open ...
  void connections_over_limit(std::size_t count) const;
  /// ... or because there was no thread or memory for one more.
  void connections_without_thread(std::size_t count) const;
  /// At the limit of open files: connections wait.
  void accept_paused() const;

  /// The MTA does not offer SMFIF_CHGHDRS.
  void cannot_change_fields() const;

  void finding(const MessageContext& message, const msgid::Finding& finding, Outcome outcome) const;
  void more_findings(const MessageContext& message, std::size_t count) const;
  void header_too_large(const MessageContext& message) const;

  /// The signatures did not fit into header-size: what becomes of them is not known.
  void signatures_too_large(const MessageContext& message) const;

  void callback_failed(const MessageContext& message, std::string_view what) const;

  /// A record of the audit trail is lost. Without a queue id: one of totals, which are counted on.
  void audit_record_lost(std::string_view queue_id, std::string_view what) const;
  /// Counts a record that found no room in the queue; audit_records_lost() reports it later.
  void audit_record_without_room() const { count(Failure::audit_log); }
  void audit_records_lost(std::size_t count) const;
  /// The file was opened, after a failure or on request.
  void audit_log_opened(std::string_view path) const;
  /// `has_old_file`: records still go to the old file. Otherwise they wait, as many as fit the queue.
  void audit_log_not_opened(std::string_view path, std::string_view what, bool has_old_file) const;

  /// A line that libmilter logged; it may contain any octets.
  void libmilter_line(Severity severity, std::string_view line) const;

 private:
  void count(Failure cause) const {
    if (failed_) failed_(cause);
  }

  LogSink sink_;
  FailureSink failed_;
};

}  // namespace report

#endif
