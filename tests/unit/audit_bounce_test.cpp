#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/bounce.h"
#include "audit/header_text.h"
#include "audit/html_text.h"

namespace {

using audit::Bounce;
using audit::HeaderOrigin;
using audit::read_bounce;

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

constexpr std::string_view header =
    "Received: from a.example\n"
    " by b.example; Sat, 21 Nov 2026 12:00:00 +0000\n"
    "From: Anna <a@a.example>\n"
    "Message-ID: =?utf-8?q?=3Ca=40?=\n"
    " =?utf-8?q?b=3E?=\n";

// -- a report --

const std::string report = std::string(
                               "From: postmaster@b.example\n"
                               "Content-Type: Multipart/Report; report-type=delivery-status;\n"
                               "\tboundary=\"x y\"\n"
                               "\n"
                               "preamble 554 5.6.0\n"
                               "--x y\n"
                               "Content-Type: text/plain\n"
                               "\n"
                               "what happened\n"
                               "--x y\n"
                               "Content-Type: message/delivery-status\n"
                               "\n"
                               "X-Postfix-Queue-ID: 4XyZ\n"
                               "Arrival-Date: today\n"
                               "Diagnostic-Code: smtp; 550 5.1.1\n"
                               "--x y\n"
                               "Content-Type: message/rfc822\n"
                               "\n") +
                           std::string(header) +
                           "\n"
                           "the original's body\n"
                           "--x y--\n"
                           "epilogue\n";

TEST(Bounce, Report) {
  for (const std::string& input :
       {report, with_crlf(report), "From MAILER-DAEMON Sat Nov 21 12:00:00 2026\n" + report}) {
    const Bounce bounce = read_bounce(input);
    EXPECT_TRUE(bounce.is_report);
    EXPECT_TRUE(bounce.is_message);
    EXPECT_FALSE(bounce.is_cut);
    EXPECT_EQ(bounce.origin, HeaderOrigin::message);
    EXPECT_TRUE(bounce.header.starts_with("Received: from a.example"));
    EXPECT_NE(bounce.header.find("=?utf-8?q?b=3E?="), std::string::npos);
    EXPECT_EQ(bounce.header.find("body"), std::string::npos);
    EXPECT_NE(bounce.text.find("what happened"), std::string::npos);
    EXPECT_NE(bounce.text.find("Diagnostic-Code: smtp; 550 5.1.1"), std::string::npos);
    EXPECT_EQ(bounce.text.find("original's body"), std::string::npos);
  }
}

TEST(Bounce, ReportInAMessageAndQuoted) {
  const Bounce forwarded = read_bounce(
      "From: a@a.example\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: message/rfc822\n\n" +
      report + "\n--outer--\n");
  EXPECT_EQ(forwarded.origin, HeaderOrigin::message);
  EXPECT_TRUE(forwarded.header.starts_with("Received: from a.example"));
  std::string quoted;
  for (std::size_t begin = 0; begin < report.size();) {
    const std::size_t end = report.find('\n', begin) + 1;
    quoted += "> " + report.substr(begin, end - begin);
    begin = end;
  }
  const Bounce unquoted = read_bounce("\xef\xbb\xbf\r\n" + quoted);
  EXPECT_EQ(unquoted.origin, HeaderOrigin::message);
  EXPECT_EQ(unquoted.header, header);
}

std::string replaced(std::string text, std::string_view word, std::string_view by) {
  return text.replace(text.find(word), word.size(), by);
}

// mimetic does not go into them, and the original header was not found.
TEST(Bounce, AMessageOfAnyKindIsTheOriginal) {
  for (const std::string_view type :
       {"message/global", "Message/Global; name=x", "message/rfc822 ; name=x", "message/rfc822 (x)"}) {
    const Bounce bounce = read_bounce(replaced(report, "message/rfc822", type));
    EXPECT_EQ(bounce.origin, HeaderOrigin::message) << type;
    EXPECT_EQ(bounce.header, header) << type;
  }
}

// Its own header was shown as that of the message it is about.
TEST(Bounce, AForwardedReportIsNotWhatItIsAbout) {
  const std::string without = report.substr(0, report.find("--x y\nContent-Type: message/rfc822")) + "--x y--\n";
  const Bounce forwarded = read_bounce(
      "From: a@a.example\nContent-Type: multipart/mixed; boundary=outer\n\n--outer\nContent-Type: message/rfc822\n\n" +
      without + "\n--outer--\n");
  EXPECT_TRUE(forwarded.is_report);
  EXPECT_EQ(forwarded.origin, HeaderOrigin::none) << forwarded.header;
}

TEST(Bounce, EmptyLinesBeforeTheHeaderAreLeftOut) {
  const auto with = [](const std::string& part) {
    return read_bounce(
        "From: a@b\nContent-Type: multipart/report; boundary=x\n\n--x\n\ntext\n\nOriginal message headers:\n\n" +
        std::string(header) + "\n--x\nContent-Type: text/rfc822-headers\n\n" + part + "\n--x--\n");
  };
  EXPECT_TRUE(with("\n\nMessage-ID: <c@d>\nFrom: a@b\n").header.starts_with("Message-ID: <c@d>"));
  EXPECT_EQ(with("\nno field\n").origin, HeaderOrigin::text);
}

TEST(Bounce, HeadersPart) {
  const std::string input =
      "Content-Type: multipart/report; boundary=x\n\n--x\n\ntext\n--x\nContent-Type: text/rfc822-headers\n"
      "Content-Transfer-Encoding: quoted-printable\n\nMessage-ID: =3D?utf-8?q?a=5F_b?=\n=3D\n\n--x--\n";
  const Bounce bounce = read_bounce(input);
  EXPECT_EQ(bounce.origin, HeaderOrigin::headers);
  EXPECT_TRUE(bounce.header.starts_with("Message-ID: =?utf-8?q?a__b?=")) << bounce.header;
}

TEST(Bounce, EncodedParts) {
  const Bounce base64 = read_bounce(
      "From: a@a.example\nContent-Type: text/plain\nContent-Transfer-Encoding: BASE64\n\nNTU0IDUuNi4wIENvcnJ1cHQg\r\n"
      "bWVzc2FnZSBjb250ZW50\n");
  EXPECT_NE(base64.text.find("554 5.6.0 Corrupt message content"), std::string::npos) << base64.text;
  const Bounce qp = read_bounce(
      "From: a@a.example\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>554 5.6=\r\n.0 "
      "a_b "
      "&lt;c=3Dd&gt;</p=\n>\n");
  EXPECT_NE(qp.text.find("554 5.6.0 a_b <c=d>"), std::string::npos) << qp.text;
  const Bounce message = read_bounce(
      "Content-Type: multipart/report; boundary=x\n\n--x\n\ntext\n--x\nContent-Type: message/rfc822\n"
      "Content-Transfer-Encoding: base64\n\nTWVzc2FnZS1JRDogPGFAYj4KCmJvZHkK\n--x--\n");
  EXPECT_EQ(message.origin, HeaderOrigin::message);
  EXPECT_TRUE(message.header.starts_with("Message-ID: <a@b>")) << message.header;
}

TEST(Bounce, OnlyAText) {
  const Bounce line = read_bounce("554 5.6.0 Corrupt message content");
  EXPECT_FALSE(line.is_message);
  EXPECT_EQ(line.origin, HeaderOrigin::none);
  EXPECT_EQ(line.text.substr(0, 33), "554 5.6.0 Corrupt message content");
  const Bounce pasted = read_bounce("text\n\n" + std::string(header) + "\nbody\n");
  EXPECT_EQ(pasted.origin, HeaderOrigin::text);
  EXPECT_EQ(pasted.header, header);
  const Bounce only_header = read_bounce(header);
  EXPECT_EQ(only_header.origin, HeaderOrigin::text) << "a header without a body is a pasted header";
  const Bounce status =
      read_bounce("Final-Recipient: rfc822;a@b.example\nStatus: 5.6.0\nDiagnostic-Code: smtp;554 5.6.0 x\n");
  EXPECT_EQ(status.origin, HeaderOrigin::none);
  EXPECT_NE(status.text.find("Diagnostic-Code: smtp;554 5.6.0 x"), std::string::npos);
}

TEST(Bounce, IsBounded) {
  const std::string big(3U << 20U, 'x');
  const Bounce text = read_bounce("554 5.6.0\n" + big);
  EXPECT_TRUE(text.is_cut);
  EXPECT_LE(text.text.size(), audit::max_bounce_text_octets + 10);
  std::string long_header;
  while (long_header.size() < (2U << 20U)) long_header += "X-Long: " + std::string(900, 'y') + '\n';
  const Bounce bounce =
      read_bounce("Content-Type: multipart/report; boundary=x\n\n--x\nContent-Type: message/rfc822\n\n" + long_header +
                  "\n\n--x--\n");
  EXPECT_TRUE(bounce.is_cut);
  EXPECT_LE(bounce.header.size(), audit::max_bounce_text_octets);
  EXPECT_TRUE(bounce.header.ends_with("yyy"));
}

// -- a header in a text --

TEST(HeaderText, IndentedWrappedDoubleSpacedAndCut) {
  const std::string plain(header);
  std::string indented;
  std::string double_spaced;
  std::string flat;
  for (std::size_t begin = 0; begin < plain.size();) {
    const std::size_t end = plain.find('\n', begin) + 1;
    const std::string line = plain.substr(begin, end - begin);
    indented += "\xc2\xa0 \t" + line;
    double_spaced += line + "\r\n";
    flat += line.substr(line.find_first_not_of(' '));
    begin = end;
  }
  for (const std::string& text :
       {plain, indented, double_spaced, "Original message headers:\n\n" + indented + "\ntext"}) {
    const audit::HeaderText found = audit::find_header(text);
    EXPECT_EQ(found.header, header) << text;
    EXPECT_FALSE(found.is_rewrapped);
  }
  const audit::HeaderText rewrapped = audit::find_header("a\n" + flat + "--boundary\nb: c\n");
  EXPECT_EQ(rewrapped.header, header);
  EXPECT_TRUE(rewrapped.is_rewrapped);
  EXPECT_EQ(rewrapped.rest, "a\n--boundary\nb: c\n");
}

TEST(HeaderText, IsNotWhatAMailProgramShows) {
  EXPECT_EQ(audit::find_header("From: Microsoft Outlook\nTo: Anna\nSubject: Undeliverable\n\ntext").header, "");
  EXPECT_EQ(audit::find_header("Received: this morning\nthe letter\n").header, "") << "one field is no header";
  EXPECT_EQ(audit::find_header("http://a.example\nNote: this\n").header, "");
  EXPECT_EQ(audit::find_header("").header, "");
  const audit::HeaderText found =
      audit::find_header("From: Microsoft Outlook\nTo: Anna\nSubject: x\n\n" + std::string(header) + "\nb\n");
  EXPECT_EQ(found.header, header);
  EXPECT_EQ(audit::find_header("message-id:<a@b.example>").header, "message-id:<a@b.example>\n");
}

TEST(HeaderText, QuoteMarks) {
  EXPECT_EQ(audit::without_quote_marks("> a\n> > b\n>>c\n>\n"), "a\nb\nc\n\n");
  EXPECT_EQ(audit::without_quote_marks("> a"), "a\n");
  EXPECT_EQ(audit::without_quote_marks("text\n>not a quote\ntext\n"), "text\n>not a quote\ntext\n");
  EXPECT_EQ(audit::without_quote_marks("text\n> a\n> b\n"), "text\na\nb\n");
  EXPECT_EQ(audit::without_quote_marks(""), "");
}

// -- HTML --

TEST(HtmlText, TagsAndReferences) {
  using audit::text_of_html;
  EXPECT_EQ(text_of_html("<b>a</b><BR/>c"), "a\nc");
  EXPECT_EQ(text_of_html("a&lt;b@c&gt;&amp;&nbsp;&#39;&#x41;&#xE4;&#8364;&#x1F4E7;"),
            "a<b@c>& 'A\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xa7");
  EXPECT_EQ(text_of_html("&#xA0;&unknown;&#0;&#xD800;&#1114112;&#;&;&"), " &unknown;&#0;&#xD800;&#1114112;&#;&;&");
  EXPECT_EQ(text_of_html("<style>a < b</style>x<script src='y'>1</script>z<!-- <p> -->"), "xz");
  EXPECT_EQ(text_of_html("<DB9PR08@b.example> <2026.1@a> < b"), "<DB9PR08@b.example> <2026.1@a> < b");
  EXPECT_EQ(text_of_html("<p"), "<p");
  EXPECT_EQ(text_of_html("<p class"), "\n");
  EXPECT_EQ(text_of_html("a<!-- never closed"), "a");
  EXPECT_EQ(text_of_html("<!DOCTYPE html>a"), "a");
  EXPECT_EQ(text_of_html("<style>"), "");
}

TEST(HtmlText, LooksLikeHtml) {
  EXPECT_TRUE(audit::looks_like_html("x <DIV class=\"y\">"));
  EXPECT_TRUE(audit::looks_like_html("</span>"));
  EXPECT_FALSE(audit::looks_like_html("<a@b.example> <yes> <CR><LF>"));
  EXPECT_FALSE(audit::looks_like_html("customer@x.example<mailto:customer@x.example>"));
}

}  // namespace
