#include "milter/session.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr const char* broken = " =?utf-8?q?=3Ca=40b=3E?=";

class SessionTest : public testing::Test {
 protected:
  milter::Session session(milter::Negotiated negotiated) {
    milter::Session made(std::make_shared<const config::Settings>(settings), log);
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

  config::Settings settings;
  bool edits_succeed = true;
  std::vector<std::string> edits;
  std::vector<std::string> lines;
  report::Log log{[this](report::Severity, std::string_view line) { lines.emplace_back(line); }};
};

using Strings = std::vector<std::string>;
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
  settings.header_size = 4096;
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

}  // namespace
