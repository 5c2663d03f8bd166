// What must agree with the table of options: the manual, the sample file, and the folder of broken configurations.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/config_fixture.h"

namespace {

using namespace config_fixture;
namespace fs = std::filesystem;

const fs::path source = MSGID_SOURCE_DIR;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// Each option of the file with its default, empty where it has none; as --print-config has it.
std::map<std::string, std::string> options_of_file() {
  std::map<std::string, std::string> defaults;
  const std::regex with_value("([a-z.-]+) = (.*)  # default"), without_value("# ([a-z.-]+) is not set");
  for (const std::string& line : lines_of(printed(config::Loaded{}))) {
    std::smatch match;
    if (std::regex_match(line, match, with_value)) {
      defaults[match[1]] = match[2];
    } else if (std::regex_match(line, match, without_value)) {
      defaults[match[1]] = "";
    } else {
      ADD_FAILURE() << line;
    }
  }
  return defaults;
}

std::vector<std::string> options_of_command_line() {
  std::vector<std::string> names = config::option_names();
  const auto in_file = options_of_file();
  std::erase_if(names, [&](const std::string& name) { return in_file.count(name) != 0; });
  return names;
}

/// The items `.It Cm NAME = ...` of the manual, and their text with all line ends as spaces.
std::map<std::string, std::string> items_of_manual() {
  std::map<std::string, std::string> items;
  std::string* item = nullptr;
  const std::regex begins("\\.It Cm ([a-z.-]+) = .*");
  for (const std::string& line : lines_of(contents(source / "packaging/man/msgid-milter.conf.5"))) {
    std::smatch match;
    if (std::regex_match(line, match, begins)) {
      item = &items[match[1]];
    } else if (line.starts_with(".S")) {
      item = nullptr;
    }
    if (item != nullptr) *item += line + " ";
  }
  return items;
}

TEST(ConfigFiles, TheManualHasEveryOptionWithItsDefault) {
  const auto items = items_of_manual();
  const auto options = options_of_file();
  ASSERT_GT(options.size(), msgid::rule_count);
  for (const auto& [name, by_default] : options) {
    ASSERT_EQ(items.count(name), 1U) << "msgid-milter.conf.5 has no item for " << name;
    if (by_default.empty()) continue;
    const bool is_told = items.at(name).find("efault " + by_default + ".") != std::string::npos;
    EXPECT_TRUE(is_told) << name << ": no \"default " << by_default << "\" in: " << items.at(name);
  }
  for (const auto& [name, text] : items) EXPECT_EQ(options.count(name), 1U) << "no option any more: " << name;
}

TEST(ConfigFiles, TheManualHasEveryRuleWithItsActions) {
  const auto items = items_of_manual();
  for (const msgid::Rule& rule : msgid::rules()) {
    const std::string name = "rule." + std::string(rule.name);
    ASSERT_EQ(items.count(name), 1U) << name;
    const std::string actions = rule.can_fix ? " = Cm fix | report | off " : " = Cm report | off ";
    EXPECT_TRUE(items.at(name).starts_with(".It Cm " + name + actions)) << items.at(name);
  }
}

TEST(ConfigFiles, TheManualHasTheRangeOfEveryNumber) {
  std::ostringstream help;
  config::print_help(help);
  const std::string text = std::regex_replace(help.str(), std::regex("\\s+"), " ");
  const auto items = items_of_manual();
  const std::regex number("--([a-z-]+) OCTETS [^(]*\\(([0-9]+)\\.\\.([0-9]+); default ([0-9]+)\\)");
  int found = 0;
  for (std::sregex_iterator match(text.begin(), text.end(), number), end; match != end; ++match) {
    const std::string sentence =
        "From " + (*match)[2].str() + " to " + (*match)[3].str() + ", default " + (*match)[4].str() + ".";
    EXPECT_NE(items.at((*match)[1]).find(sentence), std::string::npos) << (*match)[1] << ": " << sentence;
    ++found;
  }
  EXPECT_EQ(found, 5);
}

TEST(ConfigFiles, TheManualOfTheProgramHasItsOwnOptions) {
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  const auto names = options_of_command_line();
  EXPECT_EQ(names.size(), 5U);
  for (const std::string& name : names) EXPECT_NE(page.find(".It Fl Fl " + name), std::string::npos) << name;
}

/// The reasons a log line can show: string literals that the core gives back from its rules and its decoder.
std::set<std::string> reasons_in_source() {
  std::set<std::string> reasons;
  const std::regex literal("(?:found\\(|refusal = |reason = |Action::report, |return .*|\"reason\", )\"([a-z0-9-]+)\"");
  for (const char* name :
       {"src/core/rules.cpp", "src/core/inspect.cpp", "src/core/encoded_word.cpp", "src/report/log.cpp"}) {
    const std::string text = contents(source / name);
    for (std::sregex_iterator match(text.begin(), text.end(), literal), end; match != end; ++match) {
      reasons.insert((*match)[1]);
    }
  }
  return reasons;
}

TEST(ConfigFiles, TheManualOfTheProgramHasEveryReason) {
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  const std::string section =
      page.substr(page.find(".Ss Reasons"), page.find(".Sh SIGNALS") - page.find(".Ss Reasons"));
  const auto reasons = reasons_in_source();
  EXPECT_GT(reasons.size(), 20U);
  for (const std::string& reason : reasons) {
    EXPECT_NE(section.find(".It Cm " + reason + "\n"), std::string::npos) << reason;
  }
}

TEST(ConfigFiles, TheSampleRunsAsItIs) {
  const std::string path = (source / "packaging/msgid-milter.conf").string();
  const config::Loaded loaded = load({"--config", path});
  ASSERT_EQ(loaded.origins.size(), 1U);
  EXPECT_EQ(loaded.origins[0].option, "socket");
}

TEST(ConfigFiles, TheSampleHasEveryOptionWithItsDefault) {
  std::map<std::string, std::string> sample;
  const std::regex option("#?([a-z.-]+) = (.*)");
  for (const std::string& line : lines_of(contents(source / "packaging/msgid-milter.conf"))) {
    std::smatch match;
    if (std::regex_match(line, match, option)) sample[match[1]] = match[2];
  }
  const auto options = options_of_file();
  for (const auto& [name, by_default] : options) {
    ASSERT_EQ(sample.count(name), 1U) << "the sample has no " << name;
    if (!by_default.empty()) EXPECT_EQ(sample[name], by_default) << name;
  }
  for (const auto& [name, value] : sample) EXPECT_EQ(options.count(name), 1U) << "no option any more: " << name;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// tests/badconf: NN-name.conf, the error it gives in NN-name.error, and further arguments in NN-name.args, one a line.
// @FILE@ stands for the path of the .conf.
TEST(ConfigFiles, BrokenConfigurationsGiveTheirErrors) {
  int cases = 0;
  for (const auto& entry : fs::directory_iterator(source / "tests/badconf")) {
    fs::path path = entry.path();
    ASSERT_TRUE(path.extension() == ".conf" || path.extension() == ".error" || path.extension() == ".args") << path;
    ASSERT_TRUE(fs::exists(fs::path(path).replace_extension(".conf"))) << path << " has no .conf";
    if (path.extension() != ".conf") continue;
    const fs::path error_file = fs::path(path).replace_extension(".error");
    ASSERT_TRUE(fs::exists(error_file)) << path << " has no .error";
    Arguments arguments{"--config", path.string()};
    if (const fs::path more = fs::path(path).replace_extension(".args"); fs::exists(more)) {
      for (const std::string& line : lines_of(contents(more)))
        arguments.push_back(replaced(line, "@FILE@", path.string()));
    }
    EXPECT_EQ(replaced(error_of([&] { load(arguments); }), path.string(), "@FILE@") + "\n", contents(error_file))
        << path;
    ++cases;
  }
  EXPECT_GT(cases, 0) << "the folder is empty";
}

}  // namespace
