// The table: what can be set, how it is read and printed. To add an option, add a row here and an item to
// packaging/man/msgid-milter.conf.5 and packaging/msgid-milter.conf (tests fail until both have it).
#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "config/table.h"

namespace config {
namespace {

using Reader = std::function<void(Settings&, const std::string&)>;
using Values = std::vector<std::string>;

[[noreturn]] void refuse(const std::string& reason) {
  throw std::invalid_argument(reason);
}

std::optional<std::size_t> whole_number(std::string_view text, int base = 10) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Values if_any(const std::string& text) {
  return text.empty() ? Values{} : Values{text};
}

/// A row for a number of octets. `member` is a generic lambda from the settings to the number.
template <class Member>
Option octets(std::string name, std::size_t least, std::size_t most, Member member, std::string help,
              std::string_view section) {
  Option option;
  option.name = std::move(name);
  option.value = "OCTETS";
  option.range = std::to_string(least) + ".." + std::to_string(most);
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    const auto number = whole_number(text);
    if (!number || *number < least || *number > most) {
      refuse("only a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    member(settings) = *number;
  };
  option.print = [=](const Settings& settings) { return Values{std::to_string(member(settings))}; };
  return option;
}

template <class T>
using Words = std::vector<std::pair<std::string, T>>;

/// A row for one word of several; `words` has every value that can be set.
template <class T, class Member>
Option choice(std::string name, const Words<T>& words, Member member, std::string help, std::string_view section) {
  Option option;
  option.name = std::move(name);
  std::string listed;
  for (std::size_t i = 0; i < words.size(); ++i) {
    option.value += (i == 0 ? "" : "|") + words[i].first;
    listed += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i].first;
  }
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    const auto word = std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.first == text; });
    if (word == words.end()) refuse("only " + listed);
    member(settings) = word->second;
  };
  option.print = [=](const Settings& settings) {
    const auto word =
        std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == member(settings); });
    return Values{word->first};
  };
  return option;
}

void read_socket_mode(Settings& settings, const std::string& text) {
  const auto mode = whole_number(text, 8);
  if (!mode || *mode > 0777) refuse("only an octal number up to 0777");
  settings.socket_mode = static_cast<unsigned>(*mode);
}

Values print_socket_mode(const Settings& settings) {
  // Given with a TCP socket it is an error, so it is not printed there.
  if (settings.socket.is_set() && !settings.socket.is_unix) return {};
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "%04o", settings.socket_mode);
  return {text.data()};
}

void read_group(Settings& settings, const std::string& text) {
  if (getgrnam(text.c_str()) == nullptr) refuse("no group of this name: " + text);
  settings.socket_group = text;
}

void read_user(Settings& settings, const std::string& text) {
  if (getpwnam(text.c_str()) == nullptr) refuse("no user of this name: " + text);
  settings.user = text;
}

constexpr std::array<std::pair<char, std::size_t>, 3> time_units{{{'h', 3600}, {'m', 60}, {'s', 1}}};

std::string time_text(std::size_t seconds) {
  for (const auto& [letter, unit] : time_units) {
    if (seconds >= unit && seconds % unit == 0) return std::to_string(seconds / unit) + letter;
  }
  return "0s";
}

/// A row for a time. `member` is a generic lambda from the settings to the seconds.
template <class Member>
Option time(std::string name, std::size_t least, std::size_t most, Member member, std::string help,
            std::string_view section) {
  Option option;
  option.name = std::move(name);
  option.value = "TIME";
  option.range = time_text(least) + ".." + time_text(most);
  option.help = std::move(help);
  option.section = section;
  option.read = [=](Settings& settings, const std::string& text) {
    std::string_view digits = text;
    std::size_t unit = 1;
    for (const auto& [letter, seconds] : time_units) {
      if (!text.empty() && text.back() == letter) {
        digits.remove_suffix(1);
        unit = seconds;
      }
    }
    const auto number = whole_number(digits);
    if (!number || *number > most / unit || *number * unit < least) {
      refuse("only a time from " + time_text(least) + " to " + time_text(most) + ", as 90, 90s or 2m");
    }
    member(settings) = std::chrono::seconds(*number * unit);
  };
  option.print = [=](const Settings& settings) {
    return Values{time_text(static_cast<std::size_t>(member(settings).count()))};
  };
  return option;
}

void read_audit_log(Settings& settings, const std::string& text) {
  if (!text.starts_with('/')) refuse("only an absolute path");
  settings.audit_log = text;
}

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
  if (name.size() > msgid::max_extra_name_octets) {
    refuse("only a name of at most " + std::to_string(msgid::max_extra_name_octets) + " octets");
  }
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

Values print_socket(const Settings& settings) {
  if (!settings.socket.is_set()) return {};
  return {settings.socket.for_libmilter()};
}

void add_service(std::vector<Option>& table) {
  constexpr std::string_view section = "The service";
  table.push_back({.name = "socket",
                   .value = "ENDPOINT",
                   .help = "where the MTA connects to: unix:/path, inet:port@host, inet6:port@host or inet:host:port; "
                           "default: milter.sock in msgid-milter/ below Postfix's queue directory where that is "
                           "there, else below /run",
                   .section = section,
                   .read = [](Settings& s, const std::string& text) { s.socket = parse_endpoint(text); },
                   .print = print_socket,
                   .reloads = false});
  table.push_back({.name = "socket-mode",
                   .value = "MODE",
                   .range = "0000..0777",
                   .help = "permissions of the UNIX socket, octal",
                   .section = section,
                   .read = read_socket_mode,
                   .print = print_socket_mode,
                   .reloads = false});
  table.push_back({.name = "socket-group",
                   .value = "GROUP",
                   .help = "group of the UNIX socket",
                   .section = section,
                   .read = read_group,
                   .print = [](const Settings& s) { return if_any(s.socket_group); },
                   .reloads = false});
  table.push_back({.name = "user",
                   .value = "USER",
                   .help = "user to become; required when started as root",
                   .section = section,
                   .read = read_user,
                   .print = [](const Settings& s) { return if_any(s.user); },
                   .reloads = false});
  table.push_back(time(
      "timeout", 1, 86400, [](auto& s) -> auto& { return s.timeout; },
      "how long a silent session is kept: seconds, or as 90s, 30m, 1h", section));
  table.back().reloads = false;
  table.push_back(time(
      "drain-timeout", 0, 600, [](auto& s) -> auto& { return s.drain_timeout; },
      "how long open sessions are served when the service stops", section));
  table.push_back(choice<Mode>(
      "mode", {{"rewrite", Mode::rewrite}, {"log-only", Mode::log_only}}, [](auto& s) -> auto& { return s.mode; },
      "change the fields, or only log what would be changed", section));
  table.push_back(choice<LogTarget>(
      "log", {{"syslog", LogTarget::syslog}, {"stderr", LogTarget::standard_error}},
      [](auto& s) -> auto& { return s.log; }, "where the log lines go; syslog is facility mail", section));
  table.back().reloads = false;
  table.push_back({.name = "audit-log",
                   .value = "FILE",
                   .help = "write a JSON line for each message with findings, and totals",
                   .section = section,
                   .read = read_audit_log,
                   .print = [](const Settings& s) { return if_any(s.audit_log); },
                   .reloads = false});
  table.push_back(choice<bool>(
      "audit-recipients", {{"yes", true}, {"no", false}}, [](auto& s) -> auto& { return s.audit_recipients; },
      "write the domains of the recipients there too", section));
  table.push_back(
      {.name = "metrics",
       .value = "ADDRESS:PORT",
       .help = "serve metrics for Prometheus there, over HTTP; the port alone: on 127.0.0.1",
       .section = section,
       .read = [](Settings& s, const std::string& text) { s.metrics = parse_metrics_address(text); },
       .print = [](const Settings& s) { return s.metrics.is_set() ? Values{s.metrics.host_and_port()} : Values{}; },
       .reloads = false});
}

void add_rules(std::vector<Option>& table) {
  for (const msgid::Rule& rule : msgid::rules()) {
    Words<msgid::RuleAction> words{
        {"fix", msgid::RuleAction::fix}, {"report", msgid::RuleAction::report}, {"off", msgid::RuleAction::off}};
    if (!rule.can_fix) words.erase(words.begin());
    table.push_back(choice<msgid::RuleAction>(
        "rule." + std::string(rule.name),
        words, [id = rule.id](auto& s) -> auto& { return s.policy.actions[static_cast<std::size_t>(id)]; },
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
                   .print = print_extra_fields});
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
                   .print = [](const Settings& s) { return if_any(s.policy.msgid_domain); }});
  table.push_back(octets(
      "references-length", 100, 65535, [](auto& s) -> auto& { return s.policy.references_length; },
      "a longer list of msg-ids is a finding", section));
  table.push_back(octets(
      "header-size", 4096, 16777216, [](auto& s) -> auto& { return s.header_size; },
      "a message with more octets of such fields passes unchanged", section));
}

void add_commands(std::vector<Option>& table) {
  constexpr std::string_view section = "On the command line only";
  table.push_back({.name = "config",
                   .value = "FILE",
                   .help = "read this file, not " + std::string(default_file),
                   .section = section});
  const auto command = [&](std::string name, std::string help, Command what) {
    table.push_back({.name = std::move(name), .help = std::move(help), .section = section, .command = what});
  };
  command("check-config", "check the configuration: exit status 0 or 78", Command::check_config);
  command("print-config", "print the configuration, and where each value comes from", Command::print_config);
  command("help", "print this", Command::help);
  command("version", "print the version", Command::version);
}

}  // namespace

const std::vector<Option>& options() {
  static const std::vector<Option> table = [] {
    std::vector<Option> rows;
    add_service(rows);
    const std::size_t first_that_decides = rows.size();
    add_rules(rows);
    add_limits(rows);
    add_signed_and_exchange(rows);
    // header-size bounds the daemon's memory; the tool has the message in memory anyhow.
    for (std::size_t i = first_that_decides; i < rows.size(); ++i) rows[i].decides = rows[i].name != "header-size";
    add_commands(rows);
    return rows;
  }();
  return table;
}

std::vector<std::string> option_names() {
  std::vector<std::string> names;
  for (const Option& option : options()) names.push_back(option.name);
  return names;
}

std::vector<std::string> policy_option_names() {
  std::vector<std::string> names;
  for (const Option& option : options()) {
    if (option.decides) names.push_back(option.name);
  }
  return names;
}

}  // namespace config
