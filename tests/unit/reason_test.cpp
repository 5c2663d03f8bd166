#include "msgid/reason.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

namespace {

TEST(Reasons, EachHasANameAndASentenceOfItsOwn) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (const msgid::ReasonRow& row : msgid::reasons()) {
    EXPECT_EQ(name_of(row.reason), row.name);
    if (row.reason == msgid::Reason::none) continue;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(sentences.insert(row.sentence).second) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-64"), std::string_view::npos) << row.name;
    EXPECT_FALSE(row.sentence.ends_with('.')) << row.name;
    EXPECT_FALSE(std::isupper(static_cast<unsigned char>(row.sentence.front()))) << row.name;
    EXPECT_EQ(msgid::sentence_of(row.name), row.sentence);
  }
  EXPECT_GT(names.size(), 30U);
}

TEST(Reasons, EvidenceHasNoSentence) {
  EXPECT_EQ(msgid::sentence_of("cp-850"), "");
  EXPECT_EQ(msgid::sentence_of(""), "");
}

}  // namespace
