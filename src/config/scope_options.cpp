// The rows of the scope: whose mail is touched.
#include "config/lines.h"
#include "config/rows.h"

namespace config::rows {
namespace {

template <class Set>
void add_value(GivenSet<Set>& given, const std::string& value, const std::string& origin) {
  // A quoted local part may have one.
  if (value.find(',') != std::string::npos && value.find('"') == std::string::npos) {
    refuse("one value at a time: give the option again, or a file @/path of many");
  }
  if (!given.set.add(value) && given.superfluous.empty()) {
    given.superfluous = value + (origin.empty() ? "" : " (" + origin + ")");
  }
}

template <class Member>
void read_values(const std::string& option, Scope& scope, Member member, const std::string& text) {
  auto& given = scope.*member;
  if (text.starts_with("@/")) {
    scope.lists.push_back(
        for_each_value(option, text.substr(1), [&](const std::string& value, const std::string& origin) {
          if (value.starts_with("@/")) refuse("a list file does not name another");
          add_value(given, value, origin);
        }));
  } else {
    add_value(given, text, {});
  }
  given.values.push_back(text);
}

/// What an option of a set is, besides what the set is.
struct Texts {
  std::string name, value, help, example, advice;
};

template <class Member>
Option set_of(const Texts& words, Member member) {
  Option option;
  option.name = words.name;
  option.value = words.value;
  option.help = words.help;
  option.section = "Whose mail is touched";
  option.repeatable = true;
  option.read = [member, name = words.name](Settings& settings, const std::string& text) {
    read_values(name, settings.scope, member, text);
  };
  option.print = [=](const Settings& settings) { return (settings.scope.*member).values; };
  option.example = words.example;
  option.advice = words.advice;
  return option;
}

}  // namespace

void add_scope(std::vector<Option>& table) {
  table.push_back(set_of({"only-recipient", "DOMAIN", "touch only mail with a recipient there", "example.com",
                          "example.com is that domain alone, .example.com it and all below it. One such recipient "
                          "suffices; the other recipients' copy is edited too. Here and in the next three options "
                          "@/absolute/path is a file of values, one a line."},
                         &Scope::only_recipient));
  table.push_back(
      set_of({"only-client", "NETWORK", "touch only mail from there", "192.0.2.0/24", {}}, &Scope::only_client));
  table.push_back(
      set_of({"exempt-client", "NETWORK", "leave mail from there alone", "2001:db8::/32", {}}, &Scope::exempt_client));
  table.push_back(set_of({"exempt-sender",
                          "SENDER",
                          "leave mail of this envelope sender alone: an address, a domain, or <>",
                          "newsletter@example.com",
                          {}},
                         &Scope::exempt_sender));
  table.push_back(choice<bool>(
      "exempt-authenticated", {{"yes", true}, {"no", false}},
      [](auto& s) -> auto& { return s.scope.exempt_authenticated; }, "leave mail of authenticated users alone",
      "Whose mail is touched"));
  table.push_back(choice<bool>(
      "audit-exempt", {{"yes", true}, {"no", false}}, [](auto& s) -> auto& { return s.scope.audit_exempt; },
      "log for the mail that is left alone what would be changed", "Whose mail is touched"));
}

}  // namespace config::rows
