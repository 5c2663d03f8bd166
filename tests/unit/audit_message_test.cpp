#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "audit/message.h"
#include "tests/eml.h"

namespace {

namespace fs = std::filesystem;

using namespace std::string_literals;

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

std::vector<std::string> corpus() {
  std::vector<std::string> messages;
  for (const fs::directory_entry& entry : fs::directory_iterator(MSGID_SOURCE_DIR "/tests/corpus")) {
    if (entry.path().extension() != ".eml") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    messages.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    messages.push_back(with_crlf(messages.back()));
  }
  return messages;
}

/// "name|body" of each field, with what ends the header: the offset of the reader and of the body.
std::string dump(std::string_view message) {
  std::string out;
  audit::HeaderReader reader(message);
  for (audit::FieldPlace field; reader.next(field);) {
    out += field.name;
    out += '|';
    out += field.body;
    out += '\n';
  }
  return out + std::to_string(reader.offset()) + ' ' + std::to_string(audit::body_offset(message));
}

TEST(HeaderReader, CutsAHeaderAsPostfixDoes) {
  const struct {
    std::string message;
    std::string expected;
  } rows[] = {
      {"", "0 0"},
      {"\n", "0 1"},
      {"\r\nA: b\r\n", "0 2"},
      {"A: b", "A| b\n4 4"},
      {"A: b\n", "A| b\n5 5"},
      {"A: b\r\n\r\nC: d\r\n", "A| b\n6 8"},
      {"A: b\r\r\n\r\r\nC: d\n", "A| b\n7 10"},
      {"A:\nB:\n\nC: d\n", "A|\nB|\n6 7"},
      {"A: b\n c\n\td\nE: f\n\n", "A| b\n c\n\td\nE| f\n16 17"},
      {"A: b\r\n c\nD: e\r\n\r\n", "A| b\r\n c\nD| e\n15 17"},
      {"A: b\n \n\nC", "A| b\n \n7 8"},         // a line of blanks continues a field
      {"A \t: b\n\n", "A| b\n7 8"},             // RFC 5322 4.5.8
      {"A b: c\n\n", "0 0"},                    // no field name
      {"A: b\nno field\nC: d\n", "A| b\n5 5"},  // ends the header without an empty line
      {" A: b\n\n", "0 0"},                     // nothing to continue
      {": b\n\n", "0 0"},
      {"A", "0 0"},
      {"A ", "0 0"},
      {"\x80: b\n", "0 0"},
      {"A\x7f: b\n", "0 0"},
      {"A\0: b\n"s, "0 0"},
      {"A: b\0c\n"s, "A| b\0c\n7 7"s},
      {"!\"~: b\n", "!\"~| b\n7 7"},
      {"From x Mon Jan  1 10:00:00 2026\nA: b\n\nc", "A| b\n37 38"},
      {">From x\r\nA: b\n\nc", "A| b\n14 15"},
      {"From", "0 0"},
      {"From x", "6 6"},
      {"A: b\nFrom x\nB: c\n", "A| b\n5 5"},
  };
  for (const auto& row : rows) EXPECT_EQ(dump(row.message), row.expected) << testing::PrintToString(row.message);
}

TEST(HeaderReader, ReadsTheCorpusAsTheTestsReaderDoes) {
  const std::vector<std::string> messages = corpus();
  EXPECT_GE(messages.size(), 80u);
  for (const std::string& message : messages) {
    const msgid::FieldList got = audit::header_of(message);
    const msgid::FieldList expected = eml::header_of(message);
    ASSERT_EQ(got.size(), expected.size()) << message;
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].name, expected[i].name);
      EXPECT_EQ(got[i].body, expected[i].body);
      EXPECT_EQ(got[i].instance, expected[i].instance);
    }
  }
}

TEST(AsShown, HasFoldsAsLf) {
  EXPECT_EQ(audit::as_shown(""), "");
  EXPECT_EQ(audit::as_shown(" a\r\n b\n\tc\r\r\n d"), " a\n b\n\tc\n d");
  EXPECT_EQ(audit::as_shown("\r\n \r\n"), "\n \n");
  EXPECT_EQ(audit::as_shown(" a\rb"), " a\rb");
}

TEST(AsShown, EndsALineAtANul) {
  EXPECT_EQ(audit::as_shown(" a\0b\r\n c\n d\0e"s), " a\n c\n d");
  EXPECT_EQ(audit::as_shown(" a\r\0\r\n b"s), " a\n b");
}

TEST(HeaderOf, CountsInstancesWhateverTheCase) {
  const msgid::FieldList fields = audit::header_of("A: 1\nb: 2\na: 3\nB: 4\nA: 5\n");
  ASSERT_EQ(fields.size(), 5u);
  EXPECT_EQ(fields[2].instance, 2);
  EXPECT_EQ(fields[3].instance, 2);
  EXPECT_EQ(fields[4].instance, 3);
}

TEST(VerdictOf, IsThatOfTheWholeHeader) {
  for (const std::string& message : corpus()) {
    const std::string sig = "DKIM-Signature: v=1; c=simple; d=x.example; h=message-id:references:in-reply-to; b=\n";
    for (const std::string& text : {message, sig + message}) {
      const audit::HeaderVerdict decided = audit::verdict_of(text, {});
      const msgid::Verdict& got = decided.verdict;
      const msgid::Verdict expected = msgid::inspect(audit::header_of(text), {});
      EXPECT_FALSE(decided.is_over_size || decided.lacks_signatures);
      ASSERT_EQ(got.findings.size(), expected.findings.size());
      for (std::size_t i = 0; i < expected.findings.size(); ++i) {
        EXPECT_EQ(got.findings[i].rule, expected.findings[i].rule);
        EXPECT_EQ(got.findings[i].instance, expected.findings[i].instance);
        EXPECT_EQ(got.findings[i].after, expected.findings[i].after);
        EXPECT_EQ(got.findings[i].dkim.breaks, expected.findings[i].dkim.breaks);
      }
      EXPECT_EQ(got.edits.size(), expected.edits.size());
    }
  }
}

/// A header with a broken id and a signature over it, and a field of so many octets.
std::string header_with(std::string_view name, std::size_t octets) {
  return "DKIM-Signature: c=simple; d=x.example; h=message-id; b=\nMessage-ID: < a@b>\n" + std::string(name) + ":" +
         std::string(octets - name.size(), 'x') + "\n\nbody\n";
}

constexpr std::size_t id_octets = std::string_view("Message-ID < a@b>").size();
constexpr std::size_t signature_octets =
    std::string_view("DKIM-Signature c=simple; d=x.example; h=message-id; b=").size();

TEST(VerdictOf, KeepsNoMoreThanThePolicyAllows) {
  msgid::Policy policy;
  for (const std::size_t size : {policy.header_size, std::size_t{4096}, std::size_t{1} << 20U}) {
    SCOPED_TRACE(size);
    policy.header_size = size;
    const std::size_t left = size - id_octets;
    EXPECT_FALSE(audit::verdict_of(header_with("References", left), policy).is_over_size);
    const audit::HeaderVerdict over = audit::verdict_of(header_with("References", left + 1), policy);
    EXPECT_TRUE(over.is_over_size);
    EXPECT_TRUE(over.verdict.findings.empty() && over.verdict.edits.empty());
    EXPECT_FALSE(audit::verdict_of(header_with("X-Any", 2 * left), policy).is_over_size);
  }
}

TEST(VerdictOf, LeavesSignaturesOutFirst) {
  msgid::Policy policy;
  policy.header_size = 5000;
  const std::size_t left = policy.header_size - id_octets - signature_octets;
  const audit::HeaderVerdict with = audit::verdict_of(header_with("References", left), policy);
  const audit::HeaderVerdict without = audit::verdict_of(header_with("References", left + 1), policy);
  EXPECT_FALSE(with.lacks_signatures);
  EXPECT_TRUE(without.lacks_signatures);
  EXPECT_EQ(with.verdict.findings.at(0).dkim.breaks, std::vector<std::string>{"x.example"});
  EXPECT_EQ(without.verdict.findings.at(0).dkim.breaks, std::vector<std::string>{});
  EXPECT_EQ(with.verdict.edits.size(), without.verdict.edits.size());
  policy.signed_fields = msgid::SignedFields::keep;
  EXPECT_FALSE(audit::verdict_of(header_with("References", left), policy).is_over_size);
  EXPECT_TRUE(audit::verdict_of(header_with("References", left + 1), policy).is_over_size);
}

// As the daemon counts it: no CR before a fold, and nothing that a NUL hides.
TEST(VerdictOf, CountsWhatAnMtaShows) {
  msgid::Policy policy;
  policy.header_size = 4096;
  for (const std::size_t more : {0U, 1U}) {
    // "Resent-Message-ID <xxx@b>" LF " (a)"
    const std::string id = "Resent-Message-ID: <" + std::string(4096 - 17 - 10 + more, 'x') + "@b>";
    for (const std::string& header : {id + "\n (a)\n", id + "\r\n (a)\r\n", id + "\0hidden\n (a)\n"s}) {
      EXPECT_EQ(audit::verdict_of(header, policy).is_over_size, more > 0) << header.substr(4090);
    }
  }
}

TEST(WithEdits, ChangesTheBodiesNamed) {
  const std::vector<msgid::Edit> edits = {{"references", 2, " <a@b>\n <c@d>"}};
  const struct {
    std::string_view message;
    std::string_view expected;
  } rows[] = {
      {"References: 1\nREFERENCES: 2\nreferences: 3\n\nReferences: 4\n",
       "References: 1\nREFERENCES: <a@b>\n <c@d>\nreferences: 3\n\nReferences: 4\n"},
      {"References: 1\r\nX: y\r\n z\r\nReferences \t:\r\n 2\r\n\r\nx\n",
       "References: 1\r\nX: y\r\n z\r\nReferences \t: <a@b>\r\n <c@d>\r\n\r\nx\n"},
      {"References: 1\nReferences: 2\r\n3\n", "References: 1\nReferences: <a@b>\r\n <c@d>\r\n3\n"},
      {"References: 1\r\nReferences: 2\n3\r\n", "References: 1\r\nReferences: <a@b>\n <c@d>\n3\r\n"},
      {"References: 1\r\nReferences: 2\n 3\r\n", "References: 1\r\nReferences: <a@b>\r\n <c@d>\r\n"},
      {"References: 1\nReferences: 2\r\r\n3", "References: 1\nReferences: <a@b>\r\r\n <c@d>\r\r\n3"},
      {"References: 1\r\nReferences: 2", "References: 1\r\nReferences: <a@b>\r\n <c@d>"},
  };
  for (const auto& row : rows) EXPECT_EQ(audit::with_edits(row.message, edits), row.expected);
}

TEST(WithEdits, ChangesNothingElse) {
  for (const std::string& message : corpus()) EXPECT_EQ(audit::with_edits(message, {}), message);
  const std::vector<msgid::Edit> several = {{"A", 1, " 1"}, {"B", 1, " 2"}, {"A", 2, " 3"}};
  EXPECT_EQ(audit::with_edits("A:x\nB:\n y\nC: z\nA: w\nA: v\n\n\0"s, several), "A: 1\nB: 2\nC: z\nA: 3\nA: v\n\n\0"s);
}

}  // namespace
