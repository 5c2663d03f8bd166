// The audit record: one JSON line (RFC 8259) a message with findings, and totals from time to time. The daemon writes
// them to its audit-log, `msgid-audit check --format json` to standard output, `msgid-audit report` reads them. The
// schema is msgid-audit.jsonl(5); a reader ignores keys it does not know, and refuses another version.
//
// Whatever the outside world put into the values, a line is valid JSON in printable ASCII: every other character is
// written as \uXXXX, an octet that is not UTF-8 as U+FFFD. It has at most max_audit_line_octets: values and lists are
// cut.
#ifndef MSGID_REPORT_AUDIT_RECORD_H
#define MSGID_REPORT_AUDIT_RECORD_H

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "msgid/inspect.h"
#include "report/log.h"

namespace report {

inline constexpr int audit_version = 1;

/// So many octets of a value are written, escapes counted; "..." stands behind a value that was cut.
inline constexpr std::size_t max_audit_value_octets = 8192;
inline constexpr std::size_t max_audit_domain_octets = 255;  ///< the same of a domain in a list

inline constexpr std::size_t max_audit_domains = 100;  ///< in a list

/// No line of ours is longer, its LF included.
inline constexpr std::size_t max_audit_line_octets = 8388608;

struct AuditFinding {
  std::string rule;    ///< "encoded-word"
  std::string field;   ///< as the sender spelled it
  int instance = 0;    ///< 0 where there is no such field
  std::string part;    ///< of a MIME part: "2.1"; only msgid-audit looks there
  std::string action;  ///< name_of(Outcome): rewritten, would-rewrite, reported, failed
  std::string reason;  ///< as in the log; may be empty
  std::string before;
  std::string after;                ///< empty where there is no edit
  std::vector<std::string> keeps;   ///< domains of signatures that stay valid
  std::vector<std::string> breaks;  ///< and of those that do not
};

AuditFinding audit_finding(const msgid::Finding& finding, Outcome outcome);

/// A message with findings. What is not known is empty, and not written.
struct AuditRecord {
  std::string time;  ///< RFC 3339, UTC, "2026-11-22T10:00:00Z": when the daemon decided; of a file, its Date field
  std::string host;  ///< the relay
  std::string queue_id;
  std::string source;      ///< of msgid-audit: the file
  std::size_t number = 0;  ///< of msgid-audit: which message of an mbox, from 1
  std::string client_address;
  std::string client_name;
  std::string user;    ///< authenticated as
  std::string sender;  ///< envelope sender, without angle brackets; "" of a bounce is not known either
  std::vector<std::string> recipient_domains;  ///< each once, lower case; with audit-recipients only
  std::string from_domain;                     ///< of the From field, lower case
  std::string agent;                           ///< User-Agent or X-Mailer
  std::string scope;                           ///< "exempt": out of scope, so nothing was edited; else empty
  std::vector<AuditFinding> findings;
  std::size_t more_findings = 0;  ///< so many are left out; those over max_findings are counted in by the writer
};

/// What has passed since the last totals of the same process.
struct AuditTotals {
  std::string time;   ///< RFC 3339, UTC: the end of the time counted
  std::string since;  ///< and its beginning
  std::string host;
  std::uint64_t messages = 0;  ///< clean + affected + unread + exempt
  std::uint64_t clean = 0;
  std::uint64_t affected = 0;  ///< with findings: each has a record of its own
  std::uint64_t unread = 0;    ///< passed without a decision: over header-size, or after an error
  std::uint64_t exempt = 0;    ///< out of scope and not inspected; a trail of before there were scopes has none
  std::map<std::string, std::map<std::string, std::uint64_t>> findings;  ///< by rule, by action
};

/// One line each, its LF at the end.
std::string to_json_line(const AuditRecord& record);
std::string to_json_line(const AuditTotals& totals);

/// Reads a line of a trail, with or without its LF. std::monostate: a type of record this version does not know (a
/// newer daemon's), to be passed over. Throws std::runtime_error with the reason, in printable ASCII: not JSON, cut in
/// half, another version, a value of another type. Counts are at most 2^53 - 1.
std::variant<std::monostate, AuditRecord, AuditTotals> parse_audit_line(std::string_view line);

/// Seconds since 1970 as RFC 3339 in UTC; before the year 0 and after 9999 the nearest that can be written.
std::string rfc3339(std::int64_t seconds);

}  // namespace report

#endif
