#include "msgid/fold.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using msgid::fold;
using msgid::is_safe_body;
using msgid::longest_line;
using msgid::unfold;

TEST(Unfold, DeletesTheLineEndAndKeepsTheWhiteSpace) {
  EXPECT_EQ(unfold(" <a@b>\n <c@d>\n\t<e@f>"), " <a@b> <c@d>\t<e@f>");
  EXPECT_EQ(unfold("\n  <a@b>"), "  <a@b>");
  EXPECT_EQ(unfold(""), "");
}

TEST(Unfold, KeepsALineEndThatIsNoFold) {
  EXPECT_EQ(unfold("a\nb\n"), "a\nb\n");
}

TEST(LongestLine, CountsTheNameAndTheColonOnTheFirstLine) {
  EXPECT_EQ(longest_line(10, " <a@b>"), 17u);
  EXPECT_EQ(longest_line(10, ""), 11u);
  EXPECT_EQ(longest_line(1, " a\n 456789"), 7u);
  EXPECT_EQ(longest_line(1, " a\n"), 4u);
}

using Units = std::vector<std::string_view>;

TEST(Fold, PutsOneSpaceBeforeEachUnit) {
  EXPECT_EQ(fold(10, Units{"<a@b>", "<c@d>"}, 998), " <a@b> <c@d>");
  EXPECT_EQ(fold(10, Units{}, 998), "");
}

TEST(Fold, BreaksOnlyBetweenUnitsAndOnlyWhereTheLineIsFull) {
  // "References:" and two units of six octets make 23.
  EXPECT_EQ(fold(10, Units{"<a@b>", "<c@d>"}, 23), " <a@b> <c@d>");
  EXPECT_EQ(fold(10, Units{"<a@b>", "<c@d>"}, 22), " <a@b>\n <c@d>");
  EXPECT_EQ(fold(10, Units{"<a@b>", "<c@d>", "<e@f>"}, 23), " <a@b> <c@d>\n <e@f>");
}

TEST(Fold, NeverBreaksAfterTheColon) {
  EXPECT_EQ(fold(10, Units{"<a-very-long-one@b>", "<c@d>"}, 15), " <a-very-long-one@b>\n <c@d>");
}

TEST(Fold, MakesOneSpaceOfAFoldOrTabInsideAUnit) {
  EXPECT_EQ(fold(1, Units{"(a\n b)"}, 998), " (a b)");
  EXPECT_EQ(fold(1, Units{"(a \n\t b\tc)"}, 998), " (a b c)");
  EXPECT_EQ(fold(1, Units{"a\n "}, 998), " a ") << "at its end too";
  EXPECT_EQ(fold(1, Units{"(a  b)"}, 998), " (a  b)") << "white space without a fold is the sender's";
}

TEST(SafeBody, IsPrintableAsciiWithFoldsOnly) {
  EXPECT_TRUE(is_safe_body(10, " <a@b>\n <c@d>"));
  EXPECT_TRUE(is_safe_body(10, "\t<a@b>\n\t<c@d>"));
  EXPECT_FALSE(is_safe_body(10, " <a@b>\n\n <c@d>"));
  EXPECT_FALSE(is_safe_body(10, " <a@b>\nBcc: x"));
  EXPECT_FALSE(is_safe_body(10, "\x01<a@b>"));
  EXPECT_FALSE(is_safe_body(10, "\n"));
  EXPECT_TRUE(is_safe_body(10, " !~"));
  EXPECT_FALSE(is_safe_body(10, " \x1f"));
  EXPECT_FALSE(is_safe_body(10, " <a@b>\n"));
  EXPECT_FALSE(is_safe_body(10, " <a\r@b>"));
  EXPECT_FALSE(is_safe_body(10, std::string_view(" a\0b", 4)));
  EXPECT_FALSE(is_safe_body(10, " <\xc3\xa9@b>"));
  EXPECT_FALSE(is_safe_body(10, " <a\x7f@b>"));
}

TEST(SafeBody, HasNoLineOver998Octets) {
  EXPECT_TRUE(is_safe_body(10, " " + std::string(986, 'x')));
  EXPECT_FALSE(is_safe_body(10, " " + std::string(987, 'x')));
  EXPECT_TRUE(is_safe_body(10, " x\n " + std::string(997, 'x')));
  EXPECT_FALSE(is_safe_body(10, " x\n " + std::string(998, 'x')));
}

}  // namespace
