// Where the MIME parts of a message stand.
#include <gtest/gtest.h>

#include <ctime>
#include <string>

#include "audit/parts.h"

namespace {

/// "NUMBER:BODY|NUMBER:..." with "*" for a multipart; line ends of bodies as "/".
std::string dump(std::string_view message) {
  const audit::PartList list = audit::parts_of(message);
  std::string text;
  for (const audit::Part& part : list.parts) {
    if (!text.empty()) text += '|';
    text += part.number + (part.is_multipart ? "*:" : ":");
    for (const char c : part.body) text += c == '\n' ? '/' : c;
  }
  return list.is_complete ? text : text + " and more";
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

constexpr std::string_view nested =
    "Content-Type: multipart/mixed; boundary=\"=_outer\"\n\npreamble\n"
    "--=_outer\nContent-Type: multipart/alternative;\n boundary=inner\n\n"
    "--inner\n\none\n--inner  \nContent-Type: text/html\n\ntwo\n--inner--\nepilogue\n"
    "--=_outer\nContent-Type: message/rfc822\n\nSubject: x\n\nthree\n"
    "--=_outer--\nepilogue\n--=_outer\nno part\n";

TEST(Parts, AreNumberedAsImapDoes) {
  EXPECT_EQ(dump("Subject: x\n\nText.\n"), ":Text./");
  EXPECT_EQ(dump(nested), "*:|1*:|1.1:one/|1.2:two/|2:|2:three/");
  EXPECT_EQ(dump(with_crlf("Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n")), "*:|1:one\r/");
  // A multipart in another message: its parts are numbered below that message's part.
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n"
                 "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n--a--\n"),
            "*:|1:|1*:|1.1:one/");
  EXPECT_EQ(dump("Content-Type: message/rfc822\n\nSubject: x\n\none"), ":|1:one");
}

TEST(Parts, AnyMessageTypeHoldsAMessage) {
  for (const std::string type : {"message/global", "message/rfc822 ; name=\"x\"", "MESSAGE/RFC822 (x)"}) {
    EXPECT_EQ(dump("Content-Type: " + type + "\n\nSubject: x\n\none"), ":|1:one") << type;
  }
  EXPECT_EQ(dump("Content-Type: message/partial\n\nSubject: x\n\none"), ":Subject: x//one");
}

TEST(Parts, HeadersAreWhereTheyStand) {
  const audit::PartList list = audit::parts_of(nested);
  ASSERT_EQ(list.parts.size(), 6u);
  EXPECT_EQ(list.parts[1].header, "Content-Type: multipart/alternative;\n boundary=inner\n");
  EXPECT_EQ(list.parts[2].header, "");
  EXPECT_EQ(list.parts[5].header, "Subject: x\n");
  EXPECT_EQ(list.parts[5].parent, 4u);
}

TEST(Parts, ABoundaryIsAWholeLine) {
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=a\n\n--a\n\none\n--ab\n --a\nx--a\n--a--\n"),
            "*:|1:one/--ab/ --a/x--a/");
  // The inner boundary is the beginning of the outer, as some generators number them.
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=p_12\n\n--p_12\n"
                 "Content-Type: multipart/mixed; boundary=p_1\n\n--p_1\n\none\n--p_1--\n--p_12\n\ntwo\n--p_12--\n"),
            "*:|1*:|1.1:one/|2:two/");
  // It may look like a field.
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=\"a:b\"\n\n--a:b\n--a:b\nX: y\n--a:b\n\none\n--a:b--\n"),
            "*:|1:|2:|3:one/");
}

TEST(Parts, WhatIsNotClosedIsClosedByWhatItIsIn) {
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
                 "--i\nContent-Type: multipart/mixed; boundary=k\n\n--k\n\none\n--o\n\ntwo\n--o--\n"),
            "*:|1*:|1.1*:|1.1.1:one/|2:two/");
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
                 "no part of it\n--o--\n"),
            "*:|1*:");
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=o\n\n--o\n\none, and no end"), "*:|1:one, and no end");
}

TEST(Parts, MultipartWithoutABoundaryHasNoParts) {
  EXPECT_EQ(dump("Content-Type: multipart/mixed\n\n--\n\n--x\n\none\n"), "*:");
  EXPECT_EQ(
      dump("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed\n\n--\n\n--o\n\ntwo\n"),
      "*:|1*:|2:two/");
}

TEST(Parts, ADigestHoldsMessages) {
  EXPECT_EQ(dump("Content-Type: multipart/digest; boundary=a\n\n--a\n\nSubject: x\n\none\n"
                 "--a\nContent-Type: text/plain\n\ntwo\n--a--\n"),
            "*:|1:|1:one/|2:two/");
}

TEST(Parts, AreThereOfAlmostNothing) {
  EXPECT_EQ(dump(""), ":");
  EXPECT_EQ(dump("Content-Type: message/rfc822\n\n"), ":|1:");
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=a\n\n--a"), "*:");
  EXPECT_EQ(dump("Content-Type: multipart/mixed; boundary=a\n\n--a\n--a"), "*:|1:");
}

/// Repeats `text`, "%" in it a number that counts up.
std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) {
    for (const char c : text) out += c == '%' ? std::to_string(i) : std::string(1, c);
  }
  return out;
}

// Each of these costs mimetic's own reader its stack, gigabytes, or hours.
TEST(Parts, HostileMessagesCostNoMoreThanTheirLength) {
  struct Case {
    const char* what;
    std::string message;
    std::size_t parts;
    bool is_complete;
  };
  const Case cases[] = {
      {"messages in messages", repeated("Content-Type: message/rfc822\n\n", 100000), audit::max_part_depth, false},
      {"multiparts in multiparts", repeated("Content-Type: multipart/mixed; boundary=%\n\n--%\n", 100000),
       audit::max_part_depth, false},
      {"many parts", "Content-Type: multipart/mixed; boundary=b\n\n" + repeated("--b\n", 100000), audit::max_parts,
       false},
      {"a long field", "Content-Type: multipart/mixed; x=" + repeated("y\n ", 300000) + "; boundary=b\n\n--b\n\n", 1,
       true},
      {"many fields", repeated("X: y\n", 300000) + "\n", 1, true},
      {"many lines that look like boundaries",
       repeated("Content-Type: multipart/mixed; boundary=%\n\n--%\n", 60) + "\n" + repeated("--59x\n", 200000), 61,
       true},
  };
  for (const Case& hostile : cases) {
    SCOPED_TRACE(hostile.what);
    const std::clock_t begin = std::clock();  // of this process, not of the machine
    const audit::PartList list = audit::parts_of(hostile.message);
    EXPECT_EQ(list.parts.size(), hostile.parts);
    EXPECT_EQ(list.is_complete, hostile.is_complete);
    EXPECT_LT(std::clock() - begin, 20 * CLOCKS_PER_SEC);
  }
}

}  // namespace
