#include "report/audit_text.h"

#include <algorithm>

#include "msgid/reason.h"
#include "report/printable.h"

namespace report {

namespace {

constexpr std::size_t max_heading_octets = 60;

std::string on_one_line(std::string_view body) {
  std::string line;
  for (const char c : body) {
    const bool is_space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
    if (!is_space) line += c;
    if (is_space && !line.empty() && line.back() != ' ') line += ' ';
  }
  if (line.ends_with(' ')) line.pop_back();
  return printable(line, max_heading_octets);
}

void append_domains(std::string& text, std::string_view word, const std::vector<std::string>& domains) {
  if (domains.empty()) return;
  text += " dkim=";
  text += word;
  for (std::size_t i = 0; i < domains.size(); ++i) text += (i == 0 ? ':' : ',') + printable(domains[i]);
}

void append_finding(std::string& text, const AuditFinding& finding) {
  text += "  " + finding.rule;
  if (!finding.field.empty()) text += ' ' + printable(finding.field) + '[' + std::to_string(finding.instance) + ']';
  text += ' ' + finding.action;
  if (!finding.reason.empty()) text += " reason=" + finding.reason;
  if (!finding.part.empty()) text += " part=" + finding.part;
  append_domains(text, "keeps", finding.keeps);
  append_domains(text, "breaks", finding.breaks);
  text += '\n';
  const std::string_view why = msgid::sentence_of(finding.reason);
  if (!why.empty()) text += "    why    " + std::string(why) + '\n';
  if (!finding.before.empty()) text += "    before " + printable(finding.before) + '\n';
  if (!finding.after.empty()) text += "    after  " + printable(finding.after) + '\n';
}

}  // namespace

std::string to_text(const AuditRecord& record, const MessageHeading& heading) {
  std::string text = printable(record.source);
  if (record.number != 0) text += ": message " + std::to_string(record.number);
  text += '\n';

  std::string line;
  for (const std::string_view value : {heading.from, heading.date}) {
    const std::string shown = on_one_line(value);
    if (!shown.empty() && !line.empty()) line += ", ";
    line += shown;
  }
  if (const std::string subject = on_one_line(heading.subject); !subject.empty()) {
    if (!line.empty()) line += ", ";
    line += '"' + subject + '"';
  }
  if (!line.empty()) text += "  " + line + '\n';

  for (const AuditFinding& finding : record.findings) append_finding(text, finding);
  if (record.more_findings != 0) text += "  and " + std::to_string(record.more_findings) + " more findings\n";
  return text += '\n';
}

}  // namespace report
