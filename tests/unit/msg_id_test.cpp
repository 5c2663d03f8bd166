#include "msgid/msg_id.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using msgid::InnerSpace;
using msgid::Token;
using msgid::TokenKind;

/// The tokens as text: one letter for the kind, then the octets; a fold is shown as "/".
std::string tokens(std::string_view body) {
  static constexpr std::string_view letters = "s,cqwiut";
  std::vector<Token> scanned;
  msgid::scan(body, scanned);
  std::string out;
  for (const Token& token : scanned) {
    if (!out.empty()) out += ' ';
    out += letters[static_cast<std::size_t>(token.kind)];
    if (token.kind == TokenKind::white_space || token.kind == TokenKind::comma) continue;
    out += '[';
    for (const char c : token.text) out += c == '\n' ? '/' : c;
    out += ']';
  }
  return out;
}

struct ScanCase {
  const char* body;
  const char* tokens;
};

const ScanCase scan_cases[] = {
    {"", ""},
    {" <a@b>", "s i[<a@b>]"},
    {"\n <a@b>", "s i[<a@b>]"},
    {" <a@b>, <c@d>,<e@f>", "s i[<a@b>] , s i[<c@d>] , i[<e@f>]"},
    {"<a@b><c@d>", "i[<a@b>] i[<c@d>]"},
    {" <a@b> \n\t<c@d> ", "s i[<a@b>] s i[<c@d>] s"},
    // Real ids keep to no grammar.
    {"<GUID>", "i[<GUID>]"},
    {"<[hex====@microsoft.com]>", "i[<[hex====@microsoft.com]>]"},
    {"<a@b@c>", "i[<a@b@c>]"},
    {"<!&!AAAA==@d>", "i[<!&!AAAA==@d>]"},
    {"<a,b@c>", "i[<a,b@c>]"},
    {"<a\"b@c>", "i[<a\"b@c>]"},
    {"<a(b@c>", "i[<a(b@c>]"},
    {"<a)b@c>", "i[<a)b@c>]"},
    {"<a\\@b>", "i[<a\\@b>]"},
    {"<\xc3\xa9@b>", "i[<\xc3\xa9@b>]"},
    // A ">" that the grammar hides.
    {"<\"a>b\"@c>", "i[<\"a>b\"@c>]"},
    {"<a(>)@b>", "i[<a(>)@b>]"},
    {"<\"x\\\">\"@c> t", "i[<\"x\\\">\"@c>] s t[t]"},
    {"<\"a>b\".c@d.e>", "i[<\"a>b\".c@d.e>]"},
    {"<\"a>b\"@c\x7f>", "i[<\"a>] t[b\"@c\x7f>]"},
    {"\"\" <a@b>", "q[\"\"] s i[<a@b>]"},
    {"<\"a>b\"@[1.2]>", "i[<\"a>b\"@[1.2]>]"},
    {"<\"a)\"(>)@b>", "i[<\"a)\"(>)@b>]"},
    {"<\\a>b\"@c>", "i[<\\a>] t[b\"@c>]"},
    {"<a@[1]>[2]>", "i[<a@[1]>] t[[2]>]"},
    {"<\"a\"@[1\\>2]>", "i[<\"a\"@[1\\>] t[2]>]"},  // no grammar of ours has a backslash there
    {"<\"a\"@[x\n[>]>", "i[<\"a\"@[x/[>] t[]>]"},
    {"<\"a>\"@[]>", "i[<\"a>\"@[]>]"},
    {"<\"a>\"@[1[>", "i[<\"a>] t[\"@[1[>]"},
    {"<\"a>\"@b (c) >", "i[<\"a>\"@b (c) >]"},
    {"<\"a>\".\xc3\x80@b>", "i[<\"a>\".\xc3\x80@b>]"},
    {"<a@[1>2]>", "i[<a@[1>] t[2]>]"},   // no quotes or parentheses: the first ">" ends it
    {"<a@[1> ]>", "i[<a@[1>] s t[]>]"},  // and what stands behind it has no part in that
    {"<a@b> <c@[1>2]> (d)", "i[<a@b>] s i[<c@[1>] t[2]>] s c[(d)]"},
    // Unless it would hide a whole clean id.
    {"<\"x@h> <a@b> <y\"@h>", "i[<\"x@h>] s i[<a@b>] s i[<y\"@h>]"},
    {"<(x@h> <a@b> <y)@h>", "i[<(x@h>] s i[<a@b>] s i[<y)@h>]"},
    {"<\"x <a@b> y\"@h>", "u[<\"x] s i[<a@b>] s t[y\"@h>]"},
    {"<\"x@h> <a b> <y\"@h>", "i[<\"x@h> <a b> <y\"@h>]"},
    {"< (c) a . \"b\" (d) @ (e) f . g (h) >", "i[< (c) a . \"b\" (d) @ (e) f . g (h) >]"},
    {"<a @ [1.2.3.4] >", "i[<a @ [1.2.3.4] >]"},
    // White space inside.
    {"<a b@c>", "i[<a b@c>]"},
    {"<a\n b@c>", "i[<a/ b@c>]"},
    {"<\"foo 2\"@bar>", "i[<\"foo 2\"@bar>]"},
    // Not ids.
    {"<>", "t[<>]"},
    {"< >", "t[< >]"},
    {"<a@b", "u[<a@b]"},
    {"<a@b ", "u[<a@b] s"},
    {"<a@", "u[<a@]"},
    {"<", "u[<]"},
    {"<a <b@c>", "u[<a] s i[<b@c>]"},
    {"<<a@b>>", "u[<] i[<a@b>] t[>]"},
    {"<\n  <a@b>", "u[<] s i[<a@b>]"},
    {"a@b", "t[a@b]"},
    {"a@b, c@d", "t[a@b] , s t[c@d]"},
    {"foo<a@b>bar", "t[foo] i[<a@b>] t[bar]"},
    // Comments, phrases, quoted-strings.
    {"(c) <a@b> (d (e) f)", "c[(c)] s i[<a@b>] s c[(d (e) f)]"},
    {"Name's message of \"Tue, 1\" <a@b>", "t[Name's] s t[message] s t[of] s q[\"Tue, 1\"] s i[<a@b>]"},
    {"\"<a@b>\" <c@d>", "q[\"<a@b>\"] s i[<c@d>]"},
    {"(unclosed <a@b>", "t[(unclosed] s i[<a@b>]"},
    {"\"unclosed <a@b>", "t[\"unclosed] s i[<a@b>]"},
    {"(a\\)b) x", "c[(a\\)b)] s t[x]"},
    {"\\(a) x", "t[\\] c[(a)] s t[x]"},  // outside of comments a backslash quotes nothing
    {"(a \\(b) c) x", "c[(a \\(b)] s t[c)] s t[x]"},
    {"(a (b\\) x", "t[(a] s t[(b\\)] s t[x]"},
    // A look ahead from the first id must not lose the comment in the second.
    {"<\"a\\\"@b> <c(d>)@e> <\"(\"@f>", "i[<\"a\\\"@b>] s i[<c(d>)@e>] s i[<\"(\"@f>]"},
    {")", "t[)]"},
    // Encoded-words.
    {"=?utf-8?q?a?=", "w[=?utf-8?q?a?=]"},
    {"=?u?q?a?==?u?q?b?=", "w[=?u?q?a?=] w[=?u?q?b?=]"},
    {"foo=?u?q?a?=bar", "t[foo] w[=?u?q?a?=] t[bar]"},
    {"=?u?q?<a@b>?=", "w[=?u?q?<a@b>?=]"},
    {"(=?u?q?a?=)", "c[(=?u?q?a?=)]"},
    {"\"=?u?q?a?=\"", "q[\"=?u?q?a?=\"]"},
    {"<a=?u?q?b?=@c>", "i[<a=?u?q?b?=@c>]"},
    {"<a =?u?q?<b?= <c@d>", "u[<a =?u?q?<b?=] s i[<c@d>]"},
    {"=?u?q?a", "t[=?u?q?a]"},
};

TEST(Scan, Table) {
  for (const ScanCase& row : scan_cases) {
    EXPECT_EQ(tokens(row.body), row.tokens) << row.body;
  }
}

/// Pieces that make a careless scanner look at the rest of the body again and again. With the square of 2 MB the run
/// would not end before the test runner's time limit.
TEST(Scan, IsLinear) {
  for (const std::string_view piece :
       {"<(",   "<\"",    "(", "\"",   "<a.\"",  "<a@[", "=?a?q?", "<=?a?q?x", "(<a.",     "<(<\"a\".",    "\\(",
        "<(a)", "<a.(b)", "<", "<a b", "((<\"[", "=?<",  "<a@b(.", "<\"<a@b>", "<a(<c@d>", "<(<a@b>)\"x\""}) {
    std::string body;
    for (int i = 0; i < 400000; ++i) body += piece;
    std::vector<Token> scanned;
    msgid::scan(body, scanned);
    EXPECT_FALSE(scanned.empty());
    EXPECT_NE(msgid::inner_space("<" + body + " >"), InnerSpace::none);
  }
}

struct SpaceCase {
  const char* id;
  InnerSpace meaning;
  const char* without;  ///< without its certain white space
};

const SpaceCase space_cases[] = {
    {"<a@b>", InnerSpace::none, "<a@b>"},
    // Beside "<", ">", "@" and ".".
    {"< a@b>", InnerSpace::certain, "<a@b>"},
    {"<a@b >", InnerSpace::certain, "<a@b>"},
    {"<a @b>", InnerSpace::certain, "<a@b>"},
    {"<a@ b>", InnerSpace::certain, "<a@b>"},
    {"<a .b@c>", InnerSpace::certain, "<a.b@c>"},
    {"<a. b@c>", InnerSpace::certain, "<a.b@c>"},
    {"<\n  a@b\t>", InnerSpace::certain, "<a@b>"},
    {"<a . b@[1]>", InnerSpace::certain, "<a.b@[1]>"},
    {"<a \n\t @ b>", InnerSpace::certain, "<a@b>"},
    // A fold of exactly one SP in mid-atom is Postfix's.
    {"<ab\n cd@e>", InnerSpace::certain, "<abcd@e>"},
    {"<ab@c\n d.e>", InnerSpace::certain, "<ab@cd.e>"},
    // Everything else in mid-atom.
    {"<a b@c>", InnerSpace::uncertain, "<a b@c>"},
    {"<a\tb@c>", InnerSpace::uncertain, "<a\tb@c>"},
    {"<a\n\tb@c>", InnerSpace::uncertain, "<a\n\tb@c>"},
    {"<a\n  b@c>", InnerSpace::uncertain, "<a\n  b@c>"},
    {"<a \n b@c>", InnerSpace::uncertain, "<a \n b@c>"},
    // Sendmail's cut, wherever it is.
    {"<a!\n b@c>", InnerSpace::uncertain, "<a!\n b@c>"},
    {"<a!\n @c>", InnerSpace::uncertain, "<a!\n @c>"},
    {"<a! @c>", InnerSpace::uncertain, "<a! @c>"},
    // One uncertain place outweighs the certain ones.
    {"< a b@c>", InnerSpace::uncertain, "< a b@c>"},
    // Never inside quoted-strings, comments, literals.
    {"<\"a b\"@c>", InnerSpace::quoted, "<\"a b\"@c>"},
    {"<\"a\n b\"@c>", InnerSpace::quoted, "<\"a\n b\"@c>"},
    {"<\"a . b\" @c>", InnerSpace::certain, "<\"a . b\"@c>"},
    {"<\"a @ b\" @c>", InnerSpace::uncertain, "<\"a @ b\" @c>"},
    // What may be several ids.
    {"<a@b .c@d>", InnerSpace::uncertain, "<a@b .c@d>"},
    {"<a@b\n c@d>", InnerSpace::uncertain, "<a@b\n c@d>"},
    {"<a@b, c@d>", InnerSpace::uncertain, "<a@b, c@d>"},
    {"< a@b;c@d>", InnerSpace::uncertain, "< a@b;c@d>"},
    {"< a@b@c >", InnerSpace::certain, "<a@b@c>"},
    // A fold is spurious only if one clean id is left without it.
    {"<a\n b>", InnerSpace::uncertain, "<a\n b>"},
    {"<\n GUID>", InnerSpace::uncertain, "<\n GUID>"},
    {"< GUID >", InnerSpace::certain, "<GUID>"},
    {"<a..b@c\n .d>", InnerSpace::uncertain, "<a..b@c\n .d>"},
    {"<a(x . y)@c>", InnerSpace::quoted, "<a(x . y)@c>"},
    {"<a@[1 . 2]>", InnerSpace::quoted, "<a@[1 . 2]>"},
    {"<[a b]@c>", InnerSpace::quoted, "<[a b]@c>"},
    {"<\"a\\\" b\"@c>", InnerSpace::quoted, "<\"a\\\" b\"@c>"},
    {"<\"a \"@b>", InnerSpace::quoted, "<\"a \"@b>"},
    {"<(a)(b c)@d>", InnerSpace::quoted, "<(a)(b c)@d>"},
    {"<\"\" .\"a\"@b>", InnerSpace::certain, "<\"\".\"a\"@b>"},
    {"<a(b (c d) e)@f>", InnerSpace::quoted, "<a(b (c d) e)@f>"},
    // Beside a comment or quoted-string is not mid-atom.
    {"<a (c)@b>", InnerSpace::uncertain, "<a (c)@b>"},
    {"<\"a\"\n \"b\"@c>", InnerSpace::uncertain, "<\"a\"\n \"b\"@c>"},
    {"<1234   @   local(blah)  .machine .example>", InnerSpace::certain, "<1234@local(blah).machine.example>"},
    // What is never closed is text, and what is closed behind it is not.
    {"<((a . b)@c>", InnerSpace::quoted, "<((a . b)@c>"},
    {"<a\" b@c>", InnerSpace::uncertain, "<a\" b@c>"},
    {"<a( b@c>", InnerSpace::uncertain, "<a( b@c>"},
    {"<a[ b@c>", InnerSpace::uncertain, "<a[ b@c>"},
};

TEST(InnerSpace, Table) {
  for (const SpaceCase& row : space_cases) {
    EXPECT_EQ(msgid::inner_space(row.id), row.meaning) << row.id;
    EXPECT_EQ(msgid::without_certain_space(row.id), row.without) << row.id;
  }
}

TEST(Several, AreToldFromOne) {
  struct {
    const char* id;
    bool may_be;
    bool is;
  } const rows[] = {
      {"<a@b>", false, false},
      {"<GUID>", false, false},
      {"<a@b@c>", false, false},
      {"<a@b c@d>", true, true},
      {"<a@b,c@d>", true, true},
      {"<a@b;c@d>", true, true},
      {"<a@b\"c@d>", true, true},
      {"<a@b(c@d>", true, true},
      {"<a@b)c@d>", true, true},
      {"<a@b[c@d>", true, true},
      {"<a@b]c@d>", true, true},
      {"<a@b\n\tc@d>", true, true},
      {"<a,b@c>", false, false},
      {"<a@b,c>", false, false},
      {"<\"a@b\"@c>", true, false},
      {"<(a@b)c@d>", true, true},
      {"<a@b@c,d>", false, false},
      {"<a@b,c@@d>", true, false},
      {"<a@b,c,d,e@f@g,h@i>", true, true},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(msgid::may_be_several(row.id), row.may_be) << row.id;
    EXPECT_EQ(msgid::is_several(row.id), row.is) << row.id;
  }
}

TEST(BareId, IsDotAtomAtDotAtomOrLiteral) {
  for (const std::string_view id : {"a@b", "a.b+c@d-e.f", "201002191008.30117.foo@company.example", "x@[1.2.3.4]",
                                    "x@[IPv6:2001:db8::1]", "x@[]"}) {
    EXPECT_TRUE(msgid::is_clean_bare_id(id)) << id;
  }
  for (const std::string_view id :
       {"",      "a",     "@",    "a@",     "@b",      "a@b@c",  "a..b@c", ".a@b",    "a.@b",  "a@b.",      "a b@c",
        "<a@b>", "a@b,c", "a@[b", "a@[b]c", "a@[b c]", "a@[[b]", "a@[b[]", "\"a\"@b", "a@b\n", "\xc3\xa9@b"}) {
    EXPECT_FALSE(msgid::is_clean_bare_id(id)) << id;
  }
}

// Append only: a reply's References must meet the Message-ID that another relay shortened years ago. The UUIDs are
// those of Python's uuid.uuid5(uuid.UUID("4d011192-96f2-5ce6-9eea-f9121f361b37"), id).
TEST(Shorten, Vectors) {
  const auto name = [](std::string_view id, std::string_view domain = {}, std::size_t limit = 979) {
    return msgid::shorten(id, domain, limit).value_or("none");
  };
  EXPECT_EQ(name("<a@b>"), "<01eff001-e2ba-5bab-8b43-647514e8249b@b>");
  EXPECT_EQ(name("<a@\n b>"), "<01eff001-e2ba-5bab-8b43-647514e8249b@b>") << "white space has no part in it";
  EXPECT_EQ(name("<a@b>", "example.com"), "<01eff001-e2ba-5bab-8b43-647514e8249b@example.com>");
  EXPECT_EQ(name("<" + std::string(2000, 'x') + "@mail.example.org>"),
            "<ea3226c8-488d-54de-ba9b-2b2aa4c96f98@mail.example.org>");
}

TEST(Shorten, TakesTheIdsOwnDomainWhereItIsOne) {
  const auto domain = [](std::string_view id, std::size_t limit = 979) {
    const std::string name = msgid::shorten(id, {}, limit).value_or("none");
    return name.size() > 38 ? name.substr(38, name.size() - 39) : name;
  };
  EXPECT_EQ(domain("<a@b.example>"), "b.example");
  EXPECT_EQ(domain("<a@b@c.example>"), "c.example") << "behind the last @";
  EXPECT_EQ(domain("<a@[1.2.3.4]>"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<a@\xc3\xa9.example>"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<a@b..c>"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<a@>"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<guid>"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<a@" + std::string(940, 'd') + ">"), std::string(940, 'd')) << "36 + 3 + 940 = 979";
  EXPECT_EQ(domain("<a@" + std::string(941, 'd') + ">"), "msgid-milter.invalid");
  EXPECT_EQ(domain("<a@abcdef>", 45), "abcdef") << "36 + 3 + 6 = 45";
}

TEST(Shorten, GivesNothingThatIsOverTheLimit) {
  EXPECT_TRUE(msgid::shorten("<a@[x]>", {}, 59).has_value());
  EXPECT_FALSE(msgid::shorten("<a@[x]>", {}, 58).has_value());
  EXPECT_TRUE(msgid::shorten("<a@b>", "abcdef", 45).has_value());
  EXPECT_FALSE(msgid::shorten("<a@b>", "abcdefg", 45).has_value());
}

}  // namespace
