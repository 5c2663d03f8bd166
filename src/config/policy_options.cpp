// The rows of what decides: rules, fields and limits, signatures, Exchange. msgid-audit takes them too.
#include <algorithm>
#include <array>

#include "config/rows.h"

namespace config::rows {
namespace {

void read_domain(Settings& settings, const std::string& text) {
  // Narrower than a dot-atom, which may look like an encoded-word: "=?us-ascii?q?x?=" is one.
  const bool has_odd_octet = std::any_of(text.begin(), text.end(), [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.');
  });
  if (has_odd_octet || !msgid::is_dot_atom(text))
    refuse("only a domain name: letters, digits, \"-\", \"_\" and dots between");
  if (text.size() > 253) refuse("only a domain name of at most 253 octets");
  settings.policy.msgid_domain = text;
}

// Fields to which a standard gives another syntax than a list of msg-ids (RFC 5322 3.6, RFC 2045, RFC 2183, RFC 6376,
// RFC 8601, RFC 8617, RFC 7208). An edit would break them, or the signature that they are.
constexpr std::array<std::string_view, 34> fields_without_ids{"ARC-Authentication-Results",
                                                              "ARC-Message-Signature",
                                                              "ARC-Seal",
                                                              "Authentication-Results",
                                                              "Bcc",
                                                              "Cc",
                                                              "Comments",
                                                              "Content-Description",
                                                              "Content-Disposition",
                                                              "Content-Transfer-Encoding",
                                                              "Content-Type",
                                                              "Date",
                                                              "Delivered-To",
                                                              "DKIM-Signature",
                                                              "DomainKey-Signature",
                                                              "Encrypted",
                                                              "From",
                                                              "Keywords",
                                                              "MIME-Version",
                                                              "Received",
                                                              "Received-SPF",
                                                              "Reply-To",
                                                              "Resent-Bcc",
                                                              "Resent-Cc",
                                                              "Resent-Date",
                                                              "Resent-From",
                                                              "Resent-Reply-To",
                                                              "Resent-Sender",
                                                              "Resent-To",
                                                              "Return-Path",
                                                              "Return-Receipt-To",
                                                              "Sender",
                                                              "Subject",
                                                              "To"};

// A bound for a file that is not ours: each listed field is compared with each of the others.
constexpr std::size_t max_extra_fields = 64;

void read_extra_field(Settings& settings, const std::string& name) {
  if (!msgid::is_field_name(name)) refuse("not a field name: printable ASCII without space and colon");
  const auto is_it = [&](std::string_view other) { return msgid::same_name(name, other); };
  if (std::any_of(fields_without_ids.begin(), fields_without_ids.end(), is_it)) {
    refuse(name + " does not hold msg-ids, an edit could break it");
  }
  auto& fields = settings.policy.fields;
  const std::size_t built_in = Settings{}.policy.fields.size();
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (is_it(fields[i].name)) refuse(name + (i < built_in ? " is examined in any case" : " is given twice"));
  }
  if (fields.size() == built_in + max_extra_fields)
    refuse("at most " + std::to_string(max_extra_fields) + " extra fields");
  fields.push_back({name, true, false});
}

Values print_extra_fields(const Settings& settings) {
  Values names;
  const auto& fields = settings.policy.fields;
  for (std::size_t i = Settings{}.policy.fields.size(); i < fields.size(); ++i) names.push_back(fields[i].name);
  return names;
}

void add_rules(std::vector<Option>& table) {
  for (const msgid::Rule& rule : msgid::rules()) {
    Words<msgid::RuleAction> words{
        {"fix", msgid::RuleAction::fix}, {"report", msgid::RuleAction::report}, {"off", msgid::RuleAction::off}};
    if (!rule.can_fix) words.erase(words.begin());
    const auto action = [id = rule.id](auto& s) -> decltype(auto) {
      return (s.policy.actions[static_cast<std::size_t>(id)]);
    };
    table.push_back(choice<msgid::RuleAction>("rule." + std::string(rule.name), words, action,
                                              std::string(rule.summary), "The rules"));
  }
}

void add_signed_and_exchange(std::vector<Option>& table) {
  constexpr std::string_view section = "Signatures, and what Exchange refuses besides";
  table.push_back(choice<msgid::SignedFields>(
      "signed", {{"rewrite", msgid::SignedFields::rewrite}, {"keep", msgid::SignedFields::keep}},
      [](auto& s) -> auto& { return s.policy.signed_fields; },
      "make an edit that breaks a DKIM or ARC signature over the field, or leave it out", section));
  table.push_back(choice<msgid::RuleAction>(
      "exchange", {{"report", msgid::RuleAction::report}, {"off", msgid::RuleAction::off}},
      [](auto& s) -> auto& { return s.policy.exchange; }, "report other header faults that Exchange refuses", section));
  table.push_back(octets(
      "exchange-header-size", 1024, 16777216, [](auto& s) -> auto& { return s.policy.exchange_header_size; },
      "a larger header is a finding of exchange-header-size", section));
}

void add_limits(std::vector<Option>& table) {
  constexpr std::string_view section = "Fields and limits";
  table.push_back({.name = "extra-field",
                   .value = "NAME",
                   .help = "one more field that holds msg-ids",
                   .section = section,
                   .repeatable = true,
                   .read = read_extra_field,
                   .print = print_extra_fields,
                   .example = "Supersedes"});
  table.push_back(octets(
      "line-length", 40, msgid::max_line_octets, [](auto& s) -> auto& { return s.policy.line_length; },
      "a longer line is a finding", section));
  table.push_back(octets(
      "fold-at", 40, msgid::max_line_octets, [](auto& s) -> auto& { return s.policy.fold_at; },
      "a changed field is folded to this; at most line-length", section));
  table.push_back(octets(
      "msgid-length", msgid::min_msgid_octets, msgid::max_msgid_octets,
      [](auto& s) -> auto& { return s.policy.msgid_length; }, "a longer msg-id is a finding", section));
  table.push_back({.name = "msgid-domain",
                   .value = "DOMAIN",
                   .help = "the domain of shortened msg-ids, instead of their own",
                   .section = section,
                   .read = read_domain,
                   .print = [](const Settings& s) { return if_any(s.policy.msgid_domain); },
                   .example = "example.com",
                   .advice = "Give all your relays the same, and the same msgid-length."});
  table.push_back(octets(
      "references-length", 100, 65535, [](auto& s) -> auto& { return s.policy.references_length; },
      "a longer list of msg-ids is a finding", section));
  table.push_back(octets(
      "header-size", 4096, 16777216, [](auto& s) -> auto& { return s.policy.header_size; },
      "a message with more octets of msg-id fields and signatures passes unchanged", section));
}

}  // namespace

void add_policy(std::vector<Option>& table) {
  const std::size_t first = table.size();
  add_rules(table);
  add_limits(table);
  add_signed_and_exchange(table);
  for (std::size_t i = first; i < table.size(); ++i) table[i].decides = true;
}

}  // namespace config::rows
