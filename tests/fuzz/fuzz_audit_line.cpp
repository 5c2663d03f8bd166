// Two promises of the audit record, over any octets: reading a line ends in a record or in std::runtime_error with a
// printable reason; and whatever stands in a record, what is written is one line of printable ASCII that can be read
// again and says the same.
#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>

#include "report/address.h"
#include "report/audit_record.h"
#include "tests/fuzz/input.h"

namespace {

using fuzz::expect;

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// What a reader makes of a value that was written: the same, if it is printable ASCII and short enough.
bool is_kept(const std::string& written, const std::string& read) {
  const bool is_plain = is_printable(written) && written.size() <= report::max_audit_value_octets / 2;
  return !is_plain || read == written;
}

void write_and_read(const report::AuditRecord& record) {
  const std::string line = to_json_line(record);
  expect(line.ends_with('\n') && is_printable(std::string_view(line).substr(0, line.size() - 1)), "printable ASCII");
  expect(line.size() <= report::max_audit_line_octets, "the length of a line");
  const auto read = std::get<report::AuditRecord>(report::parse_audit_line(line));
  expect(is_kept(record.sender, read.sender) && is_kept(record.agent, read.agent), "values");
  expect(read.findings.size() == std::min(record.findings.size(), report::max_findings), "findings");
  expect(read.findings.size() + read.more_findings == record.findings.size() + record.more_findings, "their number");
  for (std::size_t i = 0; i < read.findings.size(); ++i) {
    expect(is_kept(record.findings[i].before, read.findings[i].before), "before");
    expect(record.findings[i].keeps.size() == read.findings[i].keeps.size(), "keeps");
  }
}

/// A record with the octets in every place.
report::AuditRecord record_of(const std::string& octets) {
  report::AuditRecord record;
  record.time = record.host = record.queue_id = record.source = octets;
  record.client_address = record.client_name = record.user = record.sender = record.agent = octets;
  record.from_domain = report::first_domain(octets);
  record.recipient_domains = {octets, octets};
  report::AuditFinding finding;
  finding.rule = finding.field = finding.part = finding.action = finding.reason = octets;
  finding.before = finding.after = octets;
  finding.keeps = {octets};
  record.findings.assign(octets.size() % 60, finding);
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets(reinterpret_cast<const char*>(data), size);
  try {
    const auto parsed = report::parse_audit_line(octets);
    if (const auto* record = std::get_if<report::AuditRecord>(&parsed)) write_and_read(*record);
    if (const auto* totals = std::get_if<report::AuditTotals>(&parsed)) {
      const auto again = std::get<report::AuditTotals>(report::parse_audit_line(to_json_line(*totals)));
      expect(again.messages == totals->messages && again.unread == totals->unread, "totals");
    }
  } catch (const std::runtime_error& error) {
    expect(is_printable(error.what()), "a printable reason");
  }
  write_and_read(record_of(octets));
  return 0;
}
