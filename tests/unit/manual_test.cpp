// The manual pages of msgid-audit against the program. (config_files_test has those of the daemon.)
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "config/options.h"
#include "msgid/exchange.h"

namespace {

namespace fs = std::filesystem;

using Words = std::set<std::string>;

const fs::path source = MSGID_SOURCE_DIR;

std::string contents(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << path;
  return text.str();
}

/// What stands between two quotes and is made of small letters and "_".
Words keys_in(const std::string& text) {
  Words keys;
  std::size_t begin = text.find('"');
  while (begin != std::string::npos) {
    const std::size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin + 1);
    if (end == std::string::npos) break;
    if (text[end] == '"' && end > begin + 1) keys.insert(text.substr(begin + 1, end - begin - 1));
    begin = text[end] == '"' ? text.find('"', end + 1) : text.find('"', end);
  }
  return keys;
}

/// The words of the lines that begin with `mark`, without commas.
Words items_of(const std::string& page, const std::string& mark) {
  Words items;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(mark)) continue;
    std::istringstream words(line.substr(mark.size()));
    for (std::string word; words >> word;) {
      if (word != ",") items.insert(word);
    }
  }
  return items;
}

TEST(Manual, OfTheAuditTrailHasEveryKey) {
  const std::string page = contents(source / "packaging/man/msgid-audit.jsonl.5");
  const Words told = items_of(page, ".It Cm ");
  Words keys = keys_in(contents(source / "src/report/audit_record.cpp"));
  for (const char* type : {"message", "totals"}) EXPECT_EQ(keys.erase(type), 1u) << type;
  EXPECT_GT(keys.size(), 25u);
  // Those of an object within a record stand in a sentence, not in a list.
  const Words named = items_of(page, ".Cm ");
  for (const std::string& key : keys) EXPECT_TRUE(told.contains(key) || named.contains(key)) << key;
  for (const std::string& key : told) EXPECT_TRUE(keys.contains(key)) << "no key any more: " << key;
}

/// The golden cases hold what each --help prints.
TEST(Manual, OfTheToolHasEveryOption) {
  const std::string page = contents(source / "packaging/man/msgid-audit.1");
  Words options;
  int helps = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(source / "tests/audit")) {
    if (!entry.path().filename().string().ends_with("-help.out")) continue;
    ++helps;
    for (const std::string& word : items_of(contents(entry.path()), "  --")) {
      // "  --output=FILE, -o    write there": the first word of the line
      if (contents(entry.path()).find("\n  --" + word) != std::string::npos) {
        options.insert(word.substr(0, word.find_first_of("=,")));
      }
    }
  }
  EXPECT_GE(helps, 4);
  EXPECT_GT(options.size(), 8u);
  for (const std::string& option : options) {
    EXPECT_NE(page.find("Fl Fl " + option), std::string::npos) << "msgid-audit.1 has no --" << option;
  }
  for (const std::string& option : config::policy_option_names()) {
    const std::string name = option.starts_with("rule.") ? "rule." : option;
    EXPECT_NE(page.find(name), std::string::npos) << "msgid-audit.1 does not name " << option;
  }
}

TEST(Manual, OfTheConfigurationHasEveryRuleAboutExchange) {
  const Words told = items_of(contents(source / "packaging/man/msgid-milter.conf.5"), ".It Cm ");
  for (const msgid::Rule& rule : msgid::exchange_rules())
    EXPECT_TRUE(told.contains(std::string(rule.name))) << rule.name;
}

}  // namespace
