// What the daemon logs for messages, to the letter.
#include <gtest/gtest.h>

#include "service.h"

namespace {

using fake_mta::Message;
using fake_mta::Session;

std::string only_line(const std::vector<std::string>& log) {
  EXPECT_EQ(log.size(), 1u);
  return log.empty() ? "" : log.front();
}

bool has(const std::string& line, std::string_view part) {
  return line.find(part) != line.npos;
}

// The value behind ` key="`, as escaped, up to its closing quote.
std::string quoted_value(const std::string& line, const std::string& key) {
  const std::string opening = " " + key + "=\"";
  const std::size_t at = line.find(opening);
  if (at == line.npos) return "(no " + key + ")";
  std::size_t end = at + opening.size();
  while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
  return line.substr(at + opening.size(), end - at - opening.size());
}

TEST(Log, TheReportedCase) {
  Service service;
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  EXPECT_EQ(only_line(service.log()),
            "4XyZ01234z: field=Message-ID instance=1 rule=encoded-word action=rewritten "
            "before=\"=?utf-8?q?=3C162193893844=2E19864=2E11243857306847327486=40web01=2Eexamp?= "
            "=?utf-8?q?le=2Ecom=3E?=\" after=\"<162193893844.19864.11243857306847327486@web01.example.com>\" "
            "client=mail.example.com[192.0.2.1] sender=\"<sender@example.com>\" agent=\"Python\"");
}

TEST(Log, LogOnlySaysTheSameAndChangesNothing) {
  std::vector<std::string> lines;
  for (const std::string mode : {"rewrite", "log-only"}) {
    Service service({"--mode=" + mode});
    Session mta = service.session();
    EXPECT_EQ(mta.send(reported_message()).modifications.size(), mode == "rewrite" ? 1u : 0u);
    EXPECT_TRUE(mta.send(clean_message()).modifications.empty());
    quit(mta);
    lines.push_back(only_line(service.log()));
  }
  std::string expected = lines[0];
  const std::string rewritten = "action=rewritten";
  ASSERT_TRUE(has(expected, rewritten)) << expected;
  expected.replace(expected.find(rewritten), rewritten.size(), "action=would-rewrite");
  EXPECT_EQ(lines[1], expected);
}

TEST(Log, CleanMessagesLogNothing) {
  Service service;
  Session mta = service.session();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(mta.send(clean_message()).modifications.empty());
  quit(mta);
  EXPECT_TRUE(service.log().empty());
}

TEST(Log, ReportsWithoutAnEdit) {
  Service service({"--rule.encoded-word=report"});
  Session mta = service.session();
  EXPECT_TRUE(mta.send(reported_message()).modifications.empty());
  quit(mta);
  const std::string line = only_line(service.log());
  EXPECT_TRUE(has(line, " rule=encoded-word action=reported before=\"")) << line;
  EXPECT_FALSE(has(line, " after=")) << line;
  EXPECT_FALSE(has(line, " reason=")) << line;
}

TEST(Log, RefusalsHaveAReason) {
  Service service;
  Session mta = service.session();
  EXPECT_TRUE(mta.send(message("Message-ID: =?utf-8?q?=3Ca=4?=\n")).modifications.empty());
  quit(mta);
  const std::string line = only_line(service.log());
  EXPECT_TRUE(
      has(line, " rule=encoded-word action=reported reason=broken-escape before=\"=?utf-8?q?=3Ca=4?=\" client="))
      << line;
}

TEST(Log, OneLineAFinding) {
  Service service;
  Session mta = service.session();
  const Message sent = message(
      "In-Reply-To: =?us-ascii?q?=3Ca=40example=2Ecom=3E?=\nMessage-ID: =?us-ascii?q?=3Cb=40example=2Ecom=3E?=\n"
      "References: <a@example.com>\n <" +
      std::string(970, 'r') + "@example.com>\n");
  EXPECT_EQ(mta.send(sent).modifications.size(), 3u);
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_TRUE(has(log[0], ": field=In-Reply-To instance=1 rule=encoded-word action=rewritten ")) << log[0];
  EXPECT_TRUE(has(log[1], ": field=Message-ID instance=1 rule=encoded-word action=rewritten ")) << log[1];
  EXPECT_TRUE(has(log[2], ": field=References instance=1 rule=msgid-too-long action=rewritten ")) << log[2];
}

TEST(Log, NoQueueId) {
  Service service;
  Session mta = service.session();
  Message sent = reported_message();
  sent.queue_id.clear();
  mta.send(sent);
  sent.queue_id = "AFTER1";
  mta.send(sent);
  sent.queue_id.clear();  // and the id of the message before is not used again
  mta.send(sent);
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_TRUE(log[0].starts_with("NOQUEUE: field=")) << log[0];
  EXPECT_TRUE(log[1].starts_with("AFTER1: field=")) << log[1];
  EXPECT_TRUE(log[2].starts_with("NOQUEUE: field=")) << log[2];
}

TEST(Log, Clients) {
  Service service;
  {
    Session mta(service.address());
    mta.negotiate();
    mta.connect_info("six.example.com", "2001:db8::6");
    mta.send(reported_message());
    quit(mta);
  }
  {
    Session mta(service.address());
    mta.negotiate();
    mta.connect_info_unknown("localhost");
    EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
    quit(mta);
  }
  {
    Session mta(service.address());  // an MTA that does not say who the client is
    mta.negotiate();
    EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
    quit(mta);
  }
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_TRUE(has(log[0], " client=six.example.com[2001:db8::6] sender=")) << log[0];
  EXPECT_TRUE(has(log[1], " client=localhost[")) << log[1];
  EXPECT_TRUE(has(log[2], " client=")) << log[2];
}

TEST(Log, Agents) {
  Service service;
  Session mta = service.session();
  const std::string defect = "Message-ID: =?us-ascii?q?=3Ca=40example=2Ecom=3E?=\n";
  mta.send(message(defect + "User-Agent: Mutt/2.2\n"));
  mta.send(message("x-mailer: PHPMailer 6\n" + defect));
  mta.send(message(defect));
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 3u);
  EXPECT_EQ(quoted_value(log[0], "agent"), "Mutt/2.2");
  EXPECT_EQ(quoted_value(log[1], "agent"), "PHPMailer 6");
  EXPECT_FALSE(has(log[2], "Mailer")) << log[2];
}

// Nothing a sender writes can end a line, close a quote or look like another key.
TEST(Log, NoInjection) {
  Service service;
  const std::string evil = "x\" action=failed \\ \x1b[2J\x07\x7f\xc3\xa9 \r y";
  const std::string escaped = R"(x\" action=failed \\ \x1b[2J\x07\x7f\xc3\xa9 \x0d y)";
  {
    Session mta(service.address());
    mta.negotiate();
    mta.connect_info("evil\nFAKE: field=Message-ID \"[192.0.2.7]", "192.0.2.1");
    Message sent = reported_message();
    sent.queue_id = "1\nFAKE: field=Message-ID";
    sent.sender = "<" + evil + "\nFAKE: x@example.com>";
    sent.fields = {{"Message-ID", " =?utf-8?q?=3Ca=4?= \"" + evil, 1}, {"User-Agent", " " + evil, 1}};
    EXPECT_TRUE(mta.send(sent).modifications.empty());
    quit(mta);
  }
  const std::vector<std::string> log = service.log();
  ASSERT_GE(log.size(), 1u);
  for (const std::string& line : log) {
    EXPECT_FALSE(line.starts_with("FAKE")) << line;
    for (const char octet : line) EXPECT_TRUE(octet >= ' ' && octet <= '~') << line;
    EXPECT_EQ(quoted_value(line, "agent"), escaped) << line;
    EXPECT_TRUE(quoted_value(line, "sender").starts_with("<" + escaped + R"(\x0aFAKE: x@example.com>)")) << line;
    EXPECT_TRUE(has(quoted_value(line, "before"), escaped)) << line;
  }
}

TEST(Log, LongValuesAreCut) {
  Service service;
  Session mta = service.session();
  const std::string id = std::string(600, 'i') + "@example.com";
  EXPECT_EQ(mta.send(message("Message-ID: =?us-ascii?q?=3C" + id + "=3E?=\n")).modifications.size(), 1u);
  quit(mta);
  const std::string line = only_line(service.log());
  EXPECT_EQ(quoted_value(line, "after"), "<" + std::string(399, 'i') + "...") << line;
  EXPECT_EQ(quoted_value(line, "before").size(), 403u) << line;
}

}  // namespace
