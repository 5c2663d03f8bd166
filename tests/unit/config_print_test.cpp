// Printing: --print-config, which can be read again, and --help.
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/settings.h"
#include "tests/unit/config_fixture.h"

namespace {

using namespace config_fixture;
using config::Command;
using config::Loaded;
using config::Settings;

std::string without_origins(const std::string& text) {
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) result += line.substr(0, line.rfind("  # ")) + "\n";
  return result;
}

/// For each option of a file, values as print_config writes them.
std::map<std::string, std::vector<std::string>> values_of_options() {
  std::map<std::string, std::vector<std::string>> values{
      {"socket", {"unix:/run/a b/x#1.sock", "inet:8891@localhost", "inet6:1@[::1]", "inet:65535"}},
      {"socket-mode", {"0000", "0600", "0777"}},
      {"socket-group", {getgrgid(0)->gr_name}},
      {"user", {getpwuid(0)->pw_name}},
      {"group", {getgrgid(0)->gr_name}},
      {"timeout", {"1s", "61s", "2m", "24h"}},
      {"max-sessions", {"1", "8000", "1000000"}},
      {"transport", {"on", "off"}},
      {"drain-timeout", {"0s", "1s", "10m"}},
      {"mode", {"rewrite", "log-only"}},
      {"log", {"syslog", "stderr"}},
      {"log-buffer", {"65536", "1073741824"}},
      {"extra-field", {"X", "X-Message-ID", std::string(17, 'x')}},
      {"line-length", {"500", "998"}},
      {"fold-at", {"40", "78"}},
      {"msgid-length", {"45", "250", "950"}},
      {"msgid-domain", {"a.de", "x_y-z"}},
      {"references-length", {"100", "65535"}},
      {"header-size", {"4096", "16777216"}},
      {"audit-log", {"/var/log/a b.jsonl"}},
      {"audit-recipients", {"yes", "no"}},
      {"metrics", {"127.0.0.1:9891", "0.0.0.0:1", "[::1]:65535"}},
      {"signed", {"rewrite", "keep"}},
      {"exchange", {"report", "off"}},
      {"only-recipient", {"example.com", ".Example.com"}},
      {"only-client", {"192.0.2.7", "192.0.2.0/24"}},
      {"exempt-client", {"2001:DB8::/32", "::ffff:192.0.2.0/120"}},
      {"exempt-sender", {"<>", "a@b.de", "\"a b\"@c.de", ".b.de"}},
      {"exempt-authenticated", {"yes", "no"}},
      {"audit-exempt", {"yes", "no"}},
      {"exchange-header-size", {"1024", "16777216"}},
  };
  for (const msgid::Rule& rule : msgid::rules()) {
    auto& words = values["rule." + std::string(rule.name)];
    words = {"report", "off"};
    if (rule.can_fix) words.push_back("fix");
  }
  return values;
}

TEST(ConfigPrint, WhatIsPrintedIsReadAgainAsTheSame) {
  const auto values = values_of_options();
  const std::string defaults = "\n" + printed(load({"--print-config"}));
  std::size_t in_file = 0;
  for (const std::string& name : config::option_names()) {
    if (defaults.find("\n" + name + " ") != std::string::npos ||
        defaults.find("# " + name + " is not set\n") != std::string::npos) {
      ++in_file;
      EXPECT_EQ(values.count(name), 1U) << "no values to test " << name << " with";
    }
  }
  ASSERT_EQ(in_file, values.size());

  const Settings unset = load({"--socket=unix:/run/default.sock"}).settings;
  for (const auto& [name, of_option] : values) {
    std::string seen;
    for (const std::string& value : of_option) {
      SCOPED_TRACE(name + " = " + value);
      Arguments arguments{"--" + name + "=" + value};
      if (name != "socket") arguments.push_back("--socket=unix:/run/x.sock");
      if (name == "line-length") arguments.push_back("--fold-at=40");
      if (name == "msgid-length") arguments.push_back("--msgid-domain=a.de");
      const Loaded first = load(arguments);
      const std::string text = printed(first);
      EXPECT_NE(text.find(name + " = " + value + "  # command line\n"), std::string::npos) << text;
      const Loaded second = load_file(text);
      EXPECT_EQ(settings::difference(first.settings, second.settings), "");
      seen += settings::difference(first.settings, unset);
      EXPECT_EQ(without_origins(text), without_origins(printed(second)));
    }
    EXPECT_NE(seen.find(name.substr(0, name.find('.'))), std::string::npos)
        << "tests/settings.h does not compare it: " << name;
  }
}

TEST(ConfigPrint, ListsArePrintedInTheirOrderWithTheirOrigins) {
  const TemporaryFile file("extra-field = X-B\n\nextra-field = X-A\n");
  const Loaded loaded = load({"--config", file.path(), "--print-config"});
  EXPECT_EQ(loaded.command, Command::print_config);
  const std::string text = printed(loaded);
  EXPECT_NE(text.find("extra-field = X-B  # " + file.path() + ":1\nextra-field = X-A  # " + file.path() + ":3\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\nmode = rewrite  # default\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# user is not set\n"), std::string::npos) << text;
}

TEST(ConfigPrint, HelpHasEveryOptionOnce) {
  std::ostringstream out;
  config::print_help(out);
  std::map<std::string, int> seen;
  std::istringstream words(out.str());
  for (std::string line; std::getline(words, line);) {
    EXPECT_LE(line.size(), 80U) << line;
    if (line.starts_with("  --")) ++seen[line.substr(4, line.find(' ', 4) - 4)];
  }
  EXPECT_EQ(seen.size(), config::option_names().size());
  for (const std::string& name : config::option_names()) EXPECT_EQ(seen[name], 1) << name;
}

}  // namespace
