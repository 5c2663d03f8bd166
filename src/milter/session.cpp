#include "milter/session.h"

#include <algorithm>

namespace milter {

namespace {

/// More findings than this of one message are counted, not logged one by one: a header full of broken fields must not
/// fill the disk.
constexpr std::size_t max_findings_logged = 50;

/// Of values that are only logged, no more is kept.
constexpr std::size_t max_context_octets = 512;

/// The body as the core wants it: the space after the colon is there, a fold is LF. Without SMFIP_HDR_LEADSPC an MTA
/// strips one SP, never a TAB (Postfix 3.7.11, Sendmail 8.17.1); a body that begins with a fold may have lost one too,
/// which changes nothing. Old Sendmail documents have CRLF for a fold.
std::string received_body(std::string_view body, bool has_leading_space) {
  std::string out;
  out.reserve(body.size() + 1);
  if (!has_leading_space && !body.empty() && body.front() != '\n' && body.front() != '\r' && body.front() != '\t') {
    out += ' ';
  }
  for (std::size_t i = 0; i < body.size(); ++i) {
    const bool is_crlf = body[i] == '\r' && i + 1 < body.size() && body[i + 1] == '\n';
    if (!is_crlf) out += body[i];
  }
  return out;
}

bool is_agent_field(std::string_view name) {
  return msgid::same_name(name, "User-Agent") || msgid::same_name(name, "X-Mailer");
}

}  // namespace

Session::Session(std::shared_ptr<const config::Settings> settings, const report::Log& log)
    : settings_(std::move(settings)), log_(log) {}

void Session::connect(std::string_view client_name, std::string_view client_address) {
  client_name_ = client_name.substr(0, max_context_octets);
  client_address_ = client_address.substr(0, max_context_octets);
}

void Session::mail(std::string_view sender) {
  begin_message();
  sender_ = sender.substr(0, max_context_octets);
}

void Session::header(std::string_view name, std::string_view body) {
  if (state_ != State::collecting) return;
  const msgid::Policy& policy = settings_->policy;
  const msgid::ListedField* listed = policy.find(name);
  if (listed == nullptr) {
    if (agent_.empty() && is_agent_field(name)) {
      const std::size_t begin = std::min(body.find_first_not_of(" \t\r\n"), body.size());
      agent_ = body.substr(begin, max_context_octets);
    }
    return;
  }
  kept_octets_ += name.size() + body.size();
  if (kept_octets_ > settings_->header_size) {
    state_ = State::too_large;
    fields_ = {};
    return;
  }
  instances_.resize(policy.fields.size());
  int& instance = instances_[static_cast<std::size_t>(listed - policy.fields.data())];
  fields_.push_back({std::string(name), received_body(body, negotiated_.has_leading_space), ++instance});
}

void Session::end_of_message(std::string_view queue_id, const ChangeHeader& change_header) {
  const report::MessageContext message = context(queue_id);
  if (state_ == State::too_large) log_.header_too_large(message);
  if (state_ == State::collecting) {
    const msgid::Verdict verdict = msgid::inspect(fields_, settings_->policy);
    if (!verdict.findings.empty()) report_findings(message, verdict, send(verdict, change_header));
  }
  begin_message();
}

void Session::abort() {
  begin_message();
}

void Session::fail(std::string_view queue_id, std::string_view what) noexcept {
  const bool is_first = state_ != State::failed;
  state_ = State::failed;
  try {
    if (is_first) log_.callback_failed(context(queue_id), what);
  } catch (...) {
    // Nothing is left to try: there is no memory for a line, and the message passes.
  }
}

report::MessageContext Session::context(std::string_view queue_id) const {
  return {queue_id, client_name_, client_address_, sender_, agent_};
}

void Session::begin_message() {
  state_ = State::collecting;
  sender_.clear();
  agent_.clear();
  fields_.clear();
  std::fill(instances_.begin(), instances_.end(), 0);
  kept_octets_ = 0;
}

/// Sends the edits; says of each whether it was sent.
std::vector<bool> Session::send(const msgid::Verdict& verdict, const ChangeHeader& change_header) const {
  std::vector<bool> sent(verdict.edits.size(), false);
  if (!negotiated_.may_change) return sent;
  // What can fail for want of memory comes before the first edit, so that a message is never edited by half.
  std::vector<std::string> bodies;
  bodies.reserve(verdict.edits.size());
  const std::size_t strip = negotiated_.has_leading_space ? 0 : 1;
  for (const msgid::Edit& edit : verdict.edits) bodies.push_back(edit.new_body.substr(strip));
  for (std::size_t i = verdict.edits.size(); i-- > 0;) {
    const msgid::Edit& edit = verdict.edits[i];
    // The core promises this. A body that broke the promise could add a field to the message, so it is asked again.
    if (!msgid::is_safe_body(edit.field.size(), edit.new_body)) continue;
    sent[i] = change_header(edit.field, edit.instance, bodies[i]);
  }
  return sent;
}

void Session::report_findings(const report::MessageContext& message, const msgid::Verdict& verdict,
                              const std::vector<bool>& sent) const {
  const auto outcome_of = [&](const msgid::Finding& finding) {
    if (finding.action == msgid::Action::report) return report::Outcome::reported;
    if (!negotiated_.may_change) return report::Outcome::would_rewrite;
    const auto edit = std::find_if(verdict.edits.begin(), verdict.edits.end(), [&](const msgid::Edit& candidate) {
      return candidate.instance == finding.instance && msgid::same_name(candidate.field, finding.field);
    });
    const bool is_sent = edit != verdict.edits.end() && sent[static_cast<std::size_t>(edit - verdict.edits.begin())];
    return is_sent ? report::Outcome::rewritten : report::Outcome::failed;
  };
  const std::size_t logged = std::min(verdict.findings.size(), max_findings_logged);
  for (std::size_t i = 0; i < logged; ++i) {
    log_.finding(message, verdict.findings[i], outcome_of(verdict.findings[i]));
  }
  if (verdict.findings.size() > logged) log_.more_findings(message, verdict.findings.size() - logged);
}

}  // namespace milter
