// The promises of the message reader over any octets: nothing is lost, an edit changes its field's body only, and what
// is kept of a header follows from sums of octets. The first octet chooses whether the rest is taken as it is or mapped
// into an alphabet that is rich in the grammar's own characters and words, whether the header may have only a few
// octets, and whether signatures are to be kept.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "audit/examine.h"
#include "audit/file_form.h"
#include "audit/mbox.h"
#include "audit/message.h"
#include "audit/source.h"
#include "tests/fuzz/input.h"
#include "tests/properties.h"

namespace {

using namespace std::string_view_literals;
using fuzz::expect;

constexpr std::array words = {"\n"sv,
                              "\r\n"sv,
                              "\r"sv,
                              "\n "sv,
                              "\n\n"sv,
                              "\r\n\r\n"sv,
                              "\0"sv,
                              ":"sv,
                              " "sv,
                              "\t"sv,
                              "\nFrom "sv,
                              "From x 10:00\n"sv,
                              ">"sv,
                              "<"sv,
                              "<a@b>"sv,
                              "\n\nFrom "sv,
                              "\nFrom x Mon Jan 5 10:00:00 2026\n"sv,
                              "Content-Length: 2"sv,
                              "\xef\xbb\xbf"sv,
                              "x"sv,
                              "\xc3"sv,
                              "Message-ID"sv,
                              "\nMessage-ID:"sv,
                              "\nReferences: "sv,
                              "\r\nIn-Reply-To :"sv,
                              "=?utf-8?q?=3Ca=40b=3E?="sv,
                              "DKIM-Signature: c=relaxed; d=d; h=References\n"sv};

void read_header(std::string_view message) {
  audit::HeaderReader reader(message);
  std::size_t begin = reader.offset();
  for (audit::FieldPlace field; reader.next(field); begin = reader.offset()) {
    const auto body = static_cast<std::size_t>(field.body.data() - message.data());
    const bool is_in_place = field.name.data() == message.data() + begin && begin + field.name.size() < body &&
                             message[body - 1] == ':' && body + field.body.size() <= reader.offset();
    expect(is_in_place, "a field is where it was read");
    const std::string_view line_end =
        message.substr(body + field.body.size(), reader.offset() - body - field.body.size());
    expect(line_end.find_first_not_of("\r\n") == std::string_view::npos, "all but the line end is in the body");
    const std::string shown = audit::as_shown(field.body);
    expect(shown.find("\r\n") == std::string::npos && shown.find('\0') == std::string::npos,
           "no CRLF and NUL is shown");
  }
  expect(audit::body_offset(message) >= begin, "the body is behind the header");
  expect(audit::with_edits(message, {}) == message, "without edits nothing changes");
}

msgid::Policy policy_of(std::uint8_t choice) {
  msgid::Policy policy;
  if ((choice & 2U) != 0) policy.header_size = 100;
  if ((choice & 4U) != 0) policy.signed_fields = msgid::SignedFields::keep;
  return policy;
}

/// As kept_fields.h has it: sums, whatever the order.
void expect_kept(std::string_view message, const msgid::Policy& policy, const audit::HeaderVerdict& decided) {
  std::size_t listed = 0;
  std::size_t signatures = 0;
  msgid::FieldList fields = audit::header_of(message);
  for (const msgid::Field& field : fields) {
    const std::size_t octets = field.name.size() + field.body.size();
    if (policy.find(field.name) != nullptr) listed += octets;
    if (msgid::is_signature_field(field.name)) signatures += octets;
  }
  const bool are_too_many = listed + signatures > policy.header_size;
  const bool may_leave_out = policy.signed_fields == msgid::SignedFields::rewrite && listed <= policy.header_size;
  expect(decided.is_over_size == (are_too_many && !may_leave_out), "when a header is too large");
  if (decided.is_over_size) return;
  expect(decided.lacks_signatures == are_too_many, "when signatures are left out");
  if (are_too_many) std::erase_if(fields, [](const auto& field) { return msgid::is_signature_field(field.name); });
  expect(properties::same(decided.verdict, msgid::inspect(fields, policy)), "what is kept gives the whole's verdict");
}

void edit(std::string_view message, const msgid::Policy& policy) {
  const audit::HeaderVerdict decided = audit::verdict_of(message, policy);
  expect_kept(message, policy, decided);
  const std::vector<msgid::Edit>& edits = decided.verdict.edits;
  const std::string edited = audit::with_edits(message, edits);
  const msgid::FieldList got = audit::header_of(edited);
  const msgid::FieldList wanted = msgid::apply(audit::header_of(message), edits);
  expect(got.size() == wanted.size(), "no field more or less");
  for (std::size_t i = 0; i < got.size(); ++i) {
    expect(got[i].name == wanted[i].name && got[i].body == wanted[i].body, "what the MTA would make of the edits");
  }
  expect(std::string_view(edited).substr(audit::body_offset(edited)) == message.substr(audit::body_offset(message)),
         "the body stays");
  expect(audit::verdict_of(edited, policy).verdict.edits.empty(), "a second time there is nothing to edit");
}

void examine(std::string_view message) {
  static const msgid::Policy policy;
  static audit::Examiner examiner(policy);
  const msgid::FieldList fields = audit::header_of(message);
  for (const msgid::Finding& finding : examiner.examine(message).findings) {
    if (!finding.rule->name.starts_with("header-")) continue;
    const bool is_there = std::any_of(fields.begin(), fields.end(), [&](const msgid::Field& field) {
      return field.name == finding.field && field.instance == finding.instance;
    });
    expect(is_there && !finding.reason.empty(), "a finding about the header names a field of it");
  }
}

void read_file(std::string_view octets) {
  static const fuzz::MemoryFile file;
  file.write(octets);
  bool has_trouble = false;
  audit::Source source(
      {file.path()}, [&](std::string_view, std::string_view) { has_trouble = true; }, audit::Oversize::pass_on);
  std::string all;
  std::size_t number = 0;
  std::size_t first = 0;
  bool is_exchanged = false;
  static audit::Block block;  // kept for its memory
  while (source.next(block)) {
    for (const audit::Message& message : block.messages) {
      all += message.before;
      all += message.octets;
      if (number == 0) first = all.size() - audit::lead_octets(all);
      expect(message.number == 0 || message.number == ++number, "messages are counted");
    }
    all += block.rest;
    is_exchanged = block.has_cr_line_ends;
  }
  const std::string_view mbox = std::string_view(all).substr(audit::lead_octets(all));
  expect(number == 0 || first == std::min(audit::second_message(mbox), mbox.size()),
         "all find the same end of the first message");
  if (is_exchanged) audit::exchange_cr_and_lf(all);
  expect(has_trouble ? all.empty() : all == octets, "all that is handed out is the file");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string message = fuzz::text_of({data, size}, words);
  read_header(message);
  edit(message, policy_of(data[0]));
  examine(message);
  read_file(message);
  return 0;
}
