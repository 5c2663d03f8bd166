#include "report/log.h"

namespace report {

namespace {

constexpr std::size_t max_value_octets = 400;

void append_hex(std::string& line, char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  line += "\\x";
  line += hex[octet >> 4U];
  line += hex[octet & 15U];
}

/// Appends a value that may hold anything. `quoted`: in double quotes; else a space, quote or backslash is escaped
/// as \xHH too, so that the value ends at the next space.
void append_escaped(std::string& line, std::string_view value, bool quoted) {
  if (quoted) line += '"';
  const std::size_t begin = line.size();
  for (const char c : value) {
    if (line.size() - begin >= max_value_octets) {
      line += "...";
      break;
    }
    const bool is_special = c == '"' || c == '\\';
    if (quoted && is_special) {
      line += '\\';
      line += c;
    } else if (c < 32 || c > 126 || (!quoted && (is_special || c == ' '))) {
      append_hex(line, c);
    } else {
      line += c;
    }
  }
  if (quoted) line += '"';
}

void append_key(std::string& line, std::string_view key, std::string_view value, bool quoted) {
  line += ' ';
  line += key;
  line += '=';
  append_escaped(line, value, quoted);
}

void append_bare(std::string& line, std::string_view key, std::string_view value) {
  append_key(line, key, value, false);
}

void append_quoted(std::string& line, std::string_view key, std::string_view value) {
  append_key(line, key, value, true);
}

/// "a,b", cut as a whole.
void append_items(std::string& line, const std::vector<std::string>& items) {
  const std::size_t begin = line.size();
  for (const std::string& item : items) {
    if (&item != &items.front()) line += ',';
    for (const char c : item) {
      if (line.size() - begin >= max_value_octets) {
        line += "...";
        return;
      }
      if (c <= ' ' || c > 126 || c == '"' || c == '\\' || c == ',') {
        append_hex(line, c);
      } else {
        line += c;
      }
    }
  }
}

/// ` dkim=keeps:a.example,b.example`; nothing where there are none.
void append_domains(std::string& line, std::string_view what, const std::vector<std::string>& domains) {
  if (domains.empty()) return;
  line += " dkim=";
  line += what;
  line += ':';
  append_items(line, domains);
}

void append_list(std::string& line, std::string_view key, const std::vector<std::string>& items) {
  append_bare(line, key, {});
  append_items(line, items);
}

std::string begin_line(std::string_view queue_id) {
  std::string line;
  append_escaped(line, queue_id.empty() ? "NOQUEUE" : queue_id, false);
  line += ':';
  return line;
}

void append_context(std::string& line, const MessageContext& message) {
  // A client without a name comes as "[192.0.2.7]"; Postfix's own log has "unknown[192.0.2.7]".
  const bool has_name = !message.client_name.empty() && message.client_name.front() != '[';
  std::string client(has_name ? message.client_name : "unknown");
  client += '[';
  client += message.client_address.empty() ? "unknown" : message.client_address;
  client += ']';
  if (message.is_exempt) append_bare(line, "scope", "exempt");
  append_bare(line, "client", client);
  append_quoted(line, "sender", message.sender);
  append_quoted(line, "agent", message.agent);
}

}  // namespace

std::string_view name_of(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::rewritten:
      return "rewritten";
    case Outcome::would_rewrite:
      return "would-rewrite";
    case Outcome::failed:
      return "failed";
    case Outcome::reported:
      break;
  }
  return "reported";
}

std::string_view name_of(Failure cause) noexcept {
  switch (cause) {
    case Failure::change_header:
      return "change-header";
    case Failure::header_size:
      return "header-size";
    case Failure::signatures_size:
      return "signatures-size";
    case Failure::cannot_change_fields:
      return "cannot-change-fields";
    case Failure::audit_log:
      return "audit-log";
    case Failure::audit_log_open:
      return "audit-log-open";
    case Failure::log:
      return "log";
    case Failure::exception:
      break;
  }
  return "exception";
}

std::string_view reason_of(const msgid::Finding& finding, Outcome outcome) noexcept {
  return outcome == Outcome::failed ? "change-header" : std::string_view(finding.reason);
}

void Log::serving(const Serving& what) const {
  std::string line = "serving ";
  append_items(line, what.endpoints);
  append_bare(line, "mode", what.mode);
  append_bare(line, "version", what.version);
  append_bare(line, "libmilter", what.libmilter);
  append_bare(line, "libmilter-api", what.libmilter_api);
  append_bare(line, "transport", what.has_transport ? "on" : "off");
  if (!what.handed_over.empty()) {
    append_list(line, "systemd", what.handed_over);
  }
  sink_(Severity::info, line);
}

void Log::no_transport(std::string_view obstacle) const {
  std::string line = "transport = on has no effect with this libmilter";
  append_quoted(line, "reason", obstacle);
  sink_(Severity::warning, line);
}

void Log::listener_failed() const {
  sink_(Severity::error, "the listener failed; libmilter logs the reason");
}

void Log::reloaded(std::size_t old_sessions, std::string_view mode, const std::vector<std::string>& changed,
                   const std::vector<std::string>& for_restart) const {
  std::string line = "reloaded";
  append_bare(line, "old-sessions", std::to_string(old_sessions));
  append_bare(line, "mode", mode);
  if (!changed.empty()) append_list(line, "changed", changed);
  if (!for_restart.empty()) {
    append_list(line, "needs-restart", for_restart);
  }
  sink_(for_restart.empty() ? Severity::info : Severity::warning, line);
}

void Log::not_reloaded(std::string_view what) const {
  std::string line = "not reloaded, the old configuration stays:";
  append_quoted(line, "what", what);
  sink_(Severity::error, line);
}

void Log::file_in_doubt(std::string_view what) const {
  std::string line = "a configuration file may be cut short:";
  append_quoted(line, "what", what);
  sink_(Severity::warning, line);
}

void Log::stopping(std::size_t sessions, long long seconds) const {
  std::string line = "stopping";
  append_bare(line, "sessions", std::to_string(sessions));
  append_bare(line, "drain-timeout", std::to_string(seconds) + "s");
  sink_(Severity::info, line);
}

void Log::stopped(std::size_t cut) const {
  std::string line = "stopped";
  append_bare(line, "cut-sessions", std::to_string(cut));
  sink_(cut == 0 ? Severity::info : Severity::warning, line);
}

void Log::callback_hangs(long long seconds) const {
  std::string line = "a callback hangs, the service manager is told nothing any more:";
  append_bare(line, "seconds", std::to_string(seconds));
  sink_(Severity::error, line);
}

void Log::connections_over_limit(std::size_t count) const {
  std::string line = "connections over max-sessions closed at once, the MTA's default action decides:";
  append_bare(line, "count", std::to_string(count));
  sink_(Severity::warning, line);
}

void Log::connections_without_thread(std::size_t count) const {
  std::string line = "connections closed at once for want of a thread or memory, the MTA's default action decides:";
  append_bare(line, "count", std::to_string(count));
  sink_(Severity::error, line);
}

void Log::accept_paused() const {
  sink_(Severity::error, "too many open files, or no memory in the kernel: connections wait");
}

void Log::cannot_change_fields() const {
  count(Failure::cannot_change_fields);
  sink_(Severity::warning, "the MTA does not let filters change header fields: log-only for this session");
}

void Log::finding(const MessageContext& message, const msgid::Finding& finding, Outcome outcome) const {
  std::string line = begin_line(message.queue_id);
  append_bare(line, "field", finding.field);
  append_bare(line, "instance", std::to_string(finding.instance));
  append_bare(line, "rule", finding.rule->name);
  append_bare(line, "action", name_of(outcome));
  const std::string_view reason = reason_of(finding, outcome);
  if (!reason.empty()) append_bare(line, "reason", reason);
  append_quoted(line, "before", finding.before);
  if (finding.action == msgid::Action::rewrite) append_quoted(line, "after", finding.after);
  append_domains(line, "keeps", finding.dkim.keeps);
  append_domains(line, "breaks", finding.dkim.breaks);
  append_context(line, message);
  sink_(outcome == Outcome::failed ? Severity::warning : Severity::info, line);
}

void Log::more_findings(const MessageContext& message, std::size_t count) const {
  std::string line = begin_line(message.queue_id);
  append_bare(line, "action", "reported");
  append_bare(line, "reason", "more-findings");
  append_bare(line, "count", std::to_string(count));
  append_context(line, message);
  sink_(Severity::warning, line);
}

void Log::header_too_large(const MessageContext& message) const {
  count(Failure::header_size);
  std::string line = begin_line(message.queue_id);
  append_bare(line, "action", "reported");
  append_bare(line, "reason", "header-size");
  append_context(line, message);
  sink_(Severity::warning, line);
}

void Log::signatures_too_large(const MessageContext& message) const {
  count(Failure::signatures_size);
  std::string line = begin_line(message.queue_id);
  append_bare(line, "action", "reported");
  append_bare(line, "reason", "signatures-size");
  append_context(line, message);
  sink_(Severity::warning, line);
}

void Log::callback_failed(const MessageContext& message, std::string_view what) const {
  count(Failure::exception);
  std::string line = begin_line(message.queue_id);
  append_bare(line, "action", "failed");
  append_bare(line, "reason", "exception");
  append_quoted(line, "what", what);
  append_context(line, message);
  sink_(Severity::error, line);
}

void Log::audit_record_lost(std::string_view queue_id, std::string_view what) const {
  count(Failure::audit_log);
  std::string line = begin_line(queue_id);
  append_bare(line, "action", "failed");
  append_bare(line, "reason", "audit-log");
  append_quoted(line, "what", what);
  sink_(Severity::error, line);
}

void Log::audit_records_lost(std::size_t count) const {
  std::string line = "audit records were lost because they could not be written in time:";
  append_bare(line, "count", std::to_string(count));
  sink_(Severity::error, line);
}

void Log::audit_log_opened(std::string_view path) const {
  std::string line = "audit-log opened: ";
  append_escaped(line, path, false);
  sink_(Severity::info, line);
}

void Log::audit_log_not_opened(std::string_view path, std::string_view what, bool has_old_file) const {
  count(Failure::audit_log_open);
  std::string line = has_old_file ? "audit-log cannot be reopened; records still go to the old file: "
                                  : "audit-log cannot be opened; mail is filtered without it: ";
  append_escaped(line, path, false);
  append_quoted(line, "what", what);
  sink_(Severity::error, line);
}

void Log::libmilter_line(Severity severity, std::string_view text) const {
  std::string line = "libmilter: ";
  for (const char c : text) {
    if (c < 32 || c > 126) {
      append_hex(line, c);
    } else {
      line += c;
    }
  }
  sink_(severity, line);
}

}  // namespace report
