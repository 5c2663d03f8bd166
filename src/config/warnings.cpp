#include "config/warnings.h"

#include <algorithm>
#include <array>

#include "config/table.h"

namespace config {
namespace {

using Lines = std::vector<std::string>;

void look_at_scope(const Loaded& loaded, Lines& lines) {
  const Scope& scope = loaded.settings.scope;
  const auto say = [&](std::string_view option, const std::string& reason) {
    lines.push_back(line_about(loaded, option, reason));
  };
  const std::string nobody = ", so that no mail is touched; ";
  if (scope.only_recipient.is_given() && scope.only_recipient.set.empty())
    say("only-recipient", "there is no domain in its file" + nobody + "add one, or leave the option out");
  if (scope.only_client.is_given() && scope.only_client.set.empty()) {
    say("only-client", "there is no network in its file" + nobody + "add one, or leave the option out");
  } else if (scope.only_client.is_given() && scope.only_client.set.is_within(scope.exempt_client.set)) {
    say("only-client", "all of it is in exempt-client too" + nobody + "take it out of one of the two");
  }
  Networks all;
  all.add("0.0.0.0/0");
  all.add("::/0");
  if (all.is_within(scope.exempt_client.set))
    say("exempt-client", "it has every address, so that only mail of local programs is touched; make it smaller");
  const auto look_twice = [&](std::string_view option, const std::string& superfluous) {
    if (!superfluous.empty())
      say(option, superfluous + " is in what stands before it already; it can be left out, and so can others");
  };
  look_twice("only-recipient", scope.only_recipient.superfluous);
  look_twice("only-client", scope.only_client.superfluous);
  look_twice("exempt-client", scope.exempt_client.superfluous);
  look_twice("exempt-sender", scope.exempt_sender.superfluous);
}

/// An option that is given and whose precondition is not.
struct Idle {
  std::string_view option;
  bool (*has_effect)(const Settings&);
  std::string_view reason;
};

bool is_on(const Settings& settings, msgid::RuleId rule) {
  return settings.policy.action(rule) != msgid::RuleAction::off;
}

bool fixes(const Settings& settings, msgid::RuleId rule) {
  return settings.policy.action(rule) == msgid::RuleAction::fix;
}

constexpr std::array<Idle, 9> idle_options{{
    {"group", [](const Settings& s) { return !s.user.empty(); }, "it has no effect without user; set that too"},
    {"audit-exempt", [](const Settings& s) { return !s.scope.audit_exempt || s.scope.is_limited(); },
     "it has no effect while all mail is touched; set an only- or exempt- option too"},
    {"audit-recipients", [](const Settings& s) { return !s.audit_recipients || !s.audit_log.empty(); },
     "it has no effect without an audit trail; set audit-log too"},
    {"msgid-length",
     [](const Settings& s) { return is_on(s, msgid::RuleId::msgid_too_long) || fixes(s, msgid::RuleId::non_ascii); },
     "it has no effect with rule.msgid-too-long = off; set that to fix or report"},
    {"msgid-domain",
     [](const Settings& s) { return fixes(s, msgid::RuleId::msgid_too_long) || fixes(s, msgid::RuleId::non_ascii); },
     "it has no effect without rule.msgid-too-long = fix or rule.non-ascii = fix; set one"},
    {"line-length", [](const Settings& s) { return is_on(s, msgid::RuleId::line_too_long); },
     "it has no effect with rule.line-too-long = off; set that to fix or report"},
    {"references-length", [](const Settings& s) { return is_on(s, msgid::RuleId::references_too_long); },
     "it has no effect with rule.references-too-long = off; set that to fix or report"},
    {"exchange-header-size", [](const Settings& s) { return s.policy.exchange != msgid::RuleAction::off; },
     "it has no effect with exchange = off; set exchange = report"},
    {"extra-field",
     [](const Settings& s) {
       return std::any_of(s.policy.actions.begin(), s.policy.actions.end(),
                          [](msgid::RuleAction action) { return action != msgid::RuleAction::off; });
     },
     "it has no effect with all rules off; set one to fix or report"},
}};

void look_at_policy(const Loaded& loaded, Lines& lines) {
  const msgid::Policy& policy = loaded.settings.policy;
  for (const Idle& idle : idle_options) {
    if (is_given(loaded, idle.option) && !idle.has_effect(loaded.settings))
      lines.push_back(line_about(loaded, idle.option, std::string(idle.reason)));
  }
  const bool is_any_on = std::any_of(policy.actions.begin(), policy.actions.end(),
                                     [](msgid::RuleAction action) { return action != msgid::RuleAction::off; });
  if (!is_any_on && policy.exchange == msgid::RuleAction::off)
    lines.push_back(
        line_about(loaded, "rule", "all rules are off, so that nothing is ever found; set one to fix or report"));
  if (policy.msgid_length >= policy.line_length && is_on(loaded.settings, msgid::RuleId::msgid_too_long)) {
    const bool length_is_to_blame = is_given(loaded, "msgid-length") && !is_given(loaded, "line-length");
    lines.push_back(line_about(loaded, length_is_to_blame ? "msgid-length" : "line-length",
                               "a msg-id of msgid-length (" + std::to_string(policy.msgid_length) +
                                   ") does not fit on a line of line-length (" + std::to_string(policy.line_length) +
                                   ") and is not shortened; make msgid-length less"));
  }
}

}  // namespace

Lines doubtful_files(const std::vector<ReadFile>& files) {
  Lines lines;
  for (const ReadFile& file : files) {
    if (file.is_blank) {
      lines.push_back(
          line_of(file.path, file.option, "the file is empty; a file that is meant to be empty holds a comment"));
    } else if (!file.has_line_end) {
      lines.push_back(
          line_of(file.path, file.option, "the last line has no line end, so the file may be cut short; end the line"));
    }
  }
  return lines;
}

Lines contradictions(const Loaded& loaded) {
  Lines lines;
  look_at_scope(loaded, lines);
  look_at_policy(loaded, lines);
  return lines;
}

}  // namespace config
