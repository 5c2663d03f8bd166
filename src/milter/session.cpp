#include "milter/session.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "report/address.h"

namespace milter {

namespace {

/// Of values that are only logged, no more is kept.
constexpr std::size_t max_context_octets = 512;

/// Of what went wrong, so much waits for the queue id.
constexpr std::size_t max_failure_octets = 120;

/// The body as the core wants it: the space after the colon is there, a fold is LF. Without SMFIP_HDR_LEADSPC an MTA
/// strips one SP, never a TAB (Postfix 3.7.11, Sendmail 8.17.1); a body that begins with a fold may have lost one too,
/// which changes nothing. Old Sendmail documents have CRLF for a fold. Where there is something to be mended this is
/// done in `mended`.
std::string_view received_body(std::string_view body, bool has_leading_space, std::string& mended) {
  const bool wants_space =
      !has_leading_space && !body.empty() && body.front() != '\n' && body.front() != '\r' && body.front() != '\t';
  if (!wants_space && body.find("\r\n") == std::string_view::npos) return body;
  mended.reserve(body.size() + 1);
  if (wants_space) mended += ' ';
  for (std::size_t i = 0; i < body.size(); ++i) {
    const bool is_crlf = body[i] == '\r' && i + 1 < body.size() && body[i + 1] == '\n';
    if (!is_crlf) mended += body[i];
  }
  return mended;
}

bool is_same_field(const msgid::Finding& a, const msgid::Finding& b) {
  return a.instance == b.instance && msgid::same_name(a.field, b.field);
}

constexpr std::array<std::string_view, 2> agent_fields = {"User-Agent", "X-Mailer"};
constexpr std::string_view author_field = "From";

bool is_agent_field(std::string_view name) {
  return std::any_of(agent_fields.begin(), agent_fields.end(),
                     [name](std::string_view field) { return msgid::same_name(name, field); });
}

}  // namespace

std::vector<std::string_view> fields_looked_at(const config::Settings& settings) {
  std::vector<std::string_view> names;
  for (const msgid::ListedField& row : settings.policy.fields) names.emplace_back(row.name);
  names.insert(names.end(), msgid::signature_fields.begin(), msgid::signature_fields.end());
  names.push_back(msgid::correlator_field);
  names.insert(names.end(), agent_fields.begin(), agent_fields.end());
  if (!settings.audit_log.empty()) names.push_back(author_field);
  return names;
}

Session::Session(std::shared_ptr<const config::Settings> settings, const report::Log& log, report::AuditTrail* trail,
                 Counters& counters)
    : settings_(std::move(settings)),
      log_(log),
      trail_(trail),
      counters_(counters),
      is_client_in_scope_(settings_->scope.has_client({})),
      kept_(settings_->policy) {
  failure_.reserve(max_failure_octets);  // what is to be kept there may be that there is no memory
  begin_message();
}

void Session::connect(std::string_view client_name, std::string_view client_address) {
  is_client_in_scope_ = false;  // where what follows fails, its mail passes unchanged
  client_name_ = client_name.substr(0, max_context_octets);
  client_address_ = client_address.substr(0, max_context_octets);
  is_client_in_scope_ = settings_->scope.has_client(client_address);
}

void Session::mail(std::string_view sender, std::string_view user) {
  begin_message();
  is_under_way_ = true;
  sender_ = sender.substr(0, max_context_octets);
  user_ = user.substr(0, max_context_octets);
  is_sender_in_scope_ = settings_->scope.has_sender(sender, user);
}

void Session::recipient(std::string_view address) {
  is_recipient_in_scope_ = is_recipient_in_scope_ || settings_->scope.has_recipient(address);
  if (trail_ == nullptr || !settings_->audit_recipients) return;
  if (recipient_domains_.size() == report::max_audit_domains) return;
  std::string domain = report::first_domain(address);
  if (domain.empty()) return;
  const auto found = std::find(recipient_domains_.begin(), recipient_domains_.end(), domain);
  if (found == recipient_domains_.end()) recipient_domains_.push_back(std::move(domain));
}

void Session::header(std::string_view name, std::string_view body) {
  if (state_ != State::collecting || !is_wanted()) return;
  if (exchange_) {
    std::string mended;
    exchange_->field(name, received_body(body, negotiated_.has_leading_space, mended));
  }
  if (kept_.wants(name)) {
    keep(name, body);
  } else {
    keep_context(name, body);
  }
}

void Session::keep(std::string_view name, std::string_view body) {
  std::string mended;
  kept_.add(name, received_body(body, negotiated_.has_leading_space, mended));
  if (kept_.is_over_size()) state_ = State::too_large;
}

void Session::keep_context(std::string_view name, std::string_view body) {
  if (agent_.empty() && is_agent_field(name)) {
    const std::size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
    agent_ = body.substr(begin, max_context_octets);
  } else if (trail_ != nullptr && !has_from_ && msgid::same_name(name, author_field)) {
    has_from_ = true;
    from_domain_ = report::first_domain(body);
  }
}

void Session::end_of_message(std::string_view queue_id, const ChangeHeader& change_header) {
  const State state = std::exchange(state_, State::deciding);
  log_failure(queue_id);
  const report::MessageContext message = context(queue_id);
  if (state == State::too_large) log_.header_too_large(message);
  if (state == State::collecting && !is_wanted()) {
    counters_.message(MessageOutcome::exempt);
    if (trail_ != nullptr) trail_->exempt();
  } else if (state == State::collecting) {
    decide(message, change_header);
  } else {
    passed_unread();
  }
  begin_message();
}

void Session::decide(const report::MessageContext& message, const ChangeHeader& change_header) {
  msgid::Verdict verdict = msgid::inspect(kept_.fields(), settings_->policy);
  if (exchange_) {
    std::vector<msgid::Finding> more = exchange_->end_of_header();
    verdict.findings.insert(verdict.findings.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
  }
  if (!verdict.findings.empty()) {
    const std::vector<bool> sent = send(verdict, change_header);
    has_edited_ = std::find(sent.begin(), sent.end(), true) != sent.end();
    report_findings(message, verdict, sent);
  } else {
    counters_.message(MessageOutcome::clean);
    if (trail_ != nullptr) trail_->clean();
  }
}

void Session::abort() {
  begin_message();
}

void Session::close() noexcept {
  log_failure({});
}

void Session::fail(std::string_view queue_id, std::string_view what) noexcept {
  if (state_ == State::failed) return;
  const bool is_at_end = state_ == State::deciding;
  // The end of the message, else yet to come, counts it.
  if (is_at_end) {
    counters_.message(has_edited_ ? MessageOutcome::affected : MessageOutcome::unread);
    if (trail_ != nullptr) trail_->unread();
  }
  if (has_edited_) what = "the message was edited, and not all of that could be logged";
  state_ = State::failed;
  if (what.empty()) what = "unknown exception";
  failure_.assign(what.substr(0, max_failure_octets));  // within what is reserved
  if (!queue_id.empty() || is_at_end || !is_under_way_) log_failure(queue_id);
}

void Session::log_failure(std::string_view queue_id) noexcept {
  if (failure_.empty()) return;
  try {
    log_.callback_failed(context(queue_id), failure_);
  } catch (...) {
    // Nothing is left to try: there is no memory for a line, and the message passes.
  }
  failure_.clear();
}

void Session::passed_unread() const noexcept {
  counters_.message(MessageOutcome::unread);
  if (trail_ != nullptr) trail_->unread();
}

report::MessageContext Session::context(std::string_view queue_id) const {
  return {queue_id, client_name_, client_address_, sender_, agent_, !is_in_scope()};
}

/// All recipients are there before the first field is.
bool Session::is_in_scope() const {
  return is_client_in_scope_ && is_sender_in_scope_ && is_recipient_in_scope_;
}

void Session::begin_message() {
  log_failure({});  // of a message whose end did not come
  state_ = State::collecting;
  is_under_way_ = false;
  is_sender_in_scope_ = true;
  is_recipient_in_scope_ = !settings_->scope.only_recipient.is_given();  // until a recipient brings it there
  sender_.clear();
  agent_.clear();
  kept_.clear();
  has_edited_ = false;
  user_.clear();
  from_domain_.clear();
  has_from_ = false;
  recipient_domains_.clear();
  if (settings_->policy.exchange == msgid::RuleAction::report) exchange_.emplace(settings_->policy);
}

/// Sends the edits; says of each whether it was sent.
std::vector<bool> Session::send(const msgid::Verdict& verdict, const ChangeHeader& change_header) const {
  std::vector<bool> sent(verdict.edits.size(), false);
  if (!may_change()) return sent;
  // What can fail for want of memory comes before the first edit, so that a message is never edited by half.
  std::vector<std::string> bodies;
  bodies.reserve(verdict.edits.size());
  for (const msgid::Edit& edit : verdict.edits) {
    // The MTA writes the space itself. What begins with a fold or TAB had that from the sender, and keeps it.
    const bool is_added_by_mta = !negotiated_.has_leading_space && edit.new_body.starts_with(' ');
    bodies.push_back(edit.new_body.substr(is_added_by_mta ? 1 : 0));
  }
  for (std::size_t i = verdict.edits.size(); i-- > 0;) {
    const msgid::Edit& edit = verdict.edits[i];
    // The core promises this. A body that broke the promise could add a field to the message, so it is asked again.
    sent[i] =
        msgid::is_safe_body(edit.field.size(), edit.new_body) && change_header(edit.field, edit.instance, bodies[i]);
    if (!sent[i]) counters_.failure(report::Failure::change_header);
  }
  return sent;
}

void Session::report_findings(const report::MessageContext& message, const msgid::Verdict& verdict,
                              const std::vector<bool>& sent) const {
  std::size_t next_edit = 0;  // findings and edits are in the order of fields
  const auto outcome_of = [&](const msgid::Finding& finding) {
    if (finding.action == msgid::Action::report) return report::Outcome::reported;
    if (!may_change()) return report::Outcome::would_rewrite;
    const auto edit = std::find_if(verdict.edits.begin() + static_cast<std::ptrdiff_t>(next_edit), verdict.edits.end(),
                                   [&](const msgid::Edit& candidate) {
                                     return candidate.instance == finding.instance &&
                                            msgid::same_name(candidate.field, finding.field);
                                   });
    if (edit == verdict.edits.end()) return report::Outcome::failed;
    next_edit = static_cast<std::size_t>(edit - verdict.edits.begin());
    return sent[next_edit] ? report::Outcome::rewritten : report::Outcome::failed;
  };
  const msgid::Finding* last_breaking = nullptr;
  report::AuditRecord audit;
  report::FindingCounts counts;
  std::size_t logged = 0;
  for (const msgid::Finding& finding : verdict.findings) {
    const report::Outcome outcome = outcome_of(finding);
    counters_.finding(finding.rule->id, outcome);
    // Several findings of a field share its edit.
    if (!finding.dkim.breaks.empty() && (last_breaking == nullptr || !is_same_field(*last_breaking, finding))) {
      counters_.breaking_edit(outcome);
      last_breaking = &finding;
    }
    if (logged < report::max_findings) {
      ++logged;
      log_.finding(message, finding, outcome);
      if (trail_ != nullptr) audit.findings.push_back(report::audit_finding(finding, outcome));
    }
    if (trail_ != nullptr) ++counts[{finding.rule->name, name_of(outcome)}];
  }
  const std::size_t more = verdict.findings.size() - logged;
  if (more > 0) log_.more_findings(message, more);
  if (kept_.lacks_signatures()) log_.signatures_too_large(message);
  if (trail_ != nullptr) {
    audit.more_findings = more;
    add_context(message, audit);
    trail_->affected(std::move(audit), std::move(counts));
  }
  counters_.message(MessageOutcome::affected);
}

void Session::add_context(const report::MessageContext& message, report::AuditRecord& audit) const {
  audit.queue_id = message.queue_id;
  audit.client_address = message.client_address;
  // A client without a name comes as "[192.0.2.7]".
  if (!message.client_name.starts_with('[')) audit.client_name = message.client_name;
  audit.user = user_;
  std::string_view sender = message.sender;
  if (sender.starts_with('<') && sender.ends_with('>')) sender = sender.substr(1, sender.size() - 2);
  audit.sender = sender;
  audit.recipient_domains = recipient_domains_;
  audit.from_domain = from_domain_;
  audit.agent = message.agent;
  if (message.is_exempt) audit.scope = "exempt";
}

}  // namespace milter
