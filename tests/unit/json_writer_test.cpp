#include "report/json_writer.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using report::JsonWriter;

std::string written(std::string_view value) {
  JsonWriter out;
  out.value(value);
  return out.text();
}

TEST(JsonWriter, CommasComeByThemselves) {
  JsonWriter out;
  out.open('{');
  out.member("one", std::uint64_t{18446744073709551615U});
  out.key("two");
  out.open('[');
  out.open('{');
  out.close('}');
  out.value("x");
  out.open('[');
  out.close(']');
  out.close(']');
  out.member("three", std::string("y"));
  out.close('}');
  EXPECT_EQ(out.text(), R"({"one":18446744073709551615,"two":[{},"x",[]],"three":"y"})");
}

TEST(JsonWriter, TextIsPrintableAscii) {
  EXPECT_EQ(written("plain ~"), R"("plain ~")");
  EXPECT_EQ(written("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(written(std::string_view("\0\x01\n\t\r\x1f\x7f", 7)), R"("\u0000\u0001\n\t\u000d\u001f\u007f")");
  EXPECT_EQ(written("\xc3\xa9\xe2\x82\xac"), R"("\u00e9\u20ac")");
  EXPECT_EQ(written("\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf"), R"("\ud83d\ude00\udbff\udfff")");
}

TEST(JsonWriter, WhatIsNotUtf8IsReplaced) {
  EXPECT_EQ(written("a\xff"
                    "b\xc3"),
            R"("a\ufffdb\ufffd")");
  EXPECT_EQ(written("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "a surrogate";
  EXPECT_EQ(written("\xc0\x80"), R"("\ufffd\ufffd")") << "not the shortest form";
}

}  // namespace
