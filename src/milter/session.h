// One milter session: what the MTA says on one connection, message after message. Knows nothing of libmilter; the
// adapter unpacks its callbacks into these calls, in the order of the SMTP session. Not shared between threads at one
// time, but its calls may come on different threads.
#ifndef MSGID_MILTER_SESSION_H
#define MSGID_MILTER_SESSION_H

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "milter/counters.h"
#include "msgid/exchange.h"
#include "msgid/inspect.h"
#include "msgid/kept_fields.h"
#include "report/audit_trail.h"
#include "report/log.h"

namespace milter {

/// What was agreed on with the MTA for this session.
struct Negotiated {
  bool has_leading_space = false;  ///< bodies come, and go, with the space after the colon (SMFIP_HDR_LEADSPC)
  bool may_change = false;         ///< edits are made; else they are logged as would-rewrite
};

/// Sends one edit to the MTA; false where that failed.
using ChangeHeader = std::function<bool(const std::string& name, int instance, const std::string& body)>;

/// The names of the fields that Session::header() does anything with under these settings: those of the policy, the
/// signatures, and what the log and the audit trail tell of the sender. The rules of exchange.h look at each field.
std::vector<std::string_view> fields_looked_at(const config::Settings& settings);

class Session {
 public:
  /// Keeps `settings` for its whole life: what was asked of the MTA follows from them. `log`, `trail` and `counters`
  /// must outlive it; `trail` may be null.
  Session(std::shared_ptr<const config::Settings> settings, const report::Log& log, report::AuditTrail* trail,
          Counters& counters);

  void negotiated(Negotiated negotiated) { negotiated_ = negotiated; }
  void connect(std::string_view client_name, std::string_view client_address);

  /// A message begins. `sender` is the argument of MAIL. `user`: authenticated as; wanted for the audit trail and for
  /// exempt-authenticated.
  void mail(std::string_view sender, std::string_view user = {});

  /// An envelope recipient, the argument of RCPT; wanted for the audit trail with audit-recipients, and for
  /// only-recipient.
  void recipient(std::string_view address);

  /// A field, its body as the MTA shows it. No work and no copy for a name that neither the policy, the signatures, the
  /// log, the audit trail nor the rules of exchange.h want; and for none of a message out of scope, but with
  /// audit-exempt.
  void header(std::string_view name, std::string_view body);

  /// Decides on all fields, then sends the edits (last instance first: the order in which instances stay right in
  /// Postfix and Sendmail), then logs, and tells the audit trail.
  void end_of_message(std::string_view queue_id, const ChangeHeader& change_header);

  /// The message ends without having been decided upon.
  void abort();

  /// The session ends. A message that was under way may not have been aborted.
  void close() noexcept;

  /// A call above has thrown: what is left of the message is ignored, so that it passes unchanged. One line says so,
  /// with up to 120 octets of `what`, which may be empty. If a message is under way and has no queue id, the line waits
  /// for end_of_message(); it goes without one where that does not come.
  void fail(std::string_view queue_id, std::string_view what) noexcept;

 private:
  enum class State {
    collecting,
    too_large,  ///< over header-size
    failed,
    deciding,
  };

  report::MessageContext context(std::string_view queue_id) const;
  void begin_message();
  void log_failure(std::string_view queue_id) noexcept;
  void passed_unread() const noexcept;
  bool is_in_scope() const;
  bool is_wanted() const { return settings_->scope.audit_exempt || is_in_scope(); }
  bool may_change() const { return negotiated_.may_change && is_in_scope(); }
  void keep(std::string_view name, std::string_view body);
  void keep_context(std::string_view name, std::string_view body);
  void decide(const report::MessageContext& message, const ChangeHeader& change_header);
  void report_findings(const report::MessageContext& message, const msgid::Verdict& verdict,
                       const std::vector<bool>& sent) const;
  std::vector<bool> send(const msgid::Verdict& verdict, const ChangeHeader& change_header) const;
  void add_context(const report::MessageContext& message, report::AuditRecord& audit) const;

  std::shared_ptr<const config::Settings> settings_;
  const report::Log& log_;
  report::AuditTrail* trail_;
  Counters& counters_;
  Negotiated negotiated_;
  std::string client_name_;
  std::string client_address_;
  bool is_client_in_scope_;  ///< of a client that the MTA says nothing about, too

  // Of the message under way.
  State state_ = State::collecting;
  bool is_under_way_ = false;
  std::string failure_;  ///< to be logged once there is a queue id
  bool is_sender_in_scope_ = true;
  bool is_recipient_in_scope_ = false;
  std::string sender_;
  std::string agent_;
  msgid::KeptFields kept_;
  bool has_edited_ = false;                       ///< the MTA was told so
  std::optional<msgid::ExchangeCheck> exchange_;  ///< where the policy wants it

  // Of it too, for the audit trail.
  std::string user_;
  std::string from_domain_;
  bool has_from_ = false;
  std::vector<std::string> recipient_domains_;
};

}  // namespace milter

#endif
