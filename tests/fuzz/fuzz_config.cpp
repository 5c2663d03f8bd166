// The configuration over any octets: it is read or refused with one printable line; what is read is made of options
// only, is printed so that it can be read again as the same, from a file, from the command line and by msgid-audit; and
// whoever is named in it is found in it. What stands behind the first NUL is the content of a list file.
#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "config/lines.h"
#include "config/options.h"
#include "config/warnings.h"
#include "tests/fuzz/input.h"
#include "tests/settings.h"

namespace {

using namespace std::string_view_literals;
using config::Loaded;
using fuzz::expect;
using Arguments = std::vector<std::string>;

struct Files {
  fuzz::MemoryFile main, list, printed;
  std::string list_value = "@" + list.path();
};

const Files& files() {
  static const Files all;
  return all;
}

const std::vector<std::string_view>& words() {
  static const std::vector<std::string> names = config::option_names();
  static const std::vector<std::string_view> all = [] {
    std::vector<std::string_view> list(names.begin(), names.end());
    constexpr std::array others = {"\n"sv,
                                   "\n"sv,
                                   "\r\n"sv,
                                   "\n\n"sv,
                                   "="sv,
                                   " = "sv,
                                   " = "sv,
                                   " "sv,
                                   "\t"sv,
                                   "#"sv,
                                   " #"sv,
                                   "\0"sv,
                                   ":"sv,
                                   "@"sv,
                                   "."sv,
                                   "/"sv,
                                   ","sv,
                                   "["sv,
                                   "]"sv,
                                   "<>"sv,
                                   "\""sv,
                                   "\\"sv,
                                   "-"sv,
                                   "*"sv,
                                   "0"sv,
                                   "1"sv,
                                   "78"sv,
                                   "998"sv,
                                   "45"sv,
                                   "4096"sv,
                                   "65535"sv,
                                   "8891"sv,
                                   "99999999999999999999"sv,
                                   "0660"sv,
                                   "s"sv,
                                   "2m"sv,
                                   "1h"sv,
                                   "yes"sv,
                                   "no"sv,
                                   "fix"sv,
                                   "report"sv,
                                   "off"sv,
                                   "keep"sv,
                                   "rewrite"sv,
                                   "log-only"sv,
                                   "syslog"sv,
                                   "stderr"sv,
                                   "unix:/run/x"sv,
                                   "inet:"sv,
                                   "inet6:"sv,
                                   "local:"sv,
                                   "@localhost"sv,
                                   "[::1]"sv,
                                   "127.0.0.1"sv,
                                   "192.0.2.0/24"sv,
                                   "::/0"sv,
                                   "2001:db8::"sv,
                                   "::ffff:192.0.2.7"sv,
                                   "a.example"sv,
                                   ".B.example"sv,
                                   "u@a.example"sv,
                                   "\"u v\"@a"sv,
                                   "root"sv,
                                   "nobody"sv,
                                   "X-Id"sv,
                                   "\xc3\xa9"sv,
                                   "include"sv,
                                   "\x7f"sv};
    list.insert(list.end(), others.begin(), others.end());
    // Most inputs are lines of these, or none would ever be accepted.
    for (const std::string_view line :
         {"\nmode = log-only\n"sv, "\nonly-client = "sv, "\nexempt-client = "sv, "\nonly-recipient = "sv,
          "\nexempt-sender = "sv, "\nextra-field = "sv, "\nsocket = "sv, "\nmsgid-domain = "sv, "\nfold-at = 78\n"sv}) {
      list.push_back(line);
    }
    list.push_back(files().list_value);
    return list;
  }();
  return all;
}

/// Without the system's own file, and as if Postfix were not there.
Loaded load(const Arguments& arguments) {
  return config::load(arguments, "/nonexistent/msgid-milter.conf", "/nonexistent");
}

Loaded load_file(const std::string& path) {
  return load({"--config=" + path});
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void check_error(const std::string& error) {
  expect(!error.empty() && is_printable(error), "an error is one printable line", error);
  const bool has_origin = error.starts_with(files().main.path() + ":") ||
                          error.starts_with(files().list.path() + ":") || error.starts_with("command line: ") ||
                          error.starts_with("default: ");
  expect(has_origin, "an error says where", error);
}

std::string printed(const Loaded& loaded) {
  std::ostringstream out;
  config::print_config(out, loaded);
  return out.str();
}

/// Lines by a second reading: without a byte order mark, what stands behind "#", and the blanks around.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) {
    line = line.substr(0, line.find('#'));
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin != std::string::npos) lines.push_back(line.substr(begin));
  }
  return lines;
}

/// Nothing but options stands in what is accepted: no include, no section. And no list names another.
void check_nothing_else(std::string_view text, std::string_view list, const Loaded& loaded) {
  static const std::vector<std::string> names = config::option_names();
  for (const std::string& line : lines_of(text)) {
    const std::string name = line.substr(0, line.find_first_of(" \t="));
    expect(std::find(names.begin(), names.end(), name) != names.end(), "only options are accepted", line);
  }
  const auto uses_list = [](const auto& given) {
    return std::find(given.values.begin(), given.values.end(), files().list_value) != given.values.end();
  };
  const config::Scope& scope = loaded.settings.scope;
  if (!uses_list(scope.only_recipient) && !uses_list(scope.only_client) && !uses_list(scope.exempt_client) &&
      !uses_list(scope.exempt_sender)) {
    return;
  }
  for (const std::string& line : lines_of(list)) expect(!line.starts_with("@/"), "a list names no other list", line);
}

void check_printed(const Loaded& loaded) {
  const std::string text = printed(loaded);
  files().printed.write(text);
  const Loaded again = load_file(files().printed.path());
  expect(settings::difference(loaded.settings, again.settings).empty(), "what is printed is read as the same", text);
  expect(config::changes_for_restart(loaded, again).empty(), "and wants no restart", text);
  Arguments arguments;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t origin = line.rfind("  # ");
    if (line.starts_with('#') || origin == std::string::npos) continue;
    const std::size_t equals = line.find(" = ");
    arguments.push_back("--" + line.substr(0, equals) + "=" + line.substr(equals + 3, origin - equals - 3));
  }
  expect(settings::difference(loaded.settings, load(arguments).settings).empty(), "and as arguments", text);
  config::Settings of_tool = loaded.settings;
  of_tool.policy = config::load_policy({}, files().main.path());
  expect(settings::difference(loaded.settings, of_tool).empty(), "msgid-audit reads the same policy", text);
}

void check_scope(const config::Scope& scope) {
  for (const std::string& value : scope.exempt_sender.values) {
    // A "<" or ">" of a local part is quoted by an MTA.
    if (value == files().list_value || (value != "<>" && value.find_first_of("<>") != std::string::npos)) continue;
    const bool is_address = value == "<>" || value.find('@') != std::string::npos;
    const std::string sender = value == "<>" ? value : "<" + (is_address ? value : "a@" + value) + ">";
    const bool is_below = !is_address && value.starts_with('.');
    expect(!scope.has_sender(is_below ? "<a@x" + value + ">" : sender, ""), "an exempt sender is exempt", value);
  }
  for (const std::string& value : scope.only_recipient.values) {
    if (value == files().list_value) continue;
    expect(scope.has_recipient((value.starts_with('.') ? "<a@x" : "<a@") + value + "> NOTIFY=NEVER"),
           "a recipient's domain is in scope", value);
  }
  for (const std::string& value : scope.only_client.values) {
    const auto address = config::parse_address(value.substr(0, value.find('/')));
    if (value != files().list_value)
      expect(address && scope.only_client.set.contains(*address), "a client is in", value);
  }
  for (const std::string& value : scope.exempt_client.values) {
    if (value != files().list_value)
      expect(!scope.has_client(value.substr(0, value.find('/'))), "a client is out", value);
  }
}

/// No input makes the target read this machine's files.
bool names_other_file(std::string_view text) {
  for (std::size_t at = text.find("@/"); at != std::string_view::npos; at = text.find("@/", at + 1)) {
    if (!text.substr(at).starts_with(files().list_value)) return true;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string all = fuzz::text_of({data, size}, words());
  const std::size_t end = std::min(all.find('\0'), all.size());
  const std::string text = all.substr(0, end);
  const std::string list = all.substr(std::min(end + 1, all.size()));
  if (names_other_file(all)) return 0;
  files().main.write(text);
  files().list.write(list);
  std::optional<Loaded> loaded;
  try {
    loaded = load_file(files().main.path());
  } catch (const config::StartupError& error) {
    check_error(error.what());
  }
  if (!loaded) return 0;
  check_nothing_else(text, list, *loaded);
  check_printed(*loaded);
  check_scope(loaded->settings.scope);
  for (const std::string& line : config::contradictions(*loaded)) check_error(line);
  return 0;
}
