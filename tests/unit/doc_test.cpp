// The pages of packaging/doc and the examples, against the source and the README.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "tests/unit/source_files.h"

namespace {

namespace fs = std::filesystem;

using source_files::contents;
using source_files::source;

/// What stands between backquotes, on one line.
std::set<std::string> code_words(const std::string& page) {
  std::set<std::string> words;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    std::size_t begin = line.find('`');
    while (begin != std::string::npos) {
      const std::size_t end = line.find('`', begin + 1);
      if (end == std::string::npos) break;
      words.insert(line.substr(begin + 1, end - begin - 1));
      begin = line.find('`', end + 1);
    }
  }
  return words;
}

std::string all_code() {
  std::string code;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(source / "src")) {
    if (entry.is_regular_file()) code += contents(entry.path());
  }
  return code;
}

/// The lines that begin so.
std::set<std::string> lines_with(const std::string& text, const std::string& begin) {
  std::set<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(begin)) found.insert(line);
  }
  return found;
}

TEST(Documents, AMessagesWayNamesWhatIsThere) {
  const std::string code = all_code();
  int files = 0, functions = 0;
  for (const std::string& word : code_words(contents(source / "packaging/doc/a-messages-way.md"))) {
    if (word.starts_with("src/")) {
      EXPECT_TRUE(fs::exists(source / word)) << word;
      ++files;
    } else if (word.ends_with("()")) {
      // A method is defined as it is named here; a function by its name and what opens its parameters.
      std::string name = word.substr(0, word.size() - 1);
      if (name.starts_with("config::") || name.starts_with("milter::")) name = name.substr(name.find("::") + 2);
      const bool is_there = code.find(name.find("::") == std::string::npos ? ' ' + name : name) != std::string::npos;
      EXPECT_TRUE(is_there) << word;
      ++functions;
    }
  }
  EXPECT_GT(files, 12);
  EXPECT_GT(functions, 30);
}

TEST(Documents, TheExamplesAreTheLinesOfTheReadme) {
  const std::string readme = contents(source / "README.md");
  std::set<std::string> told;
  for (const std::string& line : lines_with(readme, "postconf -e '")) told.insert(line.substr(13, line.size() - 14));
  EXPECT_EQ(told.size(), 2U);
  std::set<std::string> shown = lines_with(contents(source / "packaging/examples/postfix-main.cf"), "smtpd_");
  shown.merge(lines_with(contents(source / "packaging/examples/postfix-main.cf"), "non_"));
  EXPECT_EQ(shown, told);
  const auto sendmail = lines_with(readme, "INPUT_MAIL_FILTER");
  EXPECT_EQ(sendmail.size(), 1U);
  EXPECT_EQ(lines_with(contents(source / "packaging/examples/sendmail.mc"), "INPUT_MAIL_FILTER"), sendmail);
  const std::string attaching = contents(source / "packaging/doc/attaching.md");
  EXPECT_EQ(lines_with(attaching, "INPUT_MAIL_FILTER"), sendmail);
  EXPECT_EQ(lines_with(attaching, "postconf -e '"), lines_with(readme, "postconf -e '"));
}

}  // namespace
