#include "report/audit_record.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <utility>

#include "report/json_writer.h"

namespace report {

namespace {

using Read = nlohmann::json;

constexpr std::uint64_t max_count = (std::uint64_t{1} << 53U) - 1;  // RFC 8259 6: exact in every reader

/// What JsonWriter makes of an octet, at most: \uXXXX, \" or the octet itself. Two surrogates of six octets each stand
/// for the four octets of a character.
std::size_t written_octets(char c) {
  if (c == '"' || c == '\\') return 2;
  return c < ' ' || c > '~' ? 6 : 1;
}

std::string cut(std::string_view value, std::size_t limit = max_audit_value_octets) {
  std::size_t written = 0;
  std::size_t end = 0;
  while (end < value.size() && (written += written_octets(value[end])) <= limit) ++end;
  if (end == value.size()) return std::string(value);
  // Not within a UTF-8 character, which has at most three octets behind its first.
  for (int i = 0; i < 3 && end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0U) == 0x80U; ++i) --end;
  std::string out(value.substr(0, end));
  out += "...";
  return out;
}

void put(JsonWriter& out, std::string_view key, std::string_view value) {
  if (!value.empty()) out.member(key, cut(value));
}

void put(JsonWriter& out, std::string_view key, const std::vector<std::string>& domains) {
  if (domains.empty()) return;
  out.key(key);
  out.open('[');
  for (std::size_t i = 0; i < std::min(domains.size(), max_audit_domains); ++i) {
    out.value(cut(domains[i], max_audit_domain_octets));
  }
  out.close(']');
}

void put(JsonWriter& out, const AuditFinding& finding) {
  out.open('{');
  put(out, "rule", finding.rule);
  put(out, "field", finding.field);
  out.member("instance", static_cast<std::uint64_t>(finding.instance));
  put(out, "part", finding.part);
  put(out, "action", finding.action);
  put(out, "reason", finding.reason);
  put(out, "before", finding.before);
  put(out, "after", finding.after);
  if (!finding.keeps.empty() || !finding.breaks.empty()) {
    out.key("dkim");
    out.open('{');
    put(out, "keeps", finding.keeps);
    put(out, "breaks", finding.breaks);
    out.close('}');
  }
  out.close('}');
}

JsonWriter begin_record(std::string_view type) {
  JsonWriter out;
  out.open('{');
  out.member("version", std::uint64_t{audit_version});
  out.member("type", type);
  return out;
}

std::string end_record(JsonWriter& out) {
  out.close('}');
  return out.text() + '\n';
}

// Reading. A key that is missing leaves what is there.

[[noreturn]] void refuse(const char* key) {
  std::string reason = key;
  reason += ": a value of another type, or out of range";
  throw std::runtime_error(reason);
}

const Read& required(const Read& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) throw std::runtime_error(std::string(key) + " is missing");
  return *found;
}

void take(const Read& object, const char* key, std::string& value) {
  const auto found = object.find(key);
  if (found == object.end()) return;
  if (!found->is_string()) refuse(key);
  value = found->get_ref<const std::string&>();
}

void take(const Read& object, const char* key, std::vector<std::string>& values) {
  const auto found = object.find(key);
  if (found == object.end()) return;
  if (!found->is_array()) refuse(key);
  for (const Read& value : *found) {
    if (!value.is_string()) refuse(key);
    values.push_back(value.get_ref<const std::string&>());
  }
}

std::uint64_t count(const Read& value, const char* key) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > max_count) refuse(key);
  return value.get<std::uint64_t>();
}

void take(const Read& object, const char* key, std::size_t& value) {
  const auto found = object.find(key);
  if (found != object.end()) value = static_cast<std::size_t>(count(*found, key));
}

AuditFinding to_finding(const Read& object) {
  if (!object.is_object()) refuse("findings");
  AuditFinding finding;
  take(object, "rule", finding.rule);
  take(object, "field", finding.field);
  std::size_t instance = 0;
  take(object, "instance", instance);
  if (instance > static_cast<std::size_t>(std::numeric_limits<int>::max())) refuse("instance");
  finding.instance = static_cast<int>(instance);
  take(object, "part", finding.part);
  take(object, "action", finding.action);
  take(object, "reason", finding.reason);
  take(object, "before", finding.before);
  take(object, "after", finding.after);
  if (const auto dkim = object.find("dkim"); dkim != object.end()) {
    if (!dkim->is_object()) refuse("dkim");
    take(*dkim, "keeps", finding.keeps);
    take(*dkim, "breaks", finding.breaks);
  }
  return finding;
}

AuditRecord to_record(const Read& object) {
  AuditRecord record;
  take(object, "time", record.time);
  take(object, "host", record.host);
  take(object, "queue_id", record.queue_id);
  take(object, "source", record.source);
  take(object, "number", record.number);
  take(object, "client_address", record.client_address);
  take(object, "client_name", record.client_name);
  take(object, "user", record.user);
  take(object, "sender", record.sender);
  take(object, "recipient_domains", record.recipient_domains);
  take(object, "from_domain", record.from_domain);
  take(object, "agent", record.agent);
  take(object, "scope", record.scope);
  const Read& findings = required(object, "findings");
  if (!findings.is_array()) refuse("findings");
  for (const Read& finding : findings) record.findings.push_back(to_finding(finding));
  take(object, "more_findings", record.more_findings);
  return record;
}

AuditTotals to_totals(const Read& object) {
  AuditTotals totals;
  take(object, "time", totals.time);
  take(object, "since", totals.since);
  take(object, "host", totals.host);
  totals.messages = count(required(object, "messages"), "messages");
  totals.clean = count(required(object, "clean"), "clean");
  totals.affected = count(required(object, "affected"), "affected");
  totals.unread = count(required(object, "unread"), "unread");
  if (const auto exempt = object.find("exempt"); exempt != object.end()) totals.exempt = count(*exempt, "exempt");
  const Read& findings = required(object, "findings");
  if (!findings.is_object()) refuse("findings");
  for (const auto& [rule, actions] : findings.items()) {
    if (!actions.is_object()) refuse("findings");
    for (const auto& [action, number] : actions.items()) totals.findings[rule][action] = count(number, "findings");
  }
  return totals;
}

/// The schema is four deep. A line of "[" must not cost memory for each.
Read parse(std::string_view line) {
  constexpr int max_depth = 16;
  if (line.ends_with('\n')) line.remove_suffix(1);
  // To nlohmann-json 3.11 a NUL is the end. After a power cut a file may hold some.
  if (const std::size_t nul = line.find('\0'); nul != std::string_view::npos) {
    throw std::runtime_error("not JSON, at octet " + std::to_string(nul + 1));
  }
  const auto check_depth = [](int depth, Read::parse_event_t, const Read&) {
    if (depth > max_depth) throw std::runtime_error("not a record: nested too deeply");
    return true;
  };
  try {
    return Read::parse(line.begin(), line.end(), check_depth);
  } catch (const Read::parse_error& error) {
    // Its own text quotes the line.
    if (error.byte > line.size()) throw std::runtime_error("cut in half");
    throw std::runtime_error("not JSON, at octet " + std::to_string(error.byte));
  } catch (const Read::exception&) {
    throw std::runtime_error("not JSON: a number out of range");
  }
}

}  // namespace

AuditFinding audit_finding(const msgid::Finding& finding, Outcome outcome) {
  return {.rule = std::string(finding.rule->name),
          .field = finding.field,
          .instance = finding.instance,
          .part = finding.part,
          .action = std::string(name_of(outcome)),
          .reason = std::string(reason_of(finding, outcome)),
          .before = finding.before,
          .after = finding.after,
          .keeps = finding.dkim.keeps,
          .breaks = finding.dkim.breaks};
}

std::string to_json_line(const AuditRecord& record) {
  JsonWriter out = begin_record("message");
  put(out, "time", record.time);
  put(out, "host", record.host);
  put(out, "queue_id", record.queue_id);
  put(out, "source", record.source);
  if (record.number != 0) out.member("number", record.number);
  put(out, "client_address", record.client_address);
  put(out, "client_name", record.client_name);
  put(out, "user", record.user);
  put(out, "sender", record.sender);
  put(out, "recipient_domains", record.recipient_domains);
  put(out, "from_domain", record.from_domain);
  put(out, "agent", record.agent);
  put(out, "scope", record.scope);
  out.key("findings");
  out.open('[');
  const std::size_t written = std::min(record.findings.size(), max_findings);
  for (std::size_t i = 0; i < written; ++i) put(out, record.findings[i]);
  out.close(']');
  const std::size_t more = record.more_findings + (record.findings.size() - written);
  if (more != 0) out.member("more_findings", more);
  return end_record(out);
}

std::string to_json_line(const AuditTotals& totals) {
  JsonWriter out = begin_record("totals");
  put(out, "time", totals.time);
  put(out, "since", totals.since);
  put(out, "host", totals.host);
  out.member("messages", totals.messages);
  out.member("clean", totals.clean);
  out.member("affected", totals.affected);
  out.member("unread", totals.unread);
  out.member("exempt", totals.exempt);
  out.key("findings");
  out.open('{');
  for (const auto& [rule, actions] : totals.findings) {
    out.key(rule);
    out.open('{');
    for (const auto& [action, number] : actions) out.member(action, number);
    out.close('}');
  }
  out.close('}');
  return end_record(out);
}

std::variant<std::monostate, AuditRecord, AuditTotals> parse_audit_line(std::string_view line) {
  const Read object = parse(line);
  if (!object.is_object()) throw std::runtime_error("not a record");
  const Read& version = required(object, "version");
  if (!version.is_number_unsigned()) refuse("version");
  if (version.get<std::uint64_t>() != audit_version) {
    throw std::runtime_error("version " + std::to_string(version.get<std::uint64_t>()) + " is not known here");
  }
  std::string type;
  required(object, "type");
  take(object, "type", type);
  if (type == "message") return to_record(object);
  if (type == "totals") return to_totals(object);
  return std::monostate();
}

std::string rfc3339(std::int64_t seconds) {
  constexpr std::int64_t first = -62167219200;  // 0000-01-01T00:00:00Z
  constexpr std::int64_t last = 253402300799;   // 9999-12-31T23:59:59Z
  const auto time = static_cast<std::time_t>(std::clamp(seconds, first, last));
  std::tm utc = {};
  ::gmtime_r(&time, &utc);
  std::array<char, sizeof("-2147483648-12-31T23:59:59Z")> text{};
  const int size = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900,
                                 utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return {text.data(), static_cast<std::size_t>(std::max(size, 0))};
}

}  // namespace report
