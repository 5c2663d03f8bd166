// Whose mail is touched, over the milter protocol.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "report/audit_record.h"
#include "service.h"

namespace {

namespace bit = fake_mta::bit;
namespace code = fake_mta::code;
using fake_mta::Message;
using fake_mta::Session;

Message reported_to(const std::vector<std::string>& recipients) {
  Message message = reported_message();
  message.recipients = recipients;
  return message;
}

TEST(Scope, RecipientsAreAskedForWhereARuleNeedsThem) {
  const fake_mta::Terms offer;
  const auto asks = [&](const std::vector<std::string>& options) {
    Service service(options);
    Session mta(service.address());
    return (mta.negotiate(offer).protocol & bit::no_rcpt) == 0;
  };
  EXPECT_FALSE(asks({}));
  EXPECT_FALSE(asks({"--only-client=::1", "--exempt-sender=<>", "--exempt-authenticated=yes", "--audit-exempt=yes"}));
  EXPECT_TRUE(asks({"--only-recipient=a.example"}));
}

TEST(Scope, OneRecipientSufficesAndEachMessageBeginsAnew) {
  Service service({"--only-recipient=.in.example"});
  Session mta = service.session();
  EXPECT_TRUE(mta.send(reported_to({"<a@out.example>"})).modifications.empty());
  EXPECT_EQ(mta.send(reported_to({"<a@out.example>", "<b@x.IN.example>", "<c@out.example>"})).modifications,
            reported_edit());
  EXPECT_TRUE(mta.send(reported_to({"<a@out.example>"})).modifications.empty());
  mta.begin(reported_to({"<b@in.example>"}));
  mta.abort();
  EXPECT_TRUE(mta.send(reported_to({"<a@out.example>"})).modifications.empty());
  mta.quit_new_connection();
  mta.connect_info("mail.example.com", "192.0.2.1");
  EXPECT_TRUE(mta.send(reported_to({"<a@out.example>"})).modifications.empty());
  EXPECT_EQ(mta.send(reported_to({"<b@in.example>"})).modifications, reported_edit());
  quit(mta);
}

TEST(Scope, ClientsSendersAndUsers) {
  Service service({"--exempt-client=192.0.2.7", "--exempt-client=2001:db8::/32", "--exempt-sender=<>",
                   "--exempt-authenticated=yes"});
  Session mta = service.session();
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  Message bounce = reported_message();
  bounce.sender = "<>";
  EXPECT_TRUE(mta.send(bounce).modifications.empty());
  mta.set_macros(code::mail, {{"{auth_authen}", "somebody"}});
  EXPECT_TRUE(mta.send(reported_message()).modifications.empty());
  mta.set_macros(code::mail, {{"{mail_addr}", "sender@example.com"}});
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit());
  mta.quit_new_connection();
  mta.connect_info("mail.example.com", "192.0.2.7");
  EXPECT_TRUE(mta.send(reported_message()).modifications.empty());
  mta.quit_new_connection();
  mta.connect_info_unknown("unknown");
  EXPECT_EQ(mta.send(reported_message()).modifications, reported_edit()) << "no address is in no network";
  quit(mta);
}

TEST(Scope, WhatIsExemptIsCountedAndLoggedOnRequest) {
  for (const bool audit : {false, true}) {
    SCOPED_TRACE(audit);
    const fake_mta::SocketDirectory directory;
    const std::string trail = directory / "audit.jsonl";
    Service service(
        {"--exempt-client=192.0.2.1", "--audit-log=" + trail, std::string("--audit-exempt=") + (audit ? "yes" : "no")});
    Session mta = service.session();
    EXPECT_TRUE(mta.send(reported_message()).modifications.empty());
    EXPECT_TRUE(mta.send(clean_message()).modifications.empty());
    quit(mta);
    const std::vector<std::string> log = service.log();
    const auto exempt = std::count_if(log.begin(), log.end(), [](const std::string& line) {
      return line.find("action=would-rewrite") != std::string::npos && line.find(" scope=exempt ") != std::string::npos;
    });
    EXPECT_EQ(exempt, audit ? 1 : 0);
    report::AuditTotals totals;
    std::vector<report::AuditRecord> records;
    std::ifstream in(trail);
    for (std::string line; std::getline(in, line);) {
      const auto parsed = report::parse_audit_line(line);
      if (const auto* record = std::get_if<report::AuditRecord>(&parsed)) records.push_back(*record);
      if (const auto* some = std::get_if<report::AuditTotals>(&parsed)) {
        totals.messages += some->messages;
        totals.clean += some->clean;
        totals.affected += some->affected;
        totals.exempt += some->exempt;
      }
    }
    EXPECT_EQ(totals.messages, 2U);
    EXPECT_EQ(totals.clean, audit ? 1U : 0U);
    EXPECT_EQ(totals.affected, audit ? 1U : 0U);
    EXPECT_EQ(totals.exempt, audit ? 0U : 2U);
    ASSERT_EQ(records.size(), audit ? 1U : 0U);
    if (!audit) continue;
    EXPECT_EQ(records[0].scope, "exempt");
    EXPECT_EQ(records[0].findings.at(0).action, "would-rewrite");
  }
}

}  // namespace
