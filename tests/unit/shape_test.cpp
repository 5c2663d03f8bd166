// What is called wrong with a field, by one body for each turn of the code. inspect_test.cpp has what comes of it.
#include "core/shape.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using msgid::Policy;
using msgid::Reason;

Reason fault(std::string_view body, std::string_view field = "References") {
  const Policy policy;
  std::vector<msgid::Token> tokens;
  msgid::scan(body, tokens);
  return msgid::fault_of(tokens, *policy.find(field), policy);
}

TEST(Shape, ControlCharactersAloneAreAnotherRules) {
  using namespace std::string_view_literals;
  for (const std::string_view body : {"<a@b> \0"sv, "<a@b> \x1f"sv, "<a@b> \x7f"sv}) {
    EXPECT_EQ(fault(body, "Message-ID"), Reason::none) << testing::PrintToString(body);
  }
  EXPECT_EQ(fault("<a@b> \x01x", "Message-ID"), Reason::text_left_over);
}

TEST(Shape, EmptyPairsAreNoText) {
  EXPECT_EQ(fault("<>"), Reason::empty);
  EXPECT_EQ(fault("<a@b> <>"), Reason::empty);
  EXPECT_EQ(fault("<a@b> x>"), Reason::unbalanced_brackets);
  EXPECT_EQ(fault("<a@b> >"), Reason::unbalanced_brackets);
  EXPECT_EQ(fault("<a@b> <x"), Reason::unbalanced_brackets);
}

TEST(Shape, EscapesOfProgramsAreNamed) {
  for (const std::string_view body : {"<a@b>\\n<c@d>", "<a@b> \\r\\n", "[<a@b>]", "[ <a@b> , <c@d> ]", "[ \"x\" ]"}) {
    EXPECT_EQ(fault(body), Reason::escaped) << body;
  }
  EXPECT_EQ(fault("<a@b> \\nxy"), Reason::none) << "a word that begins like one";
  EXPECT_EQ(fault("[x]"), Reason::no_msg_id) << "a list without an item";
}

TEST(Shape, QuotationMarksAroundIdsAreNamed) {
  for (const std::string_view body :
       {"'<a@b>", "<a@b>'", "x <a@b>' y", "x '<a@b> y", "\"<a>\"", "\"<a@b>\"", "\"a@b\""}) {
    EXPECT_EQ(fault(body), Reason::quoted) << body;
  }
  EXPECT_EQ(fault("\"<>\""), Reason::no_msg_id);
  EXPECT_EQ(fault("' <a@b>"), Reason::none) << "a word";
}

TEST(Shape, TextThatTouchesAnIdIsLeftOver) {
  for (const std::string_view body :
       {"x<a@b>", "<a@b>x", "<c@d> x<a@b>", "References: <a@b>", "<a@b> Message-ID: <c@d>"}) {
    EXPECT_EQ(fault(body), Reason::text_left_over) << body;
  }
  EXPECT_EQ(fault("x <a@b> y"), Reason::none) << "a phrase, in a list";
  EXPECT_EQ(fault("x <a@b> y", "Message-ID"), Reason::text_left_over);
}

}  // namespace
