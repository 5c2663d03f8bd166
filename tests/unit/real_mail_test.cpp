// Field bodies from real mail, if a folder of them stands beside the source tree: one JSON object a line, with "name"
// and "raw". They are not ours to ship, so the test is skipped where they are not.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "tests/properties.h"

namespace {

constexpr const char* corpus = MSGID_SOURCE_DIR "/../shared/corpus/real-msgids.jsonl";

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0U | (code >> 6U));
    out += static_cast<char>(0x80U | (code & 63U));
  } else {
    out += static_cast<char>(0xe0U | (code >> 12U));
    out += static_cast<char>(0x80U | ((code >> 6U) & 63U));
    out += static_cast<char>(0x80U | (code & 63U));
  }
}

/// The string value of a key of a flat JSON object.
std::string value_of(const std::string& line, const std::string& key) {
  const std::string start = "\"" + key + "\": \"";
  std::string out;
  std::size_t at = line.find(start);
  if (at == std::string::npos) return out;
  for (at += start.size(); at < line.size() && line[at] != '"'; ++at) {
    if (line[at] != '\\') {
      out += line[at];
      continue;
    }
    const char escape = line[++at];
    if (escape == 'u') {
      append_utf8(out, static_cast<unsigned>(std::stoul(line.substr(at + 1, 4), nullptr, 16)));
      at += 4;
    } else {
      out += escape == 'n' ? '\n' : escape == 't' ? '\t' : escape == 'r' ? '\r' : escape;
    }
  }
  return out;
}

TEST(RealMail, KeepsThePromises) {
  std::ifstream file(corpus);
  if (!file) GTEST_SKIP() << "no real field bodies at " << corpus;
  std::map<std::string, int> rewrites;
  int bodies = 0;
  for (std::string line; std::getline(file, line); ++bodies) {
    std::string body;
    for (const char c : value_of(line, "raw")) {
      if (c != '\r') body += c;
    }
    const std::string name = value_of(line, "name");
    ASSERT_FALSE(name.empty()) << line;
    const msgid::FieldList fields = {{name, body, 1}};
    EXPECT_EQ(properties::broken(fields, {}), "") << line;
    const msgid::Verdict verdict = msgid::inspect(fields, {});
    for (const msgid::Finding& finding : verdict.findings) {
      if (finding.action == msgid::Action::rewrite) ++rewrites[std::string(finding.rule->name)];
    }
  }
  EXPECT_EQ(bodies, 161);
  EXPECT_GE(rewrites["encoded-word"], 30);
}

}  // namespace
