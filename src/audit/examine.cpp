#include "audit/examine.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "msgid/fold.h"

namespace audit {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view encoding_name = "Content-Transfer-Encoding";

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  const std::size_t last = text.find_last_not_of(blanks);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

constexpr std::array<msgid::Rule, 2> header_rule_table = {{
    {msgid::RuleId{msgid::rule_count + msgid::exchange_rule_count}, "header-ends-early",
     "a line in the header that is no field", msgid::RuleAction::report, false},
    {msgid::RuleId{msgid::rule_count + msgid::exchange_rule_count + 1}, "header-ambiguous",
     "a field that programs read in different ways", msgid::RuleAction::report, false},
}};

/// A longer field is cut by Postfix: header_size_limit, and the longest line (line_length_limit), of which all is kept
/// if it begins below the limit (defaults of 3.7.11, as postconf -d shows them).
constexpr std::size_t max_postfix_field_octets = 102400 + 2048;

/// Of a line or a field body no more is shown in a finding about the header.
constexpr std::size_t max_shown_octets = 1000;

/// The beginning of a field body or of a line, with folds undone.
std::string on_one_line(std::string_view text) {
  text = trimmed(text.substr(0, max_shown_octets));
  std::string line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("\r\n")) ++i;
    if (text[i] != '\n') line += text[i];
  }
  return line;
}

/// In blocks, so that the compiler makes vector instructions of the inner loop.
bool has_high_octet(std::string_view text) {
  constexpr std::size_t block = 1024;
  while (!text.empty()) {
    unsigned char all = 0;
    for (const char c : text.substr(0, block)) all = static_cast<unsigned char>(all | static_cast<unsigned char>(c));
    if (all > 127) return true;
    text.remove_prefix(std::min(block, text.size()));
  }
  return false;
}

/// Whether a body of this type surely has no parts.
bool is_single(std::string_view content_type) {
  static constexpr std::array<std::string_view, 7> singles = {"text/",  "application/", "image/", "audio/",
                                                              "video/", "font/",        "model/"};
  const std::string_view type = trimmed(content_type);
  return type.empty() || std::any_of(singles.begin(), singles.end(), [type](std::string_view single) {
           return msgid::same_name(type.substr(0, single.size()), single);
         });
}

/// What a part says of its octets, the narrower first (RFC 2045 6.2). `encoded` is as narrow as seven_bit.
enum class Width { none, encoded, seven_bit, eight_bit, binary };

struct Declared {
  Width width = Width::none;
  std::string_view name = encoding_name;  ///< as the sender spelled it
  std::string_view body;
};

//   encoding  := "Content-Transfer-Encoding" ":" mechanism
//   mechanism := "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ietf-token / x-token   ; RFC 2045 6.1
//   comment   := "(" *([FWS] ccontent) [FWS] ")"                                                     ; RFC 5322 3.2.2
std::string_view behind_comments(std::string_view body) {
  std::size_t depth = 0;
  for (std::size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (c == '(') {
      ++depth;
    } else if (depth > 0 && c == ')') {
      --depth;
    } else if (depth > 0 && c == '\\') {
      ++i;
    } else if (depth == 0 && blanks.find(c) == std::string_view::npos) {
      return body.substr(i);
    }
  }
  return {};
}

Declared declared_in(const FieldPlace& field) {
  struct Row {
    std::string_view mechanism;
    Width width;
  };
  static constexpr std::array<Row, 3> rows = {
      {{"7bit", Width::seven_bit}, {"8bit", Width::eight_bit}, {"binary", Width::binary}}};
  const std::string_view body = behind_comments(field.body);
  const std::string_view mechanism = body.substr(0, body.find_first_of(" \t\r\n;("));
  const auto* const row = std::find_if(rows.begin(), rows.end(), [mechanism](const Row& candidate) {
    return msgid::same_name(candidate.mechanism, mechanism);
  });
  return {row == rows.end() ? Width::encoded : row->width, field.name, field.body};
}

Declared declared_by(std::string_view header) {
  HeaderReader reader(header);
  for (FieldPlace field; reader.next(field);) {
    if (field.name.size() == encoding_name.size() && msgid::same_name(field.name, encoding_name)) {
      return declared_in(field);
    }
  }
  return {};
}

msgid::Finding encoding_finding(msgid::RuleId rule, const Part& part, const Declared& declared, std::string reason) {
  msgid::Finding finding{&msgid::exchange_rule(rule),
                         std::string(declared.name),
                         declared.width == Width::none ? 0 : 1,
                         msgid::Action::report,
                         std::move(reason),
                         std::string(trimmed(msgid::unfold(as_shown(declared.body)))),
                         {}};
  finding.part = part.number;
  return finding;
}

/// Octets over 127 where none may be.
void look_at_octets(const Part& part, const Declared& declared, Examined& out) {
  const bool is_unencoded = declared.width == Width::none || declared.width == Width::seven_bit;
  if (!is_unencoded || !has_high_octet(part.body)) return;
  out.findings.push_back(encoding_finding(msgid::RuleId::exchange_8bit_body, part, declared, {}));
}

void look_at_encodings(const std::vector<Part>& parts, const Declared& by_message, Examined& out) {
  std::vector<Declared> declared(parts.size());
  std::vector<Width> widest(parts.size(), Width::none);  // of what is in a part
  for (std::size_t i = parts.size(); i-- > 0;) {
    declared[i] = i == 0 ? by_message : declared_by(parts[i].header);
    Width& outer = widest[parts[i].parent];
    if (i > 0) outer = std::max({outer, widest[i], declared[i].width});
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    look_at_octets(parts[i], declared[i], out);
    // A multipart that declares nothing is taken by every reader.
    const Width width = declared[i].width;
    if (parts[i].is_multipart && width >= Width::seven_bit && width < widest[i]) {
      const char* const wider = widest[i] == Width::binary ? "binary" : "8bit";
      out.findings.push_back(encoding_finding(msgid::RuleId::exchange_narrow_multipart, parts[i], declared[i], wider));
    }
  }
}

msgid::Policy policy_for_parts(msgid::Policy policy) {
  if (policy.find("Content-ID") == nullptr) policy.fields.push_back({"Content-ID", false, true});
  policy.action(msgid::RuleId::missing) = msgid::RuleAction::off;
  return policy;
}

}  // namespace

std::span<const msgid::Rule> header_rules() noexcept {
  return header_rule_table;
}

Examiner::Examiner(const msgid::Policy& policy)
    : policy_(policy), part_policy_(policy_for_parts(policy)), ids_(policy_), exchange_(policy_) {}

Examined Examiner::examine(std::string_view message) {
  Examined out;
  const FirstBodies first = read_header(message, out);
  if (first.last_field.name.empty()) {
    out.is_decided = false;
    out.troubles.emplace_back("not a mail: it has no header field");
    return out;
  }
  HeaderVerdict decided = ids_.end_of_header();
  std::vector<msgid::Finding> of_header = exchange_.end_of_header();
  if (decided.is_over_size) {
    out.is_decided = false;
    out.troubles.push_back(over_size_text);
    return out;
  }
  out.findings = std::move(decided.verdict.findings);
  std::move(of_header.begin(), of_header.end(), std::back_inserter(out.findings));
  // As in the daemon: where nothing was found, nobody asks about them.
  if (decided.lacks_signatures && !out.findings.empty()) out.troubles.push_back(lacks_signatures_text);
  report_header(message, first, out);
  look_at_parts(message, first, out);
  return out;
}

/// One pass over the header for all.
Examiner::FirstBodies Examiner::read_header(std::string_view message, Examined& out) {
  FirstBodies first;
  const auto keep_first = [](std::string_view& place, std::string_view body) {
    if (place.data() == nullptr) place = body;
  };
  ambiguous_ = {};
  HeaderReader reader(message);
  for (FieldPlace field; reader.next(field); first.last_field = field) {
    ids_.field(field);
    const std::string_view body = shown(field.body, shown_);
    exchange_.field(field.name, body);
    const std::size_t end = static_cast<std::size_t>(field.body.data() - message.data()) + field.body.size();
    look_at_ambiguity(field, body, message.substr(end, reader.offset() - end));
    switch (field.name.size()) {  // most names need no comparison
      case 4:
        if (msgid::same_name(field.name, "Date")) keep_first(out.date, field.body);
        if (msgid::same_name(field.name, "From")) keep_first(out.from, field.body);
        break;
      case 7:
        if (msgid::same_name(field.name, "Subject")) keep_first(out.subject, field.body);
        break;
      case 8:
        if (msgid::same_name(field.name, "X-Mailer")) keep_first(out.agent, field.body);
        break;
      case 10:
        if (msgid::same_name(field.name, "User-Agent")) keep_first(out.agent, field.body);
        break;
      case 12:
        if (msgid::same_name(field.name, "Content-Type")) keep_first(first.content_type, field.body);
        break;
      case encoding_name.size():
        if (first.encoding.name.empty() && msgid::same_name(field.name, encoding_name)) first.encoding = field;
        break;
      default:
        break;
    }
  }
  first.header_end = reader.offset();
  first.body_offset = reader.body_offset();
  look_at_end(message.substr(reader.offset()));
  return first;
}

/// `body` is the field's as the MTA has it, `line_end` that of its last line.
void Examiner::look_at_ambiguity(const FieldPlace& field, std::string_view body, std::string_view line_end) {
  const auto note = [&](Ambiguity kind) {
    FieldPlace& first = ambiguous_[static_cast<std::size_t>(kind)];
    if (first.name.empty()) first = field;
  };
  if (field.name.size() + 1 + body.size() > max_postfix_field_octets) note(Ambiguity::over_limit);
  bool has_bare_cr = line_end.starts_with("\r\r");
  const bool has_any = body.data() != field.body.data();  // a CR or a NUL
  if (has_any) {
    if (field.body.find('\0') != std::string_view::npos) note(Ambiguity::nul);
    for (std::size_t cr = field.body.find('\r'); cr != std::string_view::npos; cr = field.body.find('\r', cr + 1)) {
      has_bare_cr = has_bare_cr || field.body.substr(cr + 1, 1) != "\n";
    }
  }
  // In a field of the policy the rule control-character finds it.
  const auto is_found = [&] {
    return policy_.find(field.name) != nullptr &&
           policy_.action(msgid::RuleId::control_character) != msgid::RuleAction::off;
  };
  if (has_bare_cr && !is_found()) note(Ambiguity::bare_cr);
}

void Examiner::report_header(std::string_view message, const FirstBodies& first, Examined& out) const {
  const auto add = [&](const msgid::Rule& rule, const FieldPlace& place, std::string_view reason,
                       std::string_view before) {
    int instance = 0;
    HeaderReader reader(message);
    for (FieldPlace field; reader.next(field) && field.name.data() <= place.name.data();) {
      if (msgid::same_name(field.name, place.name)) ++instance;
    }
    out.findings.push_back({&rule,
                            std::string(place.name),
                            instance,
                            msgid::Action::report,
                            std::string(reason),
                            on_one_line(before),
                            {}});
  };
  const std::string_view rest = message.substr(first.header_end);
  const std::string_view line = trimmed(rest.substr(0, rest.find('\n')));
  if (!line.empty()) {
    const bool has_colon = line.find(':') != std::string_view::npos;
    const char* const reason = is_from_line(line) ? "from-line" : has_colon ? "no-field-name" : "no-colon";
    add(header_rule_table[0], first.last_field, reason, line);
  }
  for (std::size_t kind = 0; kind < ambiguous_.size(); ++kind) {
    const FieldPlace& place = ambiguous_[kind];
    if (!place.name.empty()) add(header_rule_table[1], place, ambiguity_reasons[kind], place.body);
  }
}

/// A header that ends with something like a field may end there for its name: the filter is not shown it.
void Examiner::look_at_end(std::string_view rest) {
  const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || msgid::is_field_name(line.substr(0, colon))) return;
  exchange_.field(line.substr(0, colon), line.substr(colon + 1));
}

void Examiner::look_at_parts(std::string_view message, const FirstBodies& first, Examined& out) const {
  const bool with_encodings = policy_.exchange != msgid::RuleAction::off;
  const Declared declared = first.encoding.name.empty() ? Declared() : declared_in(first.encoding);
  if (is_single(first.content_type)) {
    if (with_encodings) look_at_octets({{}, {}, message.substr(first.body_offset)}, declared, out);
    return;
  }
  const PartList list = parts_of(message);
  if (!list.is_complete) out.troubles.emplace_back("its MIME parts are too many or too deep; not all were looked at");
  for (std::size_t i = 1; i < list.parts.size(); ++i) look_at_ids(list.parts[i], out);
  if (with_encodings) look_at_encodings(list.parts, declared, out);
}

void Examiner::look_at_ids(const Part& part, Examined& out) const {
  msgid::FieldList fields;
  std::vector<int> instances(part_policy_.fields.size());
  HeaderReader reader(part.header);
  for (FieldPlace field; reader.next(field);) {
    const msgid::ListedField* const listed = part_policy_.find(field.name);
    if (listed == nullptr) continue;
    int& instance = instances[static_cast<std::size_t>(listed - part_policy_.fields.data())];
    fields.push_back({std::string(field.name), as_shown(field.body), ++instance});
  }
  if (fields.empty()) return;
  for (msgid::Finding& finding : msgid::inspect(fields, part_policy_).findings) {
    if (finding.action == msgid::Action::rewrite) finding.reason = "in-part";
    finding.action = msgid::Action::report;
    finding.after.clear();
    finding.part = part.number;
    out.findings.push_back(std::move(finding));
  }
}

}  // namespace audit
