// What the daemon does with sessions and messages.
#include <gtest/gtest.h>

#include <thread>

#include "service.h"

namespace {

namespace action = fake_mta::action;
namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
using fake_mta::Message;
using fake_mta::Modification;
using fake_mta::Outcome;
using fake_mta::Session;
using Edits = std::vector<Modification>;

Edits edit(const std::string& name, int instance, const std::string& body) {
  return {{code::change_header, instance, name, body}};
}

std::string encoded(const std::string& id) {
  return " =?utf-8?q?=3C" + id + "=40example=2Ecom=3E?=";
}

TEST(Sessions, ManyMessagesOnOne) {
  Service service;
  Session mta = service.session();
  for (int i = 0; i < 100; ++i) {
    const std::string id = "m" + std::to_string(i);
    Message sent = message("From: a@example.com\nMessage-ID:" + encoded(id) + "\n");
    EXPECT_EQ(mta.send(sent).modifications, edit("Message-ID", 1, " <" + id + "@example.com>"));
    EXPECT_EQ(mta.send(clean_message()).modifications, Edits());
  }
  quit(mta);
}

TEST(Sessions, AbortLeavesNothingBehind) {
  Service service;
  Session mta = service.session();
  const Message reported = reported_message();
  for (int steps = 0; steps < 5; ++steps) {
    mta.mail("<aborted@example.com>");
    if (steps > 0) mta.rcpt("<rcpt@example.com>");
    if (steps > 1) mta.data();
    if (steps > 2)
      for (const msgid::Field& field : reported.fields) mta.header(field.name, field.body);
    if (steps > 3) mta.end_of_header();
    mta.abort();
    EXPECT_EQ(mta.send(clean_message()).modifications, Edits());
  }
  Message next = message("Message-ID:" + encoded("next") + "\n");
  EXPECT_EQ(mta.send(next).modifications, edit("Message-ID", 1, " <next@example.com>"));
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].find("aborted"), std::string::npos);
  EXPECT_EQ(log[0].find("Python"), std::string::npos);  // the agent of the aborted message
}

// The MTA keeps the connection for its next client. Neither Postfix (3.7.11) nor Sendmail (8.17.1) does.
TEST(Sessions, QuitAndNewConnection) {
  Service service;
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  mta.quit_new_connection();
  mta.connect_info("second.example.com", "192.0.2.2");
  mta.helo("second.example.com");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_NE(log[0].find(" client=mail.example.com[192.0.2.1] "), std::string::npos) << log[0];
  EXPECT_NE(log[1].find(" client=second.example.com[192.0.2.2] "), std::string::npos) << log[1];
}

TEST(Sessions, TwoAtATimeDoNotMeet) {
  Service service;
  Session a = service.session();
  Session b = service.session();
  a.mail("<a@example.com>");
  b.mail("<b@example.com>");
  a.rcpt("<rcpt@example.com>");
  b.rcpt("<rcpt@example.com>");
  a.data();
  b.data();
  a.header("Message-ID", encoded("first"));
  b.header("From", " b@example.com");
  a.header("X-Mailer", " agent of a");
  b.header("In-Reply-To", encoded("second"));
  EXPECT_EQ(b.end_of_message().modifications, edit("In-Reply-To", 1, " <second@example.com>"));
  EXPECT_EQ(a.end_of_message().modifications, edit("Message-ID", 1, " <first@example.com>"));
  quit(a);
  quit(b);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_NE(log[0].find("sender=\"<b@example.com>\""), std::string::npos) << log[0];
  EXPECT_EQ(log[0].find("agent of a"), std::string::npos) << log[0];
  EXPECT_NE(log[1].find("agent=\"agent of a\""), std::string::npos) << log[1];
}

TEST(Sessions, ManyAtATime) {
  Service service;
  constexpr int threads = 16;
  std::vector<int> right(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i)
    running.emplace_back([&service, &right, i] {
      try {
        Session mta = service.session();
        const std::string id = "t" + std::to_string(i);
        for (int n = 0; n < 20; ++n) {
          const Message sent = message("Message-ID:" + encoded(id) + "\n");
          right[static_cast<std::size_t>(i)] +=
              mta.send(sent).modifications == edit("Message-ID", 1, " <" + id + "@example.com>") ? 1 : 0;
        }
      } catch (const std::exception&) {  // then the count is short
      }
    });
  for (std::thread& thread : running) thread.join();
  EXPECT_EQ(right, std::vector<int>(threads, 20));
  EXPECT_EQ(service.log().size(), static_cast<std::size_t>(threads * 20));
}

// Monitoring connects and closes, at whatever point.
TEST(Sessions, ProbesAreNotLogged) {
  Service service;
  static_cast<void>(Session(service.address()));
  {
    Session mta(service.address());
    mta.negotiate();
  }
  {
    Session mta(service.address());
    mta.negotiate();
    quit(mta);
  }
  {
    Session mta = service.session();
    quit(mta);
  }
  {
    Session mta(service.address());
    mta.quit();
  }
  static_cast<void>(service.session());
  {
    Session mta = service.session();
    mta.mail("<a@example.com>");
    mta.rcpt("<rcpt@example.com>");
    mta.data();
    mta.header("Message-ID", encoded_body);
  }
  Session mta = service.session();
  EXPECT_EQ(mta.send(clean_message()).modifications, Edits());
  quit(mta);
  EXPECT_TRUE(service.log().empty());
}

TEST(Sessions, LiveThroughNonsense) {
  Service service;
  const std::vector<std::string> nonsense = {std::string("\0\0\0\0", 4),  std::string("\0\0", 2),
                                             "GET / HTTP/1.0\r\n\r\n",    std::string("\xff\xff\xff\xff", 4),
                                             std::string("\0\0\0\1?", 5), std::string("\0\0\0\1L", 5)};
  for (const std::string& octets : nonsense) {
    Session fresh(service.address());
    fresh.send_raw(octets);
    fresh.hang_up();
    Session negotiated = service.session();
    negotiated.send_raw(octets);
    negotiated.hang_up();
  }
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
}

// Strings of the protocol end with NUL, so a field body cannot have one; an MTA that sends one all the same must not
// make the daemon read beyond.
TEST(Sessions, NulInAFieldIsNoBody) {
  Service service;
  Session mta = service.session();
  mta.mail("<a@example.com>");
  mta.send_packet(code::header,
                  std::string("Message-ID\0 <a@example.com>\0 =?utf-8?q?=3Cb=40example=2Ecom=3E?=\0", 65));
  try {
    EXPECT_EQ(mta.end_of_message().modifications, Edits());
  } catch (const fake_mta::ProtocolError&) {  // to end the session is right as well
  }
  Session next = service.session();
  EXPECT_EQ(next.send(reported_message()).modifications, reported_edit());
}

TEST(LeadingSpace, IsTheFiltersWhereNegotiated) {
  Service service;
  Session mta = service.session();
  const std::string id = decoded_id;
  const std::string bare = std::string(encoded_body).substr(1);
  for (const std::string& body :
       {" " + bare, bare, "\n " + bare, "\t" + bare, "  " + bare, " \n\t" + bare, bare + " "}) {
    SCOPED_TRACE(body);
    Message sent = message("");
    sent.fields = {{"Message-ID", body, 1}};
    EXPECT_EQ(mta.send(sent).modifications, reported_edit());
  }
}

TEST(LeadingSpace, IsTheMtasWhereNot) {
  Service service;
  Session mta = service.session({6, action::all, bit::all & ~bit::leading_space});
  const std::string bare = std::string(encoded_body).substr(1);
  for (const std::string& body : {" " + bare, bare, "\n " + bare, "\t" + bare, "  " + bare}) {
    SCOPED_TRACE(body);
    Message sent = message("");
    sent.fields = {{"Message-ID", body, 1}};
    const Outcome outcome = mta.send(sent);
    EXPECT_EQ(outcome.modifications, edit("Message-ID", 1, decoded_id));
    EXPECT_EQ(fake_mta::apply(sent.fields, outcome.modifications, false).fields[0].body, std::string(" ") + decoded_id);
  }
}

// fold-at is about the line in the message, which has the space the MTA puts in.
TEST(LeadingSpace, CountsForTheLineLengthEitherWay) {
  Service service({"--fold-at=78"});
  const std::string left(54, 'a');  // "References: <54@example.com>" is 12 + 68 octets
  const std::string header = "References: =?utf-8?q?=3Ca=40b=3E_=3C" + left + "=40example=2Ecom=3E?=\n";
  Session with = service.session();
  Session without = service.session({6, action::all, bit::all & ~bit::leading_space});
  const std::string folded = "<a@b>\n <" + left + "@example.com>";
  EXPECT_EQ(with.send(message(header)).modifications, edit("References", 1, " " + folded));
  EXPECT_EQ(without.send(message(header)).modifications, edit("References", 1, folded));
}

TEST(Header, LastInstanceFirst) {
  Service service;
  Session mta = service.session();
  const Message sent = message("Resent-Message-ID:" + encoded("one") + "\nResent-message-id: <ok@example.com>\n" +
                               "RESENT-MESSAGE-ID:" + encoded("three") + "\nFrom: a@example.com\n");
  const Outcome outcome = mta.send(sent);
  EXPECT_EQ(outcome.modifications, (Edits{{code::change_header, 3, "RESENT-MESSAGE-ID", " <three@example.com>"},
                                          {code::change_header, 1, "Resent-Message-ID", " <one@example.com>"}}));
  const fake_mta::Changed changed = fake_mta::apply(sent.fields, outcome.modifications);
  EXPECT_EQ(changed.appended, 0);
  EXPECT_EQ(changed.fields[0].body, " <one@example.com>");
  EXPECT_EQ(changed.fields[1].body, " <ok@example.com>");
  EXPECT_EQ(changed.fields[2].body, " <three@example.com>");
}

TEST(Header, KeepsTheSendersSpelling) {
  Service service;
  Session mta = service.session();
  for (const std::string name : {"message-id", "MESSAGE-ID", "Message-Id", "mESSAGE-iD"})
    EXPECT_EQ(mta.send(message(name + ":" + encoded("x") + "\n")).modifications, edit(name, 1, " <x@example.com>"));
}

// Old Sendmail documents have CRLF in a folded body; Sendmail 8.17 and Postfix have LF.
TEST(Header, FoldsWithCrLf) {
  Service service;
  Session mta = service.session();
  Message sent = reported_message();
  msgid::Field& field = sent.fields[2];
  field.body.insert(field.body.find('\n'), "\r");
  EXPECT_EQ(mta.send(sent).modifications, reported_edit());
  sent = message("References: <a@example.com>\n <b@example.com>\n");
  sent.fields[0].body.insert(sent.fields[0].body.find('\n'), "\r");
  EXPECT_EQ(mta.send(sent).modifications, Edits());
}

TEST(Header, EmptyBodies) {
  Service service({"--rule.malformed=off"});
  Session mta = service.session();
  Message sent = message("Message-ID:\nIn-Reply-To: \nReferences:\n \nX-Empty:\n");
  for (const std::uint32_t protocol : {bit::all, bit::all & ~bit::leading_space}) {
    Session other = service.session({6, action::all, protocol});
    EXPECT_EQ(other.send(sent).modifications, Edits());
  }
  EXPECT_TRUE(service.log().empty());
}

TEST(Header, TwoThousandFields) {
  Service service;
  Session mta = service.session();
  Message sent = message("");
  for (int i = 0; i < 1000; ++i) sent.fields.push_back({"X-Field-" + std::to_string(i), " value", 1});
  sent.fields.push_back({"Message-ID", encoded("amid"), 1});
  for (int i = 1; i <= 1000; ++i) sent.fields.push_back({"Received", " from x by y\n\twith z", i});
  EXPECT_EQ(mta.send(sent).modifications, edit("Message-ID", 1, " <amid@example.com>"));
  EXPECT_EQ(mta.send(clean_message()).modifications, Edits());
}

TEST(Header, OverHeaderSizePassesUnchangedAndIsReported) {
  Service service({"--header-size=4096"});
  Session mta = service.session();
  Message big = reported_message();
  for (int i = 1; i <= 10; ++i) big.fields.push_back({"References", " <" + std::string(500, 'r') + "@example.com>", i});
  big.queue_id = "BIG1";
  EXPECT_EQ(mta.send(big).modifications, Edits());
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  quit(mta);
  const std::vector<std::string> log = service.log();
  ASSERT_EQ(log.size(), 2u);
  EXPECT_TRUE(
      log[0].starts_with("BIG1: action=reported reason=header-size client=mail.example.com[192.0.2.1] "
                         "sender=\"<sender@example.com>\""))
      << log[0];
  EXPECT_NE(log[1].find(" rule=encoded-word action=rewritten "), std::string::npos) << log[1];
}

// 256 KiB by default: one field of 60000 octets, where Postfix cuts, is well inside.
TEST(Header, LargeFieldsWithinHeaderSize) {
  Service service({"--rule.references-too-long=off", "--rule.line-too-long=off"});
  Session mta = service.session();
  std::string many;
  for (int i = 0; i < 2000; ++i) many += " <reference." + std::to_string(i) + "@example.com>";
  Message sent = reported_message();
  sent.fields.push_back({"References", many, 1});
  sent.fields.push_back({"X-Spam-Report", " " + std::string(59000, 'x'), 1});
  EXPECT_EQ(mta.send(sent).modifications, reported_edit());
  quit(mta);
  EXPECT_EQ(service.log().size(), 1u);
}

}  // namespace
