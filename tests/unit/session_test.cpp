#include "milter/session.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "milter/asked_fields.h"

// Of AddressSanitizer and ThreadSanitizer; null in other builds.
extern "C" __attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(
    void (*on_allocation)(const volatile void*, std::size_t), void (*on_release)(const volatile void*));

namespace {

constexpr const char* broken = " =?utf-8?q?=3Ca=40b=3E?=";

class SessionTest : public testing::Test {
 protected:
  milter::Session session(milter::Negotiated negotiated) {
    milter::Session made(std::make_shared<const config::Settings>(settings), log, trail.get(), counters);
    made.negotiated(negotiated);
    made.connect("app.example", "192.0.2.7");
    return made;
  }

  /// Ends the message; the edits are added to `edits`.
  void end(milter::Session& session) {
    session.end_of_message("Q1", [this](const std::string& name, int instance, const std::string& body) {
      edits.push_back(name + "/" + std::to_string(instance) + ":" + body);
      return edits_succeed;
    });
  }

  void TearDown() override {
    if (trail != nullptr) std::filesystem::remove(trail_path);
  }

  static report::AuditTrail::Steady::time_point soon() {
    return report::AuditTrail::Steady::now() + std::chrono::seconds(30);
  }

  /// From here on sessions write to an audit trail.
  void open_trail() {
    trail_path = testing::TempDir() + "session-trail-XXXXXX";
    const int file = mkstemp(trail_path.data());
    ASSERT_GE(file, 0);
    close(file);
    trail = std::make_unique<report::AuditTrail>(trail_path, log, settings.log_buffer);
    trail->start();
    settings.audit_recipients = true;
  }

  std::vector<report::AuditRecord> records() const {
    std::vector<report::AuditRecord> all;
    EXPECT_TRUE(trail->flush(soon()));
    std::ifstream in(trail_path);
    for (std::string line; std::getline(in, line);) {
      const auto parsed = report::parse_audit_line(line);
      if (const auto* record = std::get_if<report::AuditRecord>(&parsed)) all.push_back(*record);
    }
    return all;
  }

  /// Of all that has passed since the last call.
  report::AuditTotals totals() {
    trail->stop(soon());
    std::ifstream in(trail_path);
    std::string last;
    for (std::string line; std::getline(in, line);) last = line;
    return std::get<report::AuditTotals>(report::parse_audit_line(last));
  }

  config::Settings settings;
  bool edits_succeed = true;
  std::vector<std::string> edits;
  std::vector<std::string> lines;
  milter::Counters counters{false};
  bool log_fails = false;
  report::Log log{[this](report::Severity, std::string_view line) {
                    if (log_fails) throw std::bad_alloc();
                    lines.emplace_back(line);
                  },
                  [this](report::Failure cause) { counters.failure(cause); }};
  std::string trail_path;
  std::unique_ptr<report::AuditTrail> trail;
};

using Strings = std::vector<std::string>;
using milter::MessageOutcome;
constexpr milter::Negotiated all = {true, true};

TEST_F(SessionTest, SendsTheEditWithTheSpaceWhereItWasNegotiated) {
  milter::Session verbatim = session(all);
  verbatim.mail("<s@x>");
  verbatim.header("Message-Id", broken);
  end(verbatim);
  EXPECT_EQ(edits, Strings{"Message-Id/1: <a@b>"});
  edits.clear();
  milter::Session stripped = session({false, true});
  stripped.mail("<s@x>");
  stripped.header("Message-Id", broken + 1);
  end(stripped);
  EXPECT_EQ(edits, Strings{"Message-Id/1:<a@b>"});
}

TEST_F(SessionTest, KeepsAFoldAfterTheColonWhereOnlyLineBreaksChange) {
  const std::string id = "<" + std::string(500, 'x') + "@y>";
  for (const milter::Negotiated negotiated : {all, milter::Negotiated{false, true}}) {
    edits.clear();
    milter::Session one = session(negotiated);
    one.mail("<s@x>");
    one.header("References", "\n " + id + " " + id);
    end(one);
    EXPECT_EQ(edits, Strings{"References/1:\n " + id + "\n " + id});
  }
}

TEST_F(SessionTest, TheCorrelatorFollowsTheMessageId) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("X-MS-TNEF-Correlator", broken);
  one.header("Message-ID", broken);
  one.header("x-ms-tnef-correlator", " <other@y>");
  one.header("x-ms-tnef-correlator", broken);
  end(one);
  EXPECT_EQ(edits, (Strings{"x-ms-tnef-correlator/3: <a@b>", "Message-ID/1: <a@b>", "X-MS-TNEF-Correlator/1: <a@b>"}));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("field=X-MS-TNEF-Correlator instance=1 rule=encoded-word action=rewritten"),
            std::string::npos)
      << lines[0];
}

TEST_F(SessionTest, WithoutTheLeadingSpaceCountsItAllTheSame) {
  milter::Session stripped = session({false, true});
  const std::string list = "<" + std::string(480, 'x') + "@y> <" + std::string(494, 'x') + "@y>";
  ASSERT_EQ(std::string("References: ").size() + list.size(), 998u - 3u);
  stripped.mail("<s@x>");
  stripped.header("References", list + "   ");
  end(stripped);
  EXPECT_TRUE(edits.empty()) << "998 octets";
  stripped.mail("<s@x>");
  stripped.header("References", list + "    ");
  end(stripped);
  EXPECT_EQ(edits.size(), 1u) << "999 octets";
}

TEST_F(SessionTest, SendsTheLastInstanceFirst) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Resent-Message-ID", broken);
  one.header("X-Other", broken);
  one.header("RESENT-MESSAGE-ID", " <fine@x>");
  one.header("resent-message-id", broken);
  end(one);
  EXPECT_EQ(edits, (Strings{"resent-message-id/3: <a@b>", "Resent-Message-ID/1: <a@b>"}));
}

TEST_F(SessionTest, LogsInTheOrderOfTheFields) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("User-Agent", " Agent/1");
  one.header("X-Mailer", " Other/2");
  one.header("Message-ID", broken);
  one.header("References", broken);
  end(one);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0],
            "Q1: field=Message-ID instance=1 rule=encoded-word action=rewritten before=\"=?utf-8?q?=3Ca=40b=3E?=\" "
            "after=\"<a@b>\" client=app.example[192.0.2.7] sender=\"<s@x>\" agent=\"Agent/1\"");
  EXPECT_NE(lines[1].find("field=References"), std::string::npos);
}

TEST_F(SessionTest, SaysSoWhereTheMtaRefusesAnEdit) {
  milter::Session one = session(all);
  edits_succeed = false;
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("action=failed reason=change-header"), std::string::npos);
}

TEST_F(SessionTest, WithoutLeaveToChangeLogsWhatItWould) {
  milter::Session one = session({true, false});
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  EXPECT_TRUE(edits.empty());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("action=would-rewrite"), std::string::npos);
}

TEST_F(SessionTest, ACleanMessageLogsNothing) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", "\n <a@b>");
  end(one);
  EXPECT_TRUE(edits.empty());
  EXPECT_TRUE(lines.empty());
}

TEST_F(SessionTest, KeepsNothingFromOneMessageToTheNext) {
  milter::Session one = session(all);
  one.mail("<first@x>");
  one.header("User-Agent", " Agent/1");
  one.header("Message-ID", broken);
  one.abort();
  end(one);
  EXPECT_TRUE(edits.empty()) << "after an abort";
  one.mail("<second@x>");
  one.header("Message-ID", broken);
  end(one);
  one.header("Message-ID", broken);
  end(one);
  EXPECT_EQ(edits, (Strings{"Message-ID/1: <a@b>", "Message-ID/1: <a@b>"})) << "instances begin anew";
  EXPECT_NE(lines.front().find("sender=\"<second@x>\" agent=\"\""), std::string::npos);
}

TEST_F(SessionTest, PassesAHeaderOverTheLimitUnchangedAndSaysSo) {
  settings.policy.header_size = 4096;
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("X-Other", std::string(10000, 'x'));
  one.header("Message-ID", broken);
  one.header("References", std::string(4096, 'x'));
  one.header("In-Reply-To", broken);
  end(one);
  EXPECT_TRUE(edits.empty());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("Q1: action=reported reason=header-size"), std::string::npos);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  EXPECT_EQ(edits.size(), 1u) << "the next message";
}

// As msgid-audit counts it: the space after the colon is part of the body, a CR before a fold is not.
TEST_F(SessionTest, CountsTheSameForAnyMta) {
  settings.policy.header_size = 4096;
  const std::string name = "Resent-Message-ID";
  for (const std::size_t more : {0U, 1U}) {
    SCOPED_TRACE(more);
    // " <xxx@b>" LF " (a)"
    const std::string id = "<" + std::string(4096 - name.size() - 10 + more, 'x') + "@b>";
    const struct {
      milter::Negotiated negotiated;
      std::string body;
    } rows[] = {{all, " " + id + "\n (a)"}, {all, " " + id + "\r\n (a)"}, {{false, true}, id + "\n (a)"}};
    for (const auto& row : rows) {
      lines.clear();
      milter::Session one = session(row.negotiated);
      one.mail("<s@x>");
      one.header(name, row.body);
      end(one);
      ASSERT_EQ(lines.empty(), false);
      EXPECT_EQ(lines[0].find("reason=header-size") != std::string::npos, more > 0) << lines[0].substr(0, 80);
    }
  }
}

TEST_F(SessionTest, AFailureEndsTheMessageWithOneLine) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  one.fail("Q1", "std::bad_alloc");
  one.fail("Q1", "again");
  one.header("References", broken);
  end(one);
  EXPECT_TRUE(edits.empty());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("Q1: action=failed reason=exception what=\"std::bad_alloc\""), std::string::npos);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  EXPECT_EQ(edits.size(), 1u) << "the next message";
}

// At MAIL there is none. An MTA may give it as late as at the end.
TEST_F(SessionTest, AFailureIsLoggedUnderTheQueueId) {
  milter::Session one = session(all);
  one.connect("a.example", "192.0.2.1");
  one.fail("", "no message is under way");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("NOQUEUE: action=failed reason=exception ")) << lines[0];
  one.mail("<s@x>");
  one.fail("", "");
  one.fail("Q1", "again");
  EXPECT_EQ(lines.size(), 1u);
  end(one);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("Q1: action=failed reason=exception what=\"unknown exception\" ")) << lines[1];
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  const auto no_memory = [](const std::string&, int, const std::string&) -> bool { throw std::bad_alloc(); };
  EXPECT_THROW(one.end_of_message("", no_memory), std::bad_alloc);
  one.fail("", "at an end without one");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_TRUE(lines[2].starts_with("NOQUEUE: ")) << lines[2];
  one.mail("<s@x>");
  end(one);
  EXPECT_EQ(lines.size(), 3u);
  EXPECT_EQ(counters.failures(report::Failure::exception), 3u);
  EXPECT_EQ(counters.messages(MessageOutcome::unread), 2u);
  EXPECT_EQ(counters.messages(MessageOutcome::clean), 1u);
}

TEST_F(SessionTest, AFailureIsLoggedWhereTheEndDoesNotCome) {
  milter::Session one = session(all);
  one.mail("<aborted@x>");
  one.fail("", "std::bad_alloc");
  one.abort();
  one.mail("<not aborted@x>");
  one.fail("", "std::bad_alloc");
  one.mail("<closed@x>");
  one.fail("", "std::bad_alloc");
  EXPECT_EQ(lines.size(), 2u);
  one.close();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[0].find("sender=\"<aborted@x>\""), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("sender=\"<not aborted@x>\""), std::string::npos) << lines[1];
  EXPECT_NE(lines[2].find("sender=\"<closed@x>\""), std::string::npos) << lines[2];
  EXPECT_EQ(counters.failures(report::Failure::exception), 3u);
  EXPECT_EQ(counters.messages(MessageOutcome::unread), 0u);
}

TEST_F(SessionTest, AFailureCountsOnceWhereItCannotBeLogged) {
  log_fails = true;
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.fail("Q1", "in a header");
  end(one);
  one.mail("<s@x>");
  one.fail("", "at MAIL");
  end(one);
  one.mail("<s@x>");
  one.fail("", "before an abort");
  one.abort();
  log_fails = false;
  EXPECT_EQ(counters.failures(report::Failure::exception), 3u);
  EXPECT_EQ(counters.messages(MessageOutcome::unread), 2u);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  EXPECT_EQ(edits.size(), 1u) << "the next message";
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(SessionTest, BoundsTheNumberOfLines) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  for (int i = 0; i < 120; ++i) one.header("Resent-Message-ID", broken);
  end(one);
  EXPECT_EQ(edits.size(), 120u);
  ASSERT_EQ(lines.size(), 51u);
  EXPECT_NE(lines.back().find("reason=more-findings count=70"), std::string::npos);
}

TEST_F(SessionTest, ReadsCrlfFoldsAsOldSendmailDocumentsHaveThem) {
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", " =?utf-8?q?=3Ca?=\r\n =?utf-8?q?=40b=3E?=");
  end(one);
  EXPECT_EQ(edits, Strings{"Message-ID/1: <a@b>"});
  EXPECT_EQ(lines.size(), 1u) << "no control-character finding";
}

std::atomic<int> allocations = 0;

// Promise 10 of ARCHITECTURE.md, of a service with the options of before the audit trail.
TEST_F(SessionTest, AFieldThatNobodyWantsCostsNoAllocation) {
  if (__sanitizer_install_malloc_and_free_hooks == nullptr) GTEST_SKIP() << "needs a sanitizer to count";
  static const int installed = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t) { ++allocations; }, [](const volatile void*) {});
  ASSERT_NE(installed, 0);
  const std::string long_body =
      " Some One <someone@" + std::string(100, 'x') + ".example>\r\n\t" + std::string(500, 'x');
  milter::Session one = session(all);
  one.mail("<s@x>");
  const int before = allocations;
  for (const char* const name : {"From", "To", "Subject", "Received", "DKIM-Filter", "X-Other", "Content-Type"}) {
    one.header(name, long_body);
  }
  const int after = allocations;
  EXPECT_EQ(after - before, 0);
  one.header("Message-ID", long_body);
  EXPECT_GT(allocations, after) << "nothing is counted";
}

TEST_F(SessionTest, LogsWhatBecomesOfSignatures) {
  milter::Session one = session({true, false});
  one.mail("<s@x>");
  one.header("DKIM-Signature", " v=1; c=relaxed/relaxed; d=one.example; h=message-id; b=x");
  one.header("ARC-Message-Signature", " i=1; c=simple/simple; d=arc.example; h=Message-ID; b=x");
  one.header("dkim-signature", " v=1; c=relaxed/simple; d=two.example; h=from:message-id; b=x");
  one.header("DKIM-Signature", " v=1; c=relaxed/relaxed; d=other.example; h=from; b=x");
  one.header("Message-ID", broken);
  end(one);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find(" after=\"<a@b>\" dkim=breaks:one.example,arc.example,two.example client="),
            std::string::npos)
      << lines[0];
}

TEST_F(SessionTest, LargeSignaturesNeverCostAnEdit) {
  settings.policy.header_size = 4096;
  for (const bool is_first : {true, false}) {
    SCOPED_TRACE(is_first);
    edits.clear();
    lines.clear();
    milter::Session one = session(all);
    one.mail("<s@x>");
    if (!is_first) one.header("References", broken);
    one.header("DKIM-Signature", " v=1; d=one.example; h=message-id; b=x");
    one.header("ARC-Message-Signature", " i=1; d=arc.example; h=message-id; b=" + std::string(4000, 'x'));
    one.header("DKIM-Signature", " v=1; d=late.example; h=message-id; b=x");
    one.header("Message-ID", broken);
    if (is_first) one.header("References", broken);
    end(one);
    EXPECT_EQ(edits.size(), 2u);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0].find("dkim="), std::string::npos) << "no half of the truth: " << lines[0];
    EXPECT_EQ(lines[1].find("dkim="), std::string::npos) << lines[1];
    EXPECT_EQ(lines[2].find("Q1: action=reported reason=signatures-size client="), 0u) << lines[2];
  }
  lines.clear();
  milter::Session clean = session(all);
  clean.mail("<s@x>");
  clean.header("DKIM-Signature", std::string(5000, 'x'));
  clean.header("Message-ID", " <a@b>");
  end(clean);
  EXPECT_TRUE(lines.empty()) << "nobody has asked about them";
  clean.mail("<s@x>");
  clean.header("DKIM-Signature", " d=one.example; h=message-id");
  clean.header("Message-ID", broken);
  end(clean);
  EXPECT_NE(lines.at(0).find("dkim=breaks:one.example"), std::string::npos) << "the next message";
}

TEST_F(SessionTest, WithKeepNoEditIsMadeWhenSignaturesAreTooLarge) {
  settings.policy.header_size = 4096;
  settings.policy.signed_fields = msgid::SignedFields::keep;
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  one.header("DKIM-Signature", " v=1; d=one.example; h=message-id; b=" + std::string(4096, 'x'));
  end(one);
  EXPECT_TRUE(edits.empty());
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("Q1: action=reported reason=header-size client="), 0u) << lines[0];
}

TEST_F(SessionTest, SignaturesMakeRoomForListedFields) {
  settings.policy.header_size = 4096;
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("DKIM-Signature", std::string(3000, 'x'));
  one.header("Message-ID", broken);
  one.header("References", std::string(3900, ' ') + broken);
  end(one);
  EXPECT_EQ(edits.size(), 2u);
  one.mail("<s@x>");
  one.header("DKIM-Signature", std::string(3000, 'x'));
  one.header("Message-ID", broken);
  one.header("References", std::string(4090, ' ') + broken);
  end(one);
  EXPECT_EQ(edits.size(), 2u);
  EXPECT_NE(lines.back().find("reason=header-size"), std::string::npos);
}

TEST_F(SessionTest, RecordsWhatTheLogSays) {
  open_trail();
  edits_succeed = false;
  milter::Session one = session(all);
  one.mail("<app@sender.example>", "login");
  one.header("From", " Some One <someone@From.Example>,\n other@other.example");
  one.header("From", " second@second.example");
  one.header("User-Agent", " Agent/1");
  one.header("DKIM-Signature", " d=signer.example; h=message-id");
  one.header("Message-Id", broken);
  one.header("In-Reply-To", " =?utf-8?q?=3Ca=4?=");
  end(one);
  const std::vector<report::AuditRecord> all_records = records();
  ASSERT_EQ(all_records.size(), 1u);
  const report::AuditRecord& record = all_records[0];
  EXPECT_EQ(record.queue_id, "Q1");
  EXPECT_EQ(record.client_name, "app.example");
  EXPECT_EQ(record.client_address, "192.0.2.7");
  EXPECT_EQ(record.user, "login");
  EXPECT_EQ(record.sender, "app@sender.example");
  EXPECT_EQ(record.from_domain, "from.example");
  EXPECT_EQ(record.agent, "Agent/1");
  EXPECT_TRUE(record.recipient_domains.empty());
  ASSERT_EQ(record.findings.size(), 2u);
  EXPECT_EQ(record.findings[0].rule, "encoded-word");
  EXPECT_EQ(record.findings[0].field, "Message-Id");
  EXPECT_EQ(record.findings[0].instance, 1);
  EXPECT_EQ(record.findings[0].action, "failed");
  EXPECT_EQ(record.findings[0].reason, "change-header");
  EXPECT_EQ(record.findings[0].before, "=?utf-8?q?=3Ca=40b=3E?=");
  EXPECT_EQ(record.findings[0].after, "<a@b>");
  EXPECT_EQ(record.findings[0].breaks, Strings{"signer.example"});
  EXPECT_EQ(record.findings[1].action, "reported");
  EXPECT_EQ(record.findings[1].reason, "broken-escape");
  EXPECT_EQ(lines.size(), 2u);
}

TEST_F(SessionTest, CountsWhatBecameOfMessagesAndFindings) {
  using report::Failure;
  using report::Outcome;
  const auto findings = [this](msgid::RuleId rule, Outcome outcome) { return counters.findings(rule, outcome); };
  const std::string signature = " v=1; a=rsa-sha256; d=signer.example; h=message-id:in-reply-to; b=x";
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", " <a@b>");
  end(one);
  EXPECT_EQ(counters.messages(MessageOutcome::clean), 1u);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  one.header("In-Reply-To", broken);
  one.header("DKIM-Signature", signature);
  end(one);
  EXPECT_EQ(counters.messages(MessageOutcome::affected), 1u);
  EXPECT_EQ(findings(msgid::RuleId::encoded_word, Outcome::rewritten), 2u);
  EXPECT_EQ(counters.breaking_edits(Outcome::rewritten), 2u);
  edits_succeed = false;
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);
  EXPECT_EQ(findings(msgid::RuleId::encoded_word, Outcome::failed), 1u);
  EXPECT_EQ(counters.failures(Failure::change_header), 1u);
  EXPECT_EQ(counters.breaking_edits(Outcome::failed), 0u);
  one.mail("<s@x>");
  one.header("References", " <" + std::string(settings.policy.header_size, 'a') + "@b>");
  end(one);
  EXPECT_EQ(counters.messages(MessageOutcome::unread), 1u);
  EXPECT_EQ(counters.failures(Failure::header_size), 1u);
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  one.abort();
  one.mail("<s@x>");
  EXPECT_THROW(
      {
        one.header("Message-ID", broken);
        one.end_of_message("Q", [](const std::string&, int, const std::string&) -> bool { throw std::bad_alloc(); });
      },
      std::bad_alloc);
  one.fail("Q", "memory");
  EXPECT_EQ(counters.messages(MessageOutcome::clean), 1u);
  EXPECT_EQ(counters.messages(MessageOutcome::affected), 2u);
  EXPECT_EQ(counters.messages(MessageOutcome::unread), 2u);
  EXPECT_EQ(counters.failures(Failure::exception), 1u);
}

// Two rules, one edit, one broken signature.
TEST_F(SessionTest, CountsABreakingEditOnceAField) {
  settings.policy.action(msgid::RuleId::folded) = msgid::RuleAction::fix;
  const auto send = [this](milter::Negotiated negotiated) {
    milter::Session one = session(negotiated);
    one.mail("<s@x>");
    one.header("DKIM-Signature", " v=1; a=rsa-sha256; d=signer.example; h=message-id; b=x");
    one.header("Message-ID", " =?utf-8?q?=3Ca=40?=\n =?utf-8?q?b=3E?=");
    end(one);
  };
  send(all);
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_EQ(counters.breaking_edits(report::Outcome::rewritten), 1u);
  send({true, false});
  EXPECT_EQ(counters.breaking_edits(report::Outcome::would_rewrite), 1u);
  settings.policy.signed_fields = msgid::SignedFields::keep;
  send(all);
  EXPECT_EQ(counters.breaking_edits(report::Outcome::reported), 1u);
  EXPECT_EQ(counters.breaking_edits(report::Outcome::rewritten), 1u);
}

TEST_F(SessionTest, RecordsNothingOfTheMessageBefore) {
  open_trail();
  milter::Session one(std::make_shared<const config::Settings>(settings), log, trail.get(), counters);
  one.negotiated(all);
  one.connect("[192.0.2.7]", "192.0.2.7");
  one.mail("<app@sender.example>", "login");
  one.recipient("<a@first.example>");
  one.header("From", " a@from.example");
  one.abort();
  one.header("Message-ID", broken);
  end(one);  // no MTA does that
  one.mail("<>");
  one.recipient("<a@Second.example>");
  one.recipient("b@second.example");
  one.recipient("<local>");
  one.recipient("<c@third.example>");
  one.header("Message-ID", broken);
  end(one);
  one.mail("<x@y>");
  one.header("From", " a@fourth.example");
  one.header("Message-ID", broken);
  end(one);
  const std::vector<report::AuditRecord> all_records = records();
  ASSERT_EQ(all_records.size(), 3u);
  for (const int i : {0, 1}) {
    const report::AuditRecord& record = all_records[static_cast<std::size_t>(i)];
    EXPECT_EQ(record.client_name, "") << "it has none";
    EXPECT_EQ(record.user, "");
    EXPECT_EQ(record.sender, "");
    EXPECT_EQ(record.from_domain, "");
  }
  EXPECT_TRUE(all_records[0].recipient_domains.empty());
  EXPECT_EQ(all_records[1].recipient_domains, (Strings{"second.example", "third.example"}));
  EXPECT_TRUE(all_records[2].recipient_domains.empty());
  EXPECT_EQ(all_records[2].from_domain, "fourth.example");
}

/// One of many names, each with a body that shows where the field is looked at. The last two are of the policy below.
const msgid::FieldList all_fields = {
    {"Received", " from a by b", 1},
    {"Return-Path", " <s@x>", 1},
    {"From", " a@from.example", 1},
    {"Sender", " b@sender.example", 1},
    {"Reply-To", " c@reply.example", 1},
    {"To", " d@to.example", 1},
    {"Date", " Sun, 22 Nov 2026 10:00:00 +0000", 1},
    {"Subject", broken, 1},
    {"Message-ID", broken, 1},
    {"Resent-Message-ID", broken, 1},
    {"In-Reply-To", broken, 1},
    {"References", broken, 1},
    {"Content-ID", broken, 1},
    {"DKIM-Signature", " v=1; c=relaxed/relaxed; d=one.example; h=message-id; b=x", 1},
    {"ARC-Message-Signature", " i=1; c=relaxed/relaxed; d=two.example; h=message-id; b=x", 1},
    {"ARC-Seal", " i=1; d=three.example; b=x", 1},
    {"Authentication-Results", " mx.example; dkim=pass", 1},
    {"User-Agent", " Agent/1", 1},
    {"X-Mailer", " Mailer/2", 1},
    {"X-Originating-IP", " [192.0.2.9]", 1},
    {"MIME-Version", " 1.0", 1},
    {"X-Ticket", broken, 1},
    {"X-Ticket-ID", broken, 1},
};

// What AskedFields does not have never comes to the session.
TEST_F(SessionTest, LooksAtTheFieldsThatItAsksFor) {
  const auto outcome = [this](const msgid::FieldList& fields) {
    lines.clear();
    edits.clear();
    const std::size_t before = trail ? records().size() : 0;
    milter::Session one = session(all);
    one.mail("<s@x>", "login");
    one.recipient("<r@y>");
    // Of a message without findings nothing is said.
    one.header("In-Reply-To", " =?utf-8?q?=3Ca=4?=");
    for (const msgid::Field& field : fields) one.header(field.name, field.body);
    end(one);
    std::string text;
    for (const Strings* list : {&lines, &edits}) {
      for (const std::string& line : *list) text += line + "\n";
    }
    if (!trail) return text;
    std::vector<report::AuditRecord> all_records = records();
    EXPECT_EQ(all_records.size(), before + 1);
    all_records.back().time.clear();
    return text + to_json_line(all_records.back());
  };
  for (const bool has_trail : {false, true}) {
    if (has_trail) open_trail();
    settings.audit_log = trail_path;
    for (const bool has_extra_fields : {false, true}) {
      settings.policy.fields = msgid::Policy().fields;
      if (has_extra_fields) {
        settings.policy.fields.push_back({"X-Ticket", true, false});
        settings.policy.fields.push_back({"X-Ticket-ID", true, false});
      }
      const milter::AskedFields asked(settings);
      msgid::FieldList fields = {{"Message-ID", broken, 1}};  // which the signatures are over
      const std::string without = outcome(fields);
      for (const msgid::Field& field : all_fields) {
        fields.push_back(field);
        EXPECT_EQ(outcome(fields) != without, asked.has(field.name)) << field.name << has_trail << has_extra_fields;
        fields.pop_back();
      }
      fields = all_fields;
      std::erase_if(fields, [&](const msgid::Field& field) { return !asked.has(field.name); });
      EXPECT_LT(fields.size(), all_fields.size());
      EXPECT_EQ(outcome(fields), outcome(all_fields));
    }
  }
}

TEST_F(SessionTest, BoundsTheRecord) {
  open_trail();
  milter::Session one = session(all);
  one.mail("<s@x>");
  for (int i = 0; i < 300; ++i) one.recipient("<a@" + std::to_string(i) + ".example>");
  for (int i = 0; i < 120; ++i) one.header("Resent-Message-ID", broken);
  end(one);
  const std::vector<report::AuditRecord> all_records = records();
  ASSERT_EQ(all_records.size(), 1u);
  EXPECT_EQ(all_records[0].recipient_domains.size(), 100u);
  EXPECT_EQ(all_records[0].findings.size(), 50u);
  EXPECT_EQ(all_records[0].more_findings, 70u);
  EXPECT_EQ(totals().findings, (decltype(report::AuditTotals::findings){{"encoded-word", {{"rewritten", 120}}}}))
      << "all are counted";
}

TEST_F(SessionTest, CountsEveryMessageOnce) {
  settings.policy.header_size = 4096;
  open_trail();
  milter::Session one = session(all);
  one.mail("<s@x>");
  one.header("Message-ID", " <a@b>");
  end(one);  // clean
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  end(one);  // affected
  one.mail("<s@x>");
  one.header("References", std::string(5000, 'x'));
  end(one);  // over header-size
  one.mail("<s@x>");
  one.fail("Q1", "while the fields came");
  one.fail("Q1", "again");
  end(one);  // after an error
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  EXPECT_THROW(
      one.end_of_message(
          "Q1", [](const std::string&, int, const std::string&) -> bool { throw std::runtime_error("at the end"); }),
      std::runtime_error);
  one.fail("Q1", "at the end");  // as the adapter does
  one.mail("<s@x>");
  one.header("Message-ID", broken);
  one.abort();  // it does not pass
  const report::AuditTotals passed = totals();
  EXPECT_EQ(passed.clean, 1u);
  EXPECT_EQ(passed.affected, 1u);
  EXPECT_EQ(passed.unread, 3u);
  EXPECT_EQ(passed.messages, 5u);
  EXPECT_EQ(records().size(), 1u);
}

TEST_F(SessionTest, ExchangeFindingsStandBehindTheOthers) {
  settings.policy.exchange = msgid::RuleAction::report;
  open_trail();
  for (const milter::Negotiated& negotiated : {all, milter::Negotiated{false, true}}) {
    milter::Session one = session(negotiated);
    const std::size_t strip = negotiated.has_leading_space ? 0 : 1;
    one.mail("<s@x>");
    one.header("X-Raw", std::string(" \xc3\xa9").substr(strip));
    one.header("Message-ID", broken + strip);
    end(one);
    one.mail("<s@x>");
    one.header("X-Raw", std::string(" \xc3\xa9").substr(strip));
    one.abort();
    one.mail("<s@x>");
    one.header("Message-ID", std::string(" <a@b>").substr(strip));
    end(one);
  }
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_NE(lines[0].find("field=Message-ID"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("field=X-Raw instance=1 rule=exchange-non-ascii action=reported "), std::string::npos)
      << lines[1];
  EXPECT_EQ(lines[3], lines[1]);
  const std::vector<report::AuditRecord> all_records = records();
  ASSERT_EQ(all_records.size(), 2u) << "of the aborted message nothing is left";
  EXPECT_EQ(all_records[0].findings.at(1).rule, "exchange-non-ascii");
  EXPECT_EQ(all_records[0].findings.at(1).field, "X-Raw");
  const report::AuditTotals passed = totals();
  EXPECT_EQ(passed.clean, 2u);
  EXPECT_EQ(passed.findings.at("exchange-non-ascii").at("reported"), 2u);
}

}  // namespace
