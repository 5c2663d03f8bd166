// The manual pages against the programs. (config_files_test has the daemon's options, rules and reasons.)
#include <gtest/gtest.h>
#include <sysexits.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>

#include "config/options.h"
#include "msgid/exchange.h"
#include "tests/unit/source_files.h"

namespace {

namespace fs = std::filesystem;

using Words = std::set<std::string>;

using source_files::contents;
using source_files::source;

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

/// From the line `from` of a page to the next section or subsection.
std::string section_of(const std::string& page, const std::string& from) {
  const std::size_t begin = page.find('\n' + from + '\n');
  if (begin == std::string::npos) {
    ADD_FAILURE() << "no section: " << from;
    return {};
  }
  const std::size_t end = std::min(page.find("\n.Sh ", begin + 1), page.find("\n.Ss ", begin + 1));
  return page.substr(begin, end - begin);
}

/// All sources of the daemon below src/`room`, put together.
std::string code_of(const std::string& room) {
  std::string code;
  for (const fs::directory_entry& entry : fs::directory_iterator(source / "src" / room)) code += contents(entry.path());
  return code;
}

bool is_part_of_name(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The names in `code` that begin with `prefix`, for example SIGTERM.
Words names_with(const std::string& prefix, const std::string& code) {
  Words names;
  for (std::size_t at = code.find(prefix); at != std::string::npos; at = code.find(prefix, at + 1)) {
    if (at > 0 && is_part_of_name(code[at - 1])) continue;
    std::size_t end = at;
    while (end < code.size() && is_part_of_name(code[end])) ++end;
    names.insert(code.substr(at, end - at));
  }
  return names;
}

TEST(Manual, OfTheDaemonHasEveryKeyOfTheLog) {
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  Words told = items_of(section_of(page, ".Ss Log lines"), ".It Cm ");
  told.merge(items_of(section_of(page, ".Ss Lines of the service itself"), ".It Cm "));
  // In sentences of the other lists: a key that only one reason has.
  const Words named = items_of(section_of(page, ".Ss Reasons"), ".Cm ");
  const std::string code = contents(source / "src/report/log.cpp");
  Words keys{"dkim"};  // append_domains() writes it by itself
  EXPECT_NE(code.find("\" dkim=\""), std::string::npos);
  for (const char* call : {"append_bare(line, \"", "append_quoted(line, \"", "append_list(line, \""}) {
    const std::string mark = call;
    for (std::size_t at = code.find(mark); at != std::string::npos; at = code.find(mark, at + 1)) {
      const std::size_t begin = at + mark.size();
      keys.insert(code.substr(begin, code.find('"', begin) - begin));
    }
  }
  EXPECT_GT(keys.size(), 10u);
  for (const std::string& key : keys) EXPECT_TRUE(told.contains(key) || named.contains(key)) << key;
  for (const std::string& key : told) EXPECT_TRUE(keys.contains(key)) << "no key any more: " << key;
}

TEST(Manual, OfTheDaemonHasEverySignal) {
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  Words taken = names_with("SIG", code_of("milter"));
  // Ignored or only blocked, and words about signals in general.
  for (const char* other :
       {"SIG", "SIG_BLOCK", "SIG_DFL", "SIG_IGN", "SIG_SETMASK", "SIG_UNBLOCK", "SIGPIPE", "SIGXFSZ"})
    taken.erase(other);
  EXPECT_EQ(items_of(section_of(page, ".Sh SIGNALS"), ".It Dv "), taken);
}

TEST(Manual, HasEveryExitStatus) {
  static const std::map<std::string, int> numbers = {{"EX_OK", EX_OK},
                                                     {"EX_CONFIG", EX_CONFIG},
                                                     {"EX_SOFTWARE", EX_SOFTWARE},
                                                     {"EX_USAGE", EX_USAGE},
                                                     {"EX_UNAVAILABLE", EX_UNAVAILABLE},
                                                     {"EX_OSERR", EX_OSERR},
                                                     {"EX_TEMPFAIL", EX_TEMPFAIL}};
  Words used;
  for (const std::string& name : names_with("EX_", code_of("milter") + code_of("config")))
    used.insert(std::to_string(numbers.at(name)));
  const std::string page = contents(source / "packaging/man/msgid-milter.8");
  EXPECT_EQ(items_of(section_of(page, ".Sh EXIT STATUS"), ".It "), used);
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
  for (const std::string& word : items_of(page, ".It Fl Fl ")) {
    const bool is_first = page.find("\n.It Fl Fl " + word + ' ') != std::string::npos;
    if (!is_first || word == "Ns") continue;
    EXPECT_TRUE(options.contains(word)) << "no option any more: " << word;
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
