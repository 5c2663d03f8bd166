// Whatever a trail holds, the report is only what the report's own formats write: no control character in any of them,
// no element in the HTML that is not in the list below. The octets are cut at LF into the values of records.
#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report/summary.h"
#include "tests/fuzz/input.h"

namespace {

using fuzz::expect;

const std::set<std::string_view> elements = {
    "!DOCTYPE", "a",       "article", "aside",  "bdi",        "body",    "caption", "code",  "dd",    "desc",
    "details",  "div",     "dl",      "dt",     "figcaption", "figure",  "footer",  "g",     "h1",    "h2",
    "h3",       "head",    "header",  "html",   "li",         "line",    "main",    "meta",  "ol",    "p",
    "rect",     "section", "span",    "strong", "style",      "summary", "svg",     "table", "tbody", "td",
    "text",     "th",      "thead",   "title",  "tr",         "ul"};

bool is_harmless(std::string_view text, std::string_view allowed) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (static_cast<unsigned char>(c) >= 32 && c != 127) || allowed.find(c) != std::string_view::npos;
  });
}

bool has_only_known_elements(std::string_view page) {
  for (std::size_t at = page.find('<'); at != std::string_view::npos; at = page.find('<', at + 1)) {
    std::string_view name = page.substr(at + 1);
    if (name.starts_with('/')) name.remove_prefix(1);
    if (!elements.contains(name.substr(0, name.find_first_of(" />\n")))) return false;
  }
  return true;
}

/// The octets up to the next LF.
std::string next_value(std::string_view& octets) {
  const std::string_view value = octets.substr(0, octets.find('\n'));
  octets.remove_prefix(std::min(value.size() + 1, octets.size()));
  return std::string(value);
}

report::AuditRecord record_from(std::string_view& octets) {
  static constexpr std::array<const char*, 5> actions = {"rewritten", "would-rewrite", "reported", "failed", "new"};
  report::AuditRecord record;
  record.time = octets.size() % 3 == 0 ? next_value(octets) : "2026-11-22T10:00:00Z";
  for (std::string* value : {&record.host, &record.queue_id, &record.source, &record.client_address,
                             &record.client_name, &record.user, &record.sender, &record.from_domain, &record.agent}) {
    *value = next_value(octets);
  }
  do {
    report::AuditFinding finding;
    finding.action = actions[octets.size() % actions.size()];
    finding.instance = static_cast<int>(octets.size() % 3);
    for (std::string* value : {&finding.rule, &finding.field, &finding.part, &finding.before, &finding.after}) {
      *value = next_value(octets);
    }
    finding.keeps = {next_value(octets)};
    finding.breaks = {next_value(octets), next_value(octets)};
    record.findings.push_back(finding);
  } while (octets.size() % 2 == 1);
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  report::Summary summary;
  std::uint64_t records = 0;
  while (!octets.empty()) {
    summary.add(record_from(octets));
    ++records;
  }
  expect(summary.affected() == records, "each record counts once");
  expect(is_harmless(report::to_text(summary, 10, 80), "\n"), "text has no control characters");
  expect(is_harmless(report::to_json(summary, 10), "\n"), "JSON has no control characters");
  expect(is_harmless(report::to_csv(summary, 10), "\r\n"), "CSV has no control characters");
  const std::string page = report::to_html(summary, 10);
  expect(is_harmless(page, "\n"), "HTML has no control characters");
  expect(has_only_known_elements(page), "HTML has no elements of others");
  return 0;
}
