#include "core/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace {

namespace ascii = msgid::ascii;

/// Every octet of which it is true, in their order.
template <typename Predicate>
std::string all_that(Predicate is) {
  std::string out;
  for (int i = 0; i < 256; ++i) {
    if (is(static_cast<char>(i))) out += static_cast<char>(i);
  }
  return out;
}

TEST(Ascii, Classes) {
  EXPECT_EQ(all_that(ascii::is_space), "\t\n ");
  EXPECT_EQ(all_that(ascii::is_hex), "0123456789ABCDEFabcdef");
  EXPECT_EQ(all_that(ascii::is_alnum), "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(all_that(ascii::is_atext),
            "!#$%&'*+-/0123456789=?ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz{|}~");
  const std::string visible = all_that(ascii::is_visible);
  EXPECT_EQ(visible.size(), 94u);
  EXPECT_EQ(visible.front(), '!');
  EXPECT_EQ(visible.back(), '~');
}

TEST(Ascii, LowerCase) {
  EXPECT_EQ(all_that([](char c) { return ascii::lower(c) != c; }), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  EXPECT_EQ(ascii::lower('A'), 'a');
  EXPECT_EQ(ascii::lower('Z'), 'z');
}

TEST(Ascii, Trim) {
  EXPECT_EQ(ascii::trim(" \t\na b\n "), "a b");
  EXPECT_EQ(ascii::trim("a"), "a");
  EXPECT_EQ(ascii::trim(" \n\t"), "");
  EXPECT_EQ(ascii::trim(""), "");
}

}  // namespace
