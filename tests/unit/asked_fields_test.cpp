#include "milter/asked_fields.h"

#include <gtest/gtest.h>

namespace {

using milter::AskedFields;

TEST(AskedFields, ThoseThatASessionLooksAt) {
  const AskedFields asked{config::Settings{}};
  for (const char* name : {"Message-ID", "message-id", "Resent-Message-ID", "In-Reply-To", "References",
                           "DKIM-Signature", "ARC-Message-Signature", "User-Agent", "X-Mailer"}) {
    EXPECT_TRUE(asked.has(name)) << name;
  }
  for (const char* name : {"Received", "From", "Subject", "Message-I", "X-Ticket-ID", ""})
    EXPECT_FALSE(asked.has(name)) << name;
}

TEST(AskedFields, TheTrailAsksForFrom) {
  config::Settings settings;
  settings.audit_log = "/var/log/msgid-milter/audit.jsonl";
  EXPECT_TRUE(AskedFields(settings).has("From"));
}

TEST(AskedFields, TheRulesOfExchangeLookAtEach) {
  config::Settings settings;
  settings.policy.exchange = msgid::RuleAction::report;
  EXPECT_TRUE(AskedFields(settings).has("Subject"));
}

TEST(AskedFields, SessionsKeepWhatTheyBeganWith) {
  AskedFields asked{config::Settings{}};
  config::Settings other;
  other.policy.fields = {{"X-Ticket-ID", true, false}};
  asked.add(other);
  EXPECT_TRUE(asked.has("X-Ticket-ID"));
  EXPECT_TRUE(asked.has("References")) << "of a session from before";
  other.audit_log = "/var/log/msgid-milter/audit.jsonl";
  asked.add(other);
  asked.add(config::Settings{});
  EXPECT_TRUE(asked.has("From"));
  EXPECT_TRUE(asked.has("X-Ticket-ID"));
  EXPECT_FALSE(asked.has("Subject"));
}

}  // namespace
