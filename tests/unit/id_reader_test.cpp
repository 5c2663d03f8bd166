// The reader that judges inspect() has to be right itself.
#include "tests/id_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

using Strings = std::vector<std::string>;

TEST(IdReader, KnowsACleanId) {
  for (const std::string_view id :
       {"a@b", "a.b@c.d", "a@[]", "a@[192.0.2.1]", "a@[IPv6:::1]", "!#$%&'*+-/=?^_`{|}~@b", "a@[b@c]", "a@[b,c]"}) {
    EXPECT_TRUE(id_reader::is_clean(id)) << id;
  }
  for (const std::string_view id :
       {"",        "a",       "@",       "a@",    "@b",    "a@b@c",   ".a@b",       "a.@b",
        "a..b@c",  "a@.b",    "a@b.",    "a b@c", "a@b ",  "<a@b>",   "a,b@c",      "a@b;",
        "\"a\"@b", "a(c)@b",  "a:b@c",   "a\\@b", "[a]@b", "a@[b",    "a@b]",       "a@[",
        "a@[[b]",  "a@[b\\]", "a@[b c]", "a\n@b", "a\r@b", "a\x7f@b", "\xc3\xa9@b", "a@[\xc3\xa9]"}) {
    EXPECT_FALSE(id_reader::is_clean(id)) << id;
  }
  EXPECT_FALSE(id_reader::is_clean(std::string_view("a\0@b", 4)));
}

TEST(IdReader, DecodesEncodedWords) {
  struct Case {
    std::string_view text;
    std::string_view decoded;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", ""},
           {" a\n b ", " a\n b "},
           {"=?utf-8?q?=3Ca=40b=3e?=", "<a@b>"},
           {"=?UTF-8?Q?<a_b@c>?=", "<a b@c>"},
           {"=?utf-8*en?q?a?=", "a"},
           {"=?utf-16?q?a?=", "a"},
           {"=?utf-8?q?"
            "?=",
            ""},
           {"=?utf-8?b?PGFAYj4=?=", "<a@b>"},
           {"=?utf-8?B?PGFAYj4?=", "<a@b>"},
           {"=?utf-8?b?PGFAYg==?=", "<a@b"},
           {"=?utf-8?b?PG-FAYj4=?=", "<a@b>"},
           {"x=?utf-8?q?y?=z", "xyz"},
           {"<=?utf-8?q?a=40?=b>", "<a@b>"},
           // White space between two words is none; beside other text it stays.
           {"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"},
           {"=?utf-8?q?a?=\n\t =?utf-8?b?Yg==?= c", "ab c"},
           {"=?utf-8?q?a?==?utf-8?q?b?=", "ab"},
           {"=?utf-8?q?a?= , =?utf-8?q?b?=", "a , b"},
           {" =?utf-8?q?a?=\n ", " a\n "},
           // Broken escapes stay; what is no encoded-word does too.
           {"=?utf-8?q?=4_=G0=?=", "=4 =G0="},
           {"=?utf-8?q?a b?=", "=?utf-8?q?a b?="},
           {"=?utf-8?q?a\n b?=", "=?utf-8?q?a\n b?="},
           {"=?utf-8?x?a?=", "=?utf-8?x?a?="},
           {"=?utf-8?q?a", "=?utf-8?q?a"},
           {"=?utf-8?q?a?", "=?utf-8?q?a?"},
           {"=?utf-8?q", "=?utf-8?q"},
           {"=?utf-8", "=?utf-8"},
           {"=?=?utf-8?q?a?=", "=?a"},
       }) {
    EXPECT_EQ(id_reader::decoded(c.text), c.decoded) << c.text;
  }
}

TEST(IdReader, FindsTheIdsOfAField) {
  struct Case {
    std::string_view body;
    Strings ids;
  };
  for (const Case& c : std::initializer_list<Case>{
           {"", {}},
           {" phrase (comment) <> <no-at>", {}},
           {" <a@b>", {"a@b"}},
           {" <a@b> <a@b>", {"a@b", "a@b"}},
           {" <c@d><a@b>,<e@[::1]>", {"a@b", "c@d", "e@[::1]"}},
           {" (see <a@b>) \"<c@d>\"", {"a@b", "c@d"}},
           // White space is no part of the one id in a pair of brackets ...
           {" < a\n .b@c\t>", {"a.b@c"}},
           {" <a\n b@c.d\n e>", {"ab@c.de"}},
           {" <a@[b c]>", {"a@[bc]"}},
           {" <a@[b,c]>", {"a@[b,c]"}},
           // ... and parts several.
           {" <a@b c@d>", {"a@b", "c@d"}},
           {" <a@b,c@d;e@f\n g@h>", {"a@b", "c@d", "e@f", "g@h"}},
           {" <a@b@c>", {}},
           {" <a@b>\n <c@d\n e@f>", {"a@b", "c@d", "e@f"}},
           // Brackets that are missing, doubled or nested.
           {" a@b, c@d;e@f", {"a@b", "c@d", "e@f"}},
           {" <a@b c@d> e@f", {"a@b", "c@d", "e@f"}},
           {" <a@b", {"a@b"}},
           {" a@b> c@d>", {"a@b", "c@d"}},
           {" <a@b <c@d>", {"a@b", "c@d"}},
           {" <a\n b@c", {"b@c"}},
           {" <<a@b>>", {"a@b"}},
           {" <a@b,<c@d>,e@f>", {"a@b", "c@d", "e@f"}},
           {" <a@b<c@d>e@f>", {"a@b", "c@d", "e@f"}},
           {" > <a@b> <", {"a@b"}},
           // What is beside an id without a separator makes it another, or none.
           {" \"a@b\" (c@d) 'e@f'", {"'e@f'"}},
           {" <a@b,c> <\"d\"@e> <f(c)@g>", {}},
           {" &lt;a@b&gt;", {"a@b&gt"}},
           {" <a@b>\" <c@d>)", {"a@b", "c@d"}},
           {" <a\r@b> c@d\r\n", {"c@d"}},
           {" <\xc3\xa9@b> <c@d>", {"c@d"}},
           // Encoded-words.
           {" =?utf-8?q?=3Ca=40b=3E?=", {"a@b"}},
           {" =?utf-8?q?=3Ca=40?=\n =?utf-8?b?Yj4=?= <c@d>", {"a@b", "c@d"}},
           {" <a@b =?utf-8?q?c=40d=3E?=", {"a@b", "c@d"}},
           {" =?utf-8?q?a=40b=0D=0A?=", {"a@b"}},
           {" =?utf-8?q?=3Ca_=40b_c=40d=3E?=", {"c@d"}},
       }) {
    EXPECT_EQ(id_reader::ids(c.body), c.ids) << c.body;
  }
}

TEST(IdReader, FindsPairsThatMayHoldSeveralIds) {
  for (const std::string_view body :
       {"<a@b c@d>", "<a@b,c@d>", "<a@b;c@d>", "<a@b\"c@d>", "<a@b(c@d>", "<a@b)c@d>", "<a@[b@c]>", "<a@b]c@d>",
        "<x <a@b\n c@d>", "<a@b@c d@e>", "<e@f> <a@b\tc@d> <g@h>"}) {
    EXPECT_EQ(id_reader::several(body).size(), 1u) << body;
  }
  for (const std::string_view body : {"", "<a@b>", "<a@b@c>", "<a b@c>", "<a@b c>", "a@b c@d", "<a@b c@d", "a@b c@d>",
                                      "<a@b <c@d>", "<a@b> <c@d>", "< a@b@c >"}) {
    EXPECT_TRUE(id_reader::several(body).empty()) << body;
  }
  EXPECT_EQ(id_reader::several("<a@b c@d> x <e@f,g@h>"), (std::vector<std::string_view>{"a@b c@d", "e@f,g@h"}));
}

}  // namespace
