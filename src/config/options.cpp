// The table: what can be set, how it is read and printed. To add an option, add a row here and an item to
// packaging/man/msgid-milter.conf.5, and make the sample file again (tests fail until both have it, and say how).
#include <grp.h>
#include <pwd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "config/rows.h"

namespace config {
namespace {

using namespace rows;

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

/// Refuses a name that getpwnam(3) or getgrnam(3) did not find. errno is 0 if there is no such entry; otherwise it says
/// why the lookup failed.
[[noreturn]] void refuse_name(const std::string& what, const std::string& name) {
  const int error = errno;
  const bool is_unknown = error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
  if (is_unknown) refuse("no such " + what + ": " + name);
  throw SystemRefusal("cannot look up the " + what + " " + name + ": " + std::strerror(error), error);
}

const std::string& existing_group(const std::string& text) {
  errno = 0;
  if (getgrnam(text.c_str()) == nullptr) refuse_name("group", text);
  return text;
}

void read_user(Settings& settings, const std::string& text) {
  errno = 0;
  if (getpwnam(text.c_str()) == nullptr) refuse_name("user", text);
  settings.user = text;
}

void read_audit_log(Settings& settings, const std::string& text) {
  if (!text.starts_with('/')) refuse("only an absolute path");
  settings.audit_log = text;
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
                   .reloads = false,
                   .example = "unix:/run/msgid-milter/milter.sock",
                   .advice = "Debian's Postfix runs its programs in a chroot, so there it must be below the queue "
                             "directory; in main.cf it is then unix:msgid-milter/milter.sock."});
  table.push_back({.name = "socket-mode",
                   .value = "MODE",
                   .range = "0000..0777",
                   .help = "permissions of the UNIX socket, octal",
                   .section = section,
                   .read = read_socket_mode,
                   .print = print_socket_mode,
                   .reloads = false});
  table.push_back(
      {.name = "socket-group",
       .value = "GROUP",
       .help = "group of the UNIX socket",
       .section = section,
       .read = [](Settings& s, const std::string& text) { s.socket_group = existing_group(text); },
       .print = [](const Settings& s) { return if_any(s.socket_group); },
       .reloads = false,
       .example = "postfix",
       .advice = "By default that of the service, or of the directory where that has its set-group-id bit."});
  table.push_back({.name = "user",
                   .value = "USER",
                   .help = "user to become; required when started as root",
                   .section = section,
                   .read = read_user,
                   .print = [](const Settings& s) { return if_any(s.user); },
                   .reloads = false,
                   .example = "msgid-milter"});
  table.push_back({.name = "group",
                   .value = "GROUP",
                   .help = "group to become with it, instead of the user's own",
                   .section = section,
                   .read = [](Settings& s, const std::string& text) { s.group = existing_group(text); },
                   .print = [](const Settings& s) { return if_any(s.group); },
                   .reloads = false,
                   .example = "msgid-milter"});
  table.push_back(time(
      "timeout", 1, 86400, [](auto& s) -> auto& { return s.timeout; },
      "how long a silent session is kept: seconds, or as 90s, 30m, 1h", section));
  table.back().reloads = false;
  table.push_back(number(
      "max-sessions", 1, 1000000, [](auto& s) -> auto& { return s.max_sessions; },
      "how many sessions may be open; a connection beyond them is closed at once", section));
  table.push_back(choice<bool>(
      "transport", {{"on", true}, {"off", false}}, [](auto& s) -> auto& { return s.transport; },
      "serve libmilter's connections by calls of our own, or let libmilter do it alone", section));
  table.back().reloads = false;
  table.back().advice = "off is slower by far. It is there to find out whether trouble comes from the transport.";
  table.push_back(time(
      "drain-timeout", 0, 600, [](auto& s) -> auto& { return s.drain_timeout; },
      "how long open sessions are served when the service stops", section));
  table.push_back(choice<Mode>(
      "mode", {{"rewrite", Mode::rewrite}, {"log-only", Mode::log_only}}, [](auto& s) -> auto& { return s.mode; },
      "change the fields, or only log what would be changed", section));
  table.back().advice = "Begin with log-only.";
  table.push_back(choice<LogTarget>(
      "log", {{"syslog", LogTarget::syslog}, {"stderr", LogTarget::standard_error}},
      [](auto& s) -> auto& { return s.log; }, "where the log lines go; syslog is facility mail", section));
  table.back().reloads = false;
  table.push_back(number(
      "log-buffer", 65536, 1073741824, [](auto& s) -> auto& { return s.log_buffer; },
      "size of the queue of log lines, and of the one of audit records, in octets", section));
  table.back().reloads = false;
  table.back().advice = "Mail never waits for a log: when a queue is full, new lines or records are lost and counted.";
  table.push_back({.name = "audit-log",
                   .value = "FILE",
                   .help = "write a JSON line for each message with findings, and totals",
                   .section = section,
                   .read = read_audit_log,
                   .print = [](const Settings& s) { return if_any(s.audit_log); },
                   .reloads = false,
                   .example = "/var/log/msgid-milter/audit.jsonl",
                   .advice = "\"msgid-audit report\" reads them. The directory must be writable by the service."});
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
       .reloads = false,
       .example = "127.0.0.1:9891",
       .advice = "Whoever can connect there can read them."});
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
  static const std::vector<Option> rows_of_all = [] {
    std::vector<Option> table;
    add_service(table);
    rows::add_scope(table);
    rows::add_policy(table);
    add_commands(table);
    return table;
  }();
  return rows_of_all;
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
