// The core's side of the comparison: reads headers from standard input, a line each, and writes what the core says of
// them, a line each. The other side, and what is on the lines, is in verdict.py.
//
//   input  = settings 1*( TAB field-name "=" hex-body )
//   output = 1*( "ids=" [hex *( "," hex )] TAB )
//            *( "finding=" rule ":" field ":" instance ":" action ":" reason ":" hex-before ":" hex-after ":"
//                          keeps ":" breaks TAB )
//            *( "edit=" field ":" instance ":" hex-new-body TAB )
#include <charconv>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/inspect.h"

namespace {

std::string hex(std::string_view octets) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    out += digits[octet / 16U];
    out += digits[octet % 16U];
  }
  return out;
}

std::string unhex(std::string_view text) {
  if (text.size() % 2 != 0) throw std::runtime_error("odd number of hexadecimal digits");
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    unsigned octet = 0;
    const auto [end, error] = std::from_chars(&text[i], &text[i] + 2, octet, 16);
    if (error != std::errc() || end != &text[i] + 2) throw std::runtime_error("no hexadecimal digit");
    out += static_cast<char>(octet);
  }
  return out;
}

std::size_t number(const std::string& text) {
  return std::stoul(text);
}

msgid::RuleAction action(std::string_view name) {
  if (name == "off") return msgid::RuleAction::off;
  if (name == "report") return msgid::RuleAction::report;
  if (name == "fix") return msgid::RuleAction::fix;
  throw std::runtime_error("no such action");
}

/// A setting is written as an option in the configuration file, without blanks.
void set(msgid::Policy& policy, const std::string& option, const std::string& value) {
  if (option == "line-length")
    policy.line_length = number(value);
  else if (option == "fold-at")
    policy.fold_at = number(value);
  else if (option == "msgid-length")
    policy.msgid_length = number(value);
  else if (option == "references-length")
    policy.references_length = number(value);
  else if (option == "msgid-domain")
    policy.msgid_domain = value;
  else if (option == "extra-field")
    policy.fields.push_back({value, true, false});
  else if (option == "signed" && value == "keep")
    policy.signed_fields = msgid::SignedFields::keep;
  else {
    for (const msgid::Rule& rule : msgid::rules()) {
      if (option == "rule." + std::string(rule.name)) {
        policy.action(rule.id) = action(value);
        return;
      }
    }
    throw std::runtime_error("no such setting: " + option);
  }
}

msgid::Policy policy_of(const std::string& settings) {
  msgid::Policy policy;
  std::istringstream words(settings);
  for (std::string word; words >> word;) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) throw std::runtime_error("a setting without a value");
    set(policy, word.substr(0, equals), word.substr(equals + 1));
  }
  return policy;
}

msgid::FieldList fields_of(std::istringstream& parts) {
  msgid::FieldList fields;
  for (std::string part; std::getline(parts, part, '\t');) {
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) throw std::runtime_error("a field without a body");
    msgid::Field field = {part.substr(0, equals), unhex(std::string_view(part).substr(equals + 1)), 1};
    for (const msgid::Field& other : fields) field.instance += msgid::same_name(other.name, field.name) ? 1 : 0;
    fields.push_back(std::move(field));
  }
  return fields;
}

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ',';
    out += name;
  }
  return out;
}

std::string answer(const std::string& line) {
  std::istringstream parts(line);
  std::string settings;
  std::getline(parts, settings, '\t');
  const msgid::Policy policy = policy_of(settings);
  const msgid::FieldList fields = fields_of(parts);
  std::string out;
  std::vector<msgid::Token> tokens;
  for (const msgid::Field& field : fields) {
    std::vector<std::string> ids;
    msgid::scan(field.body, tokens);
    for (const msgid::Token& token : tokens) {
      if (token.kind == msgid::TokenKind::msg_id) ids.push_back(hex(token.text));
    }
    out += "ids=" + joined(ids) + '\t';
  }
  const msgid::Verdict verdict = msgid::inspect(fields, policy);
  for (const msgid::Finding& finding : verdict.findings) {
    out += "finding=" + std::string(finding.rule->name) + ':' + finding.field + ':' + std::to_string(finding.instance) +
           (finding.action == msgid::Action::rewrite ? ":rewrite:" : ":report:") + finding.reason + ':' +
           hex(finding.before) + ':' + hex(finding.after) + ':' + joined(finding.dkim.keeps) + ':' +
           joined(finding.dkim.breaks) + '\t';
  }
  for (const msgid::Edit& edit : verdict.edits) {
    out += "edit=" + edit.field + ':' + std::to_string(edit.instance) + ':' + hex(edit.new_body) + '\t';
  }
  return out;
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  try {
    for (std::string line; std::getline(std::cin, line);) std::cout << answer(line) << '\n';
  } catch (const std::exception& error) {
    std::cerr << "oracle_core: " << error.what() << '\n';
    return 1;
  }
  return 0;
}
