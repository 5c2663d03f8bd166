// New line breaks, octet by octet. What they are used for is in inspect_test.cpp.
#include "core/layout.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using msgid::BreakAt;
using msgid::Token;

std::vector<Token> scanned(std::string_view body) {
  std::vector<Token> tokens;
  msgid::scan(body, tokens);
  return tokens;
}

std::string refolded(std::size_t name_octets, std::string_view body, BreakAt where, std::size_t line_length,
                     std::size_t fold_at) {
  return msgid::refold(name_octets, body, scanned(body), where, line_length, fold_at);
}

TEST(Refold, BreaksBeforeTheWhiteSpaceThatFitsNoMore) {
  const auto at = [](std::size_t fold_at) { return refolded(1, " a b c", BreakAt::white_space, 7, fold_at); };
  EXPECT_EQ(refolded(1, " a b c", BreakAt::white_space, 8, 1), " a b c") << "8 octets are a line";
  EXPECT_EQ(at(7), " a b\n c");
  EXPECT_EQ(at(6), " a b\n c");
  EXPECT_EQ(at(5), " a\n b c") << "\"N: a b\" has 6";
  EXPECT_EQ(at(4), " a\n b c");
  EXPECT_EQ(at(3), " a\n b\n c");
}

TEST(Refold, KeepsTheWhiteSpaceAsItIs) {
  EXPECT_EQ(refolded(1, "a  b\tc", BreakAt::white_space, 5, 5), "a\n  b\tc");
  EXPECT_EQ(refolded(1, "a  b\tc", BreakAt::white_space, 5, 4), "a\n  b\n\tc");
  EXPECT_EQ(refolded(1, " aaaa  ", BreakAt::white_space, 4, 4), " aaaa  ") << "not at the end";
  EXPECT_EQ(refolded(1, "  aaaa b", BreakAt::white_space, 4, 4), "  aaaa\n b") << "not after the colon";
  EXPECT_EQ(refolded(1, "", BreakAt::white_space, 1, 1), "");
}

TEST(Refold, LeavesLinesThatAreShortEnough) {
  EXPECT_EQ(refolded(1, " a b\n c d e 7\n\tf g", BreakAt::white_space, 6, 3), " a b\n c\n d\n e\n 7\n\tf g");
  EXPECT_EQ(refolded(1, "\n aa bb\n cc", BreakAt::white_space, 5, 5), "\n aa\n bb\n cc");
}

TEST(Refold, PartsNeighborsThatTouchWhereAsked) {
  const std::string_view ids = " <a@b><c@d>,<e@f>;<g@h>(x)<i@j>,k@l,,m@n";
  EXPECT_EQ(refolded(1, ids, BreakAt::white_space, 9, 9), ids);
  EXPECT_EQ(refolded(1, ids, BreakAt::white_space_or_touching, 9, 9),
            " <a@b>\n <c@d>,\n <e@f>;\n <g@h>(x)\n <i@j>,\n k@l,,m@n");
  EXPECT_EQ(refolded(1, " <<a@b>><<c@d>>x<e@f>", BreakAt::white_space_or_touching, 9, 9), " <<a@b>>\n <<c@d>>x<e@f>");
}

TEST(Refold, CountsTheSpaceThatItAdds) {
  const auto at = [](std::size_t fold_at) {
    return refolded(1, "<a@b>,<c@d>,<e@f>", BreakAt::white_space_or_touching, 9, fold_at);
  };
  EXPECT_EQ(at(12), "<a@b>,\n <c@d>,<e@f>");
  EXPECT_EQ(at(11), "<a@b>,\n <c@d>,\n <e@f>");
}

TEST(Refold, CountsTheNameInTheFirstLineOnly) {
  EXPECT_EQ(refolded(1, " a\n bbbb cc", BreakAt::white_space, 8, 3), " a\n bbbb cc") << "8 octets";
  EXPECT_EQ(refolded(1, " a\n bbbb cc", BreakAt::white_space, 7, 3), " a\n bbbb\n cc");
}

TEST(Refold, NeverBreaksInsideAnIdACommentOrAQuotedString) {
  for (const std::string_view body : {" <a b c d>", " <a b c d", " (a b c d)", " \"a b c d\""}) {
    EXPECT_EQ(refolded(1, body, BreakAt::white_space_or_touching, 4, 4), body);
  }
}

TEST(UnfoldBetweenIds, KeepsFoldsInsideBrackets) {
  const auto unfolded = [](std::string_view body) { return msgid::unfold_between_ids(scanned(body)); };
  EXPECT_EQ(unfolded("\n <a@b>\n\t(c\n d)\n e \"f\n g\""), " <a@b>\t(c d) e \"f g\"");
  EXPECT_EQ(unfolded(" <a\n b>\n <c\n d"), " <a\n b> <c\n d");
}

TEST(OctetsOver, AddsUpAllLines) {
  EXPECT_EQ(msgid::octets_over(2, " 5", 5), 0U);
  EXPECT_EQ(msgid::octets_over(2, " 56", 5), 1U);
  EXPECT_EQ(msgid::octets_over(2, " 56\n 23\n 2345", 3), 3U + 0U + 2U);
}

}  // namespace
