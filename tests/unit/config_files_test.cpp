// What must agree with the table of options: the manual, the sample file, and the folder of broken configurations.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "config/table.h"
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

/// Cuts `text` at the first `mark`, which is dropped; false where there is none.
bool cut(const std::string& text, const std::string& mark, std::string& before, std::string& behind) {
  const auto at = text.find(mark);
  if (at == std::string::npos) return false;
  const std::string rest = text.substr(at + mark.size());  // `text` may be one of the other two
  before = text.substr(0, at);
  behind = rest;
  return true;
}

/// Each option of the file with its default, empty where it has none; as --print-config has it.
std::map<std::string, std::string> options_of_file() {
  std::map<std::string, std::string> defaults;
  for (const std::string& line : lines_of(printed(load({"--print-config"})))) {
    std::string name, value, origin;
    if (cut(line, " = ", name, value) && cut(value, "  # default", value, origin)) {
      defaults[name] = value;
    } else if (line.starts_with("# ") && cut(line.substr(2), " is not set", name, value)) {
      defaults[name] = "";
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
  for (const std::string& line : lines_of(contents(source / "packaging/man/msgid-milter.conf.5"))) {
    std::string name, value;
    if (line.starts_with(".It Cm ") && cut(line.substr(7), " = ", name, value)) {
      item = &items[name];
    } else if (line.starts_with(".Sh ") || line.starts_with(".Ss ")) {
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
  std::istringstream words(help.str());
  std::string text;
  for (std::string word; words >> word;) text += word + " ";
  int found = 0;
  for (const auto& [name, item] : items_of_manual()) {
    std::string before, notes, least, most, by_default;
    if (!cut(text, "--" + name + " OCTETS ", before, notes)) continue;
    ASSERT_TRUE(cut(notes, "(", before, notes) && cut(notes, ")", notes, before)) << name;
    ASSERT_TRUE(cut(notes, "; default ", notes, by_default) && cut(notes, "..", least, most)) << notes;
    const std::string sentence = "From " + least + " to " + most + ", default " + by_default + ".";
    EXPECT_NE(item.find(sentence), std::string::npos) << name << ": " << sentence;
    ++found;
  }
  EXPECT_EQ(found, 6);
}

/// The words behind ".Cm" on the lines of `page` that stand between two others.
std::set<std::string> words_between(const std::string& page, const std::string& first, const std::string& last) {
  std::string before, text;
  EXPECT_TRUE(cut(page, first + "\n", before, text) && cut(text, "\n" + last, text, before)) << first;
  std::set<std::string> found;
  for (const std::string& line : lines_of(text)) {
    std::istringstream words(line.starts_with(".Cm ") ? line.substr(4) : "");
    for (std::string word; words >> word;) {
      if (word.find_first_of(",.") != 0) found.insert(word);
    }
  }
  return found;
}

TEST(ConfigFiles, TheManualsSayWhatNeedsARestart) {
  std::set<std::string> marked, needed;
  for (const auto& [name, item] : items_of_manual()) {
    if (item.find(" Needs a restart. ") != std::string::npos) marked.insert(name);
  }
  for (const config::Option& option : config::options()) {
    if (!option.reloads) needed.insert(option.name);
  }
  EXPECT_FALSE(needed.empty());
  EXPECT_EQ(marked, needed);
  EXPECT_EQ(words_between(contents(source / "packaging/man/msgid-milter.8"), "A change of", "needs a restart."),
            needed);
}

TEST(ConfigFiles, TheManualSaysWhatMayBeGivenMoreOften) {
  std::set<std::string> repeatable;
  for (const config::Option& option : config::options()) {
    if (option.repeatable) repeatable.insert(option.name);
  }
  EXPECT_FALSE(repeatable.empty());
  const std::string page = contents(source / "packaging/man/msgid-milter.conf.5");
  EXPECT_EQ(words_between(page, "only where that is said of it:", ".Pp"), repeatable);
}

TEST(ConfigFiles, TheManualOfTheProgramHasItsOwnOptions) {
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  const auto names = options_of_command_line();
  EXPECT_EQ(names.size(), 5U);
  for (const std::string& name : names) EXPECT_NE(page.find(".It Fl Fl " + name), std::string::npos) << name;
}

/// The words in double quotes on the lines that have one of `marks`.
void collect_words(const fs::path& file, const std::vector<std::string>& marks, std::set<std::string>& words) {
  for (const std::string& line : lines_of(contents(source / file))) {
    const bool is_marked = std::any_of(marks.begin(), marks.end(),
                                       [&](const std::string& mark) { return line.find(mark) != std::string::npos; });
    std::string rest = line, before, word;
    while (is_marked && cut(rest, "\"", before, rest) && cut(rest, "\"", word, rest)) {
      if (!word.empty() && word.find_first_not_of("abcdefghijklmnopqrstuvwxyz-0123456789") == std::string::npos) {
        words.insert(word);
      }
    }
  }
}

TEST(ConfigFiles, TheManualOfTheProgramHasEveryReason) {
  std::set<std::string> reasons;
  for (const msgid::ReasonRow& row : msgid::reasons()) reasons.insert(std::string(row.name));
  collect_words("src/core/exchange.cpp", {"return \"", "reason = "}, reasons);
  collect_words("src/report/log.cpp", {"Outcome::failed ? ", "\"reason\""}, reasons);
  for (const char* no_reason : {"", "reason", "cp-", "ms-", "in-part"}) reasons.erase(no_reason);
  EXPECT_GT(reasons.size(), 40U);

  std::string before, section, behind;
  ASSERT_TRUE(cut(contents(source / "packaging/man/msgid-milter.8"), ".Ss Reasons", before, section));
  ASSERT_TRUE(cut(section, ".Ss Lines of the service itself", section, behind));
  std::set<std::string> told;
  for (const std::string& line : lines_of(section)) {
    if (!line.starts_with(".It Cm ")) continue;
    std::istringstream words(line.substr(7));
    for (std::string word; words >> word;) {
      if (word != ",") told.insert(word);
    }
  }
  EXPECT_EQ(told, reasons);
}

TEST(ConfigFiles, TheManualOfTheProgramExplainsReasonsAsTheTableDoes) {
  std::string page;
  for (const std::string& line : lines_of(contents(source / "packaging/man/msgid-milter.8"))) page += line + " ";
  for (const msgid::ReasonRow& row : msgid::reasons()) {
    if (row.reason == msgid::Reason::none || row.reason == msgid::Reason::in_part) continue;
    std::string item(row.sentence);
    item.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(item.front())));
    item = ".It Cm " + std::string(row.name) + " " + item + ".";
    EXPECT_NE(page.find(item), std::string::npos) << item;
  }
}

TEST(ConfigFiles, TheSampleRunsAsItIs) {
  const std::string path = (source / "packaging/msgid-milter.conf").string();
  const config::Loaded loaded = load({"--config", path});
  EXPECT_TRUE(loaded.origins.empty());
}

TEST(ConfigFiles, TheSampleIsWhatTheTableSays) {
  const fs::path path = source / "packaging/msgid-milter.conf";
  std::ostringstream sample;
  config::print_sample(sample);
  if (std::getenv("MSGID_WRITE_SAMPLE") != nullptr) std::ofstream(path, std::ios::binary) << sample.str();
  EXPECT_EQ(contents(path), sample.str())
      << "to make it again: MSGID_WRITE_SAMPLE=1 unit_tests --gtest_filter=ConfigFiles.TheSample*";
}

TEST(ConfigFiles, TheSampleHasEveryOptionAndEachOfItsLinesCanBeRead) {
  const auto options = options_of_file();
  std::size_t seen = 0;
  for (const std::string& line : lines_of(contents(source / "packaging/msgid-milter.conf"))) {
    EXPECT_LE(line.size(), 120U) << line;
    std::string name, value;
    if (line.starts_with("# ") || !cut(line, " = ", name, value)) continue;
    ++seen;
    ASSERT_TRUE(name.starts_with("#") && options.count(name.substr(1)) == 1) << line;
    // The user and the group need not be on this machine.
    if (name == "#user" || name == "#group" || name == "#socket-group") continue;
    EXPECT_EQ(file_error(line.substr(1) + "\n"), "no error") << line;
  }
  EXPECT_EQ(seen, options.size());
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
    const fs::path& path = entry.path();
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
