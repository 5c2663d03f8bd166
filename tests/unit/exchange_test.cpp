// The faults of a header that Exchange refuses besides broken msg-ids.
#include "msgid/exchange.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace {

using msgid::ExchangeCheck;
using msgid::Field;
using msgid::FieldList;
using msgid::Finding;
using msgid::Policy;
using msgid::RuleAction;
using msgid::RuleId;

Policy reporting() {
  Policy policy;
  policy.exchange = RuleAction::report;
  return policy;
}

std::vector<Finding> check(const FieldList& fields, const Policy& policy = reporting()) {
  ExchangeCheck exchange(policy);
  for (const Field& field : fields) exchange.field(field.name, field.body);
  return exchange.end_of_header();
}

/// "text-length Subject 1", "non-ascii Subject 2 utf-8", and so on; one a line.
std::string told(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (!out.empty()) out += '\n';
    out += finding.rule->name.substr(std::string_view("exchange-").size());
    out += ' ' + finding.field + ' ' + std::to_string(finding.instance);
    if (!finding.reason.empty()) out += ' ' + finding.reason;
  }
  return out;
}

std::string told(const FieldList& fields, const Policy& policy = reporting()) {
  return told(check(fields, policy));
}

const FieldList ordinary = {
    {"Return-Path", " <shop@example.com>", 1},
    {"Received", " from a.example (a.example [192.0.2.1])\n\tby b.example; Sun, 22 Nov 2026 12:00:00 +0000", 1},
    {"From", " =?utf-8?q?Gr=C3=BC=C3=9Fe?= <shop@example.com>", 1},
    {"Subject", " =?UTF-8?B?R3LDvMOfZQ==?=\n =?iso-8859-1*de?q?_=FC?= 1=?2", 1},
    {"MIME-Version", " 1.0", 1},
    {"Content-Type", " multipart/mixed; boundary=\"=?x?=\"", 1},
    {"Content-Transfer-Encoding", " 7bit", 1},
    {"X-Empty", "", 1},
};

TEST(Exchange, FindsNothingInAnOrdinaryHeader) {
  EXPECT_EQ(told(ordinary), "");
}

TEST(Exchange, OffFindsNothing) {
  FieldList bad = {{"X Y", " \xff", 1}, {"Content-Type", " text/plain", 1}};
  bad.push_back({"Subject", std::string(300000, 'x'), 1});
  EXPECT_EQ(told(bad, Policy()), "");
  EXPECT_NE(told(bad), "");
}

TEST(Exchange, TheRulesStandInTheOrderOfTheirIds) {
  std::set<std::string_view> names;
  RuleId id = RuleId::exchange_field_name;
  for (const msgid::Rule& rule : msgid::exchange_rules()) {
    EXPECT_EQ(rule.id, id);
    EXPECT_EQ(&msgid::exchange_rule(id), &rule);
    EXPECT_TRUE(rule.name.starts_with("exchange-")) << rule.name;
    EXPECT_FALSE(rule.summary.empty());
    EXPECT_FALSE(rule.can_fix) << rule.name << ": what Exchange refuses is reported, never edited";
    names.insert(rule.name);
    id = static_cast<RuleId>(static_cast<int>(id) + 1);
  }
  EXPECT_EQ(names.size(), msgid::exchange_rule_count);
  EXPECT_EQ(msgid::exchange_rule(RuleId::exchange_narrow_multipart).name, "exchange-narrow-multipart");
}

struct Row {
  std::string name;
  std::string body;
  std::string told;
};

void expect(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    EXPECT_EQ(told({{"MIME-Version", " 1.0", 1}, {row.name, row.body, 1}}), row.told) << row.name << ":" << row.body;
  }
}

TEST(Exchange, FieldName) {
  std::string all;
  for (int c = 33; c < 127; ++c) {
    if (c != ':') all += static_cast<char>(c);
  }
  expect({{all, " x", ""},
          {"", " x", "field-name  1"},
          {"X Y", " x", "field-name X Y 1"},
          {"X\x7f", " x", "field-name X\x7f 1"},
          {"X\x01", " x", "field-name X\x01 1"},
          {"X:", " x", "field-name X: 1"},
          {"X\xc3\xbc", " x", "field-name X\xc3\xbc 1"}});
}

TEST(Exchange, NonAscii) {
  expect({{"Subject", " \x7f\x01~", ""},
          {"Subject",
           " Gr\xc3\xbc\xc3\x9f"
           "e",
           "non-ascii Subject 1 utf-8"},
          {"Subject",
           " Gr\xfc\xdf"
           "e",
           "non-ascii Subject 1 not-utf-8"},
          {"X-Any", "\xf0\x9f\x98\x80", "non-ascii X-Any 1 utf-8"},
          {"X-Any", "\xed\xa0\x80", "non-ascii X-Any 1 not-utf-8"},  // a surrogate
          {"X-Any", "\xc0\xaf", "non-ascii X-Any 1 not-utf-8"},      // longer than need be
          {"X-Any", "\xe0\x80\xaf", "non-ascii X-Any 1 not-utf-8"},
          {"X-Any", "\xf0\x80\x80\xaf", "non-ascii X-Any 1 not-utf-8"},
          {"X-Any", "\xf4\x90\x80\x80", "non-ascii X-Any 1 not-utf-8"},  // over U+10FFFF
          {"X-Any", "\xf4\x8f\xbf\xbf", "non-ascii X-Any 1 utf-8"},
          {"X-Any", "\xe2\x82", "non-ascii X-Any 1 not-utf-8"},  // cut
          {"X-Any", "\x80", "non-ascii X-Any 1 not-utf-8"},
          {"Message-ID", " <\xc3\xbc@b>", "non-ascii Message-ID 1 utf-8"}});
}

/// The ends of each range of RFC 3629 4, and what lies beyond them.
TEST(Exchange, NonAsciiIsUtf8OrNot) {
  for (const char* is :
       {"\x7f\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xe0\xbf\xbf", "\xe1\x80\x80", "\xec\xbf\xbf", "\xed\x80\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf0\xbf\xbf\xbf", "\xf1\x80\x80\x80",
        "\xf3\xbf\xbf\xbf", "\xf4\x80\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    EXPECT_EQ(told({{"X", is, 1}}), "non-ascii X 1 utf-8") << is;
  }
  for (const char* is_not : {"\xc1\xbf",         "\xc2\x7f",         "\xc2\xc0",         "\xdf",
                             "\xdf\xbf\x80",     "\xe0\x9f\xbf",     "\xe0\xc0\x80",     "\xe1\x7f\x80",
                             "\xe1\x80\x7f",     "\xe1\x80\xc0",     "\xe1\x80",         "\xed\xa0\x80",
                             "\xed\x7f\x80",     "\xef\xbf\xc0",     "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                             "\xf0\x90\x80\x7f", "\xf1\x80\xc0\x80", "\xf3\xc0\x80\x80", "\xf4\x90\x80\x80",
                             "\xf4\x7f\x80\x80", "\xf5\x80\x80\x80", "\xff\x80\x80\x80", "\xbf"}) {
    EXPECT_EQ(told({{"X", is_not, 1}}), "non-ascii X 1 not-utf-8") << is_not;
  }
}

// The first look at a body runs in blocks: one octet that matters, at any place of bodies around a block's length.
TEST(Exchange, NoOctetIsOverlooked) {
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 2, 3, 15, 16, 17, 254, 255, 256, 257, 510, 511}) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string body(size, 'x');
      body[at] = '\xff';
      EXPECT_EQ(told({{"X", body, 1}}), "non-ascii X 1 not-utf-8") << at << " of " << size;
    }
    for (std::size_t at = 0; at <= size; ++at) {
      const std::string body = std::string(at, 'x') + "=?cp-850?q?x?=" + std::string(size - at, 'x');
      EXPECT_EQ(told({{"X", body, 1}}), "charset X 1 known-bounce") << at << " of " << size;
    }
  }
}

TEST(Exchange, TextLength) {
  const std::string most = std::string(2000, 'x');
  expect({{"Subject", most, ""},
          {"Subject", most + "x", "text-length Subject 1"},
          {"Subject", " \n " + most + "\n \t", ""},  // white space around it does not count
          {"Subject", " " + std::string(1000, 'x') + "\n " + std::string(999, 'x'), ""},
          {"Subject", " " + std::string(1000, 'x') + "\n " + std::string(1000, 'x'), "text-length Subject 1"},
          {"SUBJECT", most + "x", "text-length SUBJECT 1"},
          {"Comments", most + "x", "text-length Comments 1"},
          {"Resentment", most + "x", "text-length Resentment 1"},
          {"X-Spam-Report", most + "x", "text-length X-Spam-Report 1"},
          {"Original-Message-ID", most + "x", "text-length Original-Message-ID 1"}});
}

TEST(Exchange, TextLengthCountsCharacters) {
  std::string umlauts, faces, broken;
  for (int i = 0; i < 2000; ++i) {
    umlauts += "\xc3\xbc";
    faces += "\xf0\x9f\x98\x80";
    broken += "\xff";
  }
  expect({{"Subject", umlauts, "non-ascii Subject 1 utf-8"},
          {"Subject", faces, "non-ascii Subject 1 utf-8"},
          {"Subject", broken, "non-ascii Subject 1 not-utf-8"},
          {"Subject", umlauts + "x", "non-ascii Subject 1 utf-8\ntext-length Subject 1"},
          {"Subject", faces + "\xc3\xbc", "non-ascii Subject 1 utf-8\ntext-length Subject 1"},
          {"Subject", broken + "\xff", "non-ascii Subject 1 not-utf-8\ntext-length Subject 1"}});
}

TEST(Exchange, TextLengthLeavesStructuredFieldsOut) {
  const std::string body(2001, 'x');
  for (const char* name : {"From",
                           "To",
                           "CC",
                           "Bcc",
                           "Reply-To",
                           "Resent-To",
                           "Resent-Anything",
                           "Received",
                           "Return-Path",
                           "DKIM-Signature",
                           "ARC-Seal",
                           "ARC-Message-Signature",
                           "ARC-Authentication-Results",
                           "Authentication-Results",
                           "Date",
                           "Content-Disposition",
                           "List-Unsubscribe",
                           "X-MS-Exchange-Organization-SCL",
                           "x-microsoft-antispam-message-info",
                           "X-Forefront-Antispam-Report",
                           "X-EOPAttributedMessage",
                           "Autocrypt",
                           "References",
                           "Message-ID"}) {
    EXPECT_EQ(told({{name, body, 1}}), "") << name;
  }
  Policy policy = reporting();
  policy.fields.push_back({"X-Thread", true, false});
  EXPECT_EQ(told({{"x-thread", body, 1}}, policy), "") << "references-too-long looks at it";
  EXPECT_EQ(told({{"X-Thread", body, 1}}), "text-length X-Thread 1");
}

TEST(Exchange, HeaderSize) {
  struct Size {
    std::size_t octets, limit;
    std::string told;
  };
  const std::vector<Size> rows = {{65536, 65536, ""},
                                  {65537, 65536, "header-size  0 over-64-kb"},
                                  {131072, 65536, "header-size  0 over-64-kb"},
                                  {131073, 65536, "header-size  0 over-128-kb"},
                                  {262144, 65536, "header-size  0 over-128-kb"},
                                  {262145, 65536, "header-size  0 over-256-kb"},
                                  {262145, 262145, ""},
                                  {1024, 1024, ""},
                                  {1025, 1024, "header-size  0 over-limit"},
                                  {65536, 1024, "header-size  0 over-limit"}};
  for (const Size& row : rows) {
    Policy policy = reporting();
    policy.exchange_header_size = row.limit;
    // "To:" and CRLF are five octets; a fold is one more on the wire than it is here.
    std::string body(row.octets - 5 - 1, 'x');
    body.replace(7, 2, "\n ");
    EXPECT_EQ(told({{"To", body, 1}}, policy), row.told) << row.octets << " " << row.limit;
    const FieldList two = {{"To", body.substr(0, 100), 1}, {"Cc", body.substr(100 + 5), 1}};
    EXPECT_EQ(told(two, policy), row.told) << row.octets << " " << row.limit;
  }
  const std::vector<Finding> findings = check({{"To", std::string(70118, 'x'), 1}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].before, "70123 octets");
}

TEST(Exchange, FoldsCountEverywhere) {
  for (const std::size_t size : std::initializer_list<std::size_t>{1, 2, 255, 256, 257, 1000}) {
    Policy policy = reporting();
    const std::string folds(size, '\n');
    policy.exchange_header_size = 5 + 2 * size;
    EXPECT_EQ(told({{"To", folds, 1}}, policy), "") << size;
    policy.exchange_header_size -= 1;
    EXPECT_EQ(told({{"To", folds, 1}}, policy), "header-size  0 over-limit") << size;
  }
}

TEST(Exchange, Charset) {
  expect({{"Subject", " =?cp-850?Q?x?=", "charset Subject 1 known-bounce"},
          {"Subject", " =?MS-932?b?eA==?=", "charset Subject 1 known-bounce"},
          {"Subject", " =?cp850?q?x?= =?ibm850?q?x?= =?cp1251?q?x?=", ""},
          {"Subject", " =?unknown-8bit?q?x?=", "charset Subject 1"},
          {"Subject", " =?utf8?q?x?=", "charset Subject 1"},
          {"Subject", " =??q?x?=", "charset Subject 1"},
          {"Subject", " =?utf-8*en?q?x?= =?x-none*en?q?x?=", "charset Subject 1"},
          {"Subject", " =?x-none?q?x?= =?cp-850?q?x?= =?x-none?q?x?=", "charset Subject 1 known-bounce"},
          {"Subject", " =?utf-8?q?x?==?cp-850?q?x?=", "charset Subject 1 known-bounce"},
          {"Subject", " =?utf-8?q?a\n =?cp-850?q?x?=", "charset Subject 1 known-bounce"},
          {"From", " \"=?cp-850?q?x?=\" <a@b>", "charset From 1 known-bounce"},
          {"Received", " (=?cp-850?q?x?=)", "charset Received 1 known-bounce"},
          {"Message-ID", " =?cp-850?q?=3Ca=40b=3E?=", "charset Message-ID 1 known-bounce"},
          {"Subject", " =?utf-8?q?a=?cp-850?q?x?=", ""},  // one word, up to the first "?="
          // what no reader takes for an encoded-word
          {"Subject", " =?cp-850?x?x?=", ""},
          {"Subject", " =?cp-850?q?x y?=", ""},
          {"Subject", " =?cp-850?q?x", ""},
          {"Subject", " =?cp-850?=", ""},
          {"Subject", " =?cp 850?q?x?=", ""},
          {"Subject", " =?", ""}});
}

TEST(Exchange, MimeVersion) {
  EXPECT_EQ(told({{"Content-Type", " text/plain", 1}}), "mime-version MIME-Version 0");
  EXPECT_EQ(told({{"CONTENT-TYPE", "", 1}}), "mime-version MIME-Version 0");
  EXPECT_EQ(told({{"content-type", " text/plain", 1}, {"mime-version", "1.0", 1}}), "");
  EXPECT_EQ(told({{"MIME-Version", "", 1}, {"Content-Type", " text/plain", 1}}), "");
  EXPECT_EQ(told({{"Subject", " text", 1}}), "");
  EXPECT_EQ(told({{"Content-Transfer-Encoding", " 7bit", 1}}), "");
}

TEST(Exchange, MultipartEncoding) {
  struct Both {
    std::string type, encoding, told;
  };
  const std::string found = "multipart-encoding Content-Transfer-Encoding 1";
  const std::vector<Both> rows = {
      {" multipart/mixed; boundary=x", " base64", found},
      {" multipart/alternative", " quoted-printable", found},
      {"\n\tMULTIPART/Mixed", "\n\tBase64 ", found},
      {" (a \\) (b)) multipart (c) / mixed", " (7bit) base64 (d)", found},
      {" multipart/mixed", " 7bit", ""},
      {" multipart/mixed", " binary", ""},
      {" multipart/mixed", " (base64) 8bit", ""},
      {" text/plain", " base64", ""},
      {" text/multipart", " base64", ""},
      {" multipart", " base64", ""},
      {" multipart-x/mixed", " base64", ""},
      {" (multipart/mixed", " base64", ""},
      {" multipart/mixed", " ", "transfer-encoding Content-Transfer-Encoding 1 no-encoding"},
      {"", " base64", ""},
  };
  for (const Both& row : rows) {
    const Field version = {"MIME-Version", " 1.0", 1};
    const Field type = {"Content-Type", row.type, 1};
    const Field encoding = {"Content-Transfer-Encoding", row.encoding, 1};
    EXPECT_EQ(told({version, type, encoding}), row.told) << row.type << row.encoding;
    EXPECT_EQ(told({encoding, type, version}), row.told) << row.type << row.encoding;
  }
}

TEST(Exchange, OfSeveralContentTypesTheFirstCounts) {
  const Field version = {"MIME-Version", " 1.0", 1};
  const Field multipart = {"Content-Type", " multipart/mixed", 1};
  const Field text = {"Content-Type", " text/plain", 1};
  const Field seven_bit = {"Content-Transfer-Encoding", " 7bit", 1};
  const Field base64 = {"content-transfer-encoding", " base64", 2};
  EXPECT_EQ(told({version, multipart, text, seven_bit, base64}), "multipart-encoding content-transfer-encoding 2");
  EXPECT_EQ(told({version, text, multipart, seven_bit, base64}), "");
  const Field quoted = {"Content-Transfer-Encoding", " quoted-printable", 3};
  EXPECT_EQ(told({seven_bit, base64, quoted, version, multipart}), "multipart-encoding content-transfer-encoding 2");
  EXPECT_EQ(check({version, multipart, base64}).at(0).before, "base64");
  EXPECT_EQ(told({base64, {"Subject", "\xff", 1}, version, multipart}),
            "multipart-encoding content-transfer-encoding 1\nnon-ascii Subject 1 not-utf-8")
      << "in the order of the fields";
}

TEST(Exchange, TransferEncoding) {
  const std::string name = "Content-Transfer-Encoding";
  const std::string found = "transfer-encoding Content-Transfer-Encoding 1 ";
  std::vector<Row> rows;
  for (const char* known :
       {"7bit", "8bit", "binary", "quoted-printable", "base64", "mac-binhex40", "x-uuencode", "x-uue", "7BIT",
        "Quoted-Printable", " 7bit", "7bit (x)", "(x) 7bit", "\n\t(a(b)\\)c)\n 7bit\n (d)\n "}) {
    rows.push_back({name, known, ""});
  }
  for (const char* unknown : {"7-bit", "8bits", "uuencode", "utf-8", "quoted", "x-gzip64", "bas64", "7bit8bit"}) {
    rows.push_back({name, unknown, found + "unknown-encoding"});
  }
  for (const char* none : {"", " ", "\n ", "(7bit)", "(7bit", "(a \\) 7bit", "(7bit\\", "\"7bit\"", ";", "\\x 7bit",
                           "\xff"
                           "7bit"}) {
    const bool is_high = std::string_view(none).starts_with('\xff');
    rows.push_back(
        {name, none, (is_high ? "non-ascii Content-Transfer-Encoding 1 not-utf-8\n" : "") + found + "no-encoding"});
  }
  for (const char* more : {"7bit;", "7bit, 8bit", "7bit 8bit", "base64; x=y", "base64 (x) y", "7bit)"}) {
    rows.push_back({name, more, found + "text-behind"});
  }
  expect(rows);
}

TEST(Exchange, OneFieldCanHaveSeveralFaults) {
  const std::string body = " =?cp-850?q?x?= \xff" + std::string(2000, 'x');
  EXPECT_EQ(told({{"X Y", body, 1}, {"Content-Type", " text/plain", 1}}),
            "field-name X Y 1\nnon-ascii X Y 1 not-utf-8\ntext-length X Y 1\ncharset X Y 1 known-bounce\n"
            "mime-version MIME-Version 0");
}

TEST(Exchange, ShowsTheFieldAsItIs) {
  const std::vector<Finding> findings = check({{"SUBJECT", "\n  Gr\xc3\xbc\n\tx \n ", 1}});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].rule->name, "exchange-non-ascii");
  EXPECT_EQ(findings[0].field, "SUBJECT");
  EXPECT_EQ(findings[0].before, "Gr\xc3\xbc\tx");
  EXPECT_EQ(findings[0].after, "");
  EXPECT_EQ(findings[0].action, msgid::Action::report);
}

TEST(Exchange, InstancesCountFieldsOfThatNameFromTheTop) {
  const std::string bad = " \xff";
  EXPECT_EQ(told({{"Subject", " x", 1},
                  {"X-B", bad, 1},
                  {"SUBJECT", bad, 1},
                  {"Subjec", " x", 1},
                  {"Subject2", " x", 1},
                  {"subject", bad, 1},
                  {"x-b", bad, 1},
                  {"", bad, 1},
                  {"x-b", " x", 1},
                  {"X-b", bad, 1},
                  {"", " x", 1}}),
            "non-ascii X-B 1 not-utf-8\n"
            "non-ascii SUBJECT 2 not-utf-8\n"
            "non-ascii subject 3 not-utf-8\n"
            "non-ascii x-b 2 not-utf-8\n"
            "field-name  1\n"
            "non-ascii  1 not-utf-8\n"
            "non-ascii X-b 4 not-utf-8\n"
            "field-name  2");
}

TEST(Exchange, IsReadyForTheNextMessage) {
  const Policy policy = reporting();
  ExchangeCheck exchange(policy);
  const FieldList first = {{"Subject", std::string(70000, '\xff'), 1},
                           {"MIME-Version", " 1.0", 1},
                           {"Content-Type", " multipart/mixed", 1},
                           {"Content-Transfer-Encoding", " base64", 1}};
  const FieldList second = {{"Subject", " \xff", 1}, {"Content-Transfer-Encoding", " base64", 1}};
  const FieldList third = {{"Content-Type", " text/plain", 1}};
  const FieldList many(60, {"X Y", " x", 1});
  for (int i = 0; i < 3; ++i) {
    for (const FieldList& message : {first, second, FieldList(), third, many, ordinary}) {
      for (const Field& field : message) exchange.field(field.name, field.body);
      EXPECT_EQ(told(exchange.end_of_header()), told(message));
    }
  }
  for (int i = 0; i < 2; ++i) {
    exchange.field("To", std::string(65536 - 5, 'x'));
    EXPECT_EQ(told(exchange.end_of_header()), "") << "of just the size that is allowed";
  }
  EXPECT_EQ(told(second), "non-ascii Subject 1 not-utf-8");
  EXPECT_EQ(check(many).back().instance, 60);
}

TEST(Exchange, TakesAnyOctets) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(told({{all, all, 1}}), "field-name " + all + " 1\nnon-ascii " + all + " 1 not-utf-8");
  EXPECT_EQ(told({{"X", std::string(3, '\0'), 1}}), "");
  EXPECT_EQ(told(FieldList{}), "");
}

// Of a header that is all faults a hundred a rule are told, whatever it holds; the last of them says that there are
// more.
TEST(Exchange, FindingsAreBounded) {
  for (const std::size_t fields : std::initializer_list<std::size_t>{99, 100, 101, 5000}) {
    const Policy policy = reporting();
    ExchangeCheck exchange(policy);
    for (std::size_t i = 0; i < fields; ++i) exchange.field("X Y", " \xc3\xbc");
    const std::vector<Finding> findings = exchange.end_of_header();
    ASSERT_EQ(findings.size(), 2 * std::min<std::size_t>(fields, 100));
    const bool is_cut = fields > 100;
    EXPECT_EQ(
        told(std::vector<Finding>(findings.end() - 2, findings.end())),
        is_cut ? "field-name X Y 100 more-follow\nnon-ascii X Y 100 more-follow"
               : "field-name X Y " + std::to_string(fields) + "\nnon-ascii X Y " + std::to_string(fields) + " utf-8");
    EXPECT_EQ(findings[0].reason, "");
    EXPECT_EQ(findings[1].reason, "utf-8");
  }
}

// A million fields of different names, the last one at fault: a way that looked at all fields for each would take
// hours.
TEST(Exchange, ManyFieldsAreNoTrouble) {
  const Policy policy = reporting();
  ExchangeCheck exchange(policy);
  for (int i = 0; i < 1000000; ++i) exchange.field(std::to_string(i), i >= 999000 ? "\xff" : "");
  exchange.field("0", "\xff");
  const std::vector<Finding> findings = exchange.end_of_header();
  ASSERT_EQ(findings.size(), 101U);
  EXPECT_EQ(findings[0].field, "999000");
  EXPECT_EQ(findings[0].instance, 1);
  EXPECT_EQ(findings[99].reason, "more-follow");
  // 5888890 of names, 3000000 of colons and line ends, 1000 of bodies; and the last field.
  EXPECT_EQ(findings[100].before, "8889895 octets");
}

TEST(Exchange, HostileBodiesAreNoTrouble) {
  std::string begins, words, comments;
  for (int i = 0; i < 200000; ++i) {
    begins += "=?";
    words += "=?x?q?x";
    comments += "(";
  }
  EXPECT_EQ(told({{"To", begins, 1}}), "header-size  0 over-256-kb");
  EXPECT_EQ(told({{"To", words, 1}}), "header-size  0 over-256-kb");
  EXPECT_EQ(told({{"Content-Transfer-Encoding", comments, 1}}),
            "transfer-encoding Content-Transfer-Encoding 1 no-encoding\nheader-size  0 over-128-kb");
}

}  // namespace
