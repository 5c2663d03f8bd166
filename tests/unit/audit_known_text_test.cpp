#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "audit/known_text.h"
#include "msgid/exchange.h"

namespace {

using audit::Reason;

std::vector<std::string_view> recognised(std::string_view text) {
  std::vector<std::string_view> names;
  for (const audit::KnownText* row : audit::recognise(text)) names.push_back(row->text);
  return names;
}

constexpr std::string_view tnef =
    "554 5.6.0 Corrupt message content; STOREDRV.Deliver.Exception:ConversionFailedException; Failed to process "
    "message "
    "due to a permanent exception with message Content conversion: Corrupt summary TNEF content. "
    "ConversionFailedException: Content conversion: Corrupt summary TNEF content. [Stage: PromoteCreateReplay]";

struct Case {
  std::string_view text;
  std::string_view row;
};

// As found in Microsoft's documents, in issue trackers, and in the logs and configurations of the programs named.
const std::vector<Case> cases = {
    {tnef, "Corrupt summary TNEF content"},
    {"#554 5.6.0 STOREDRV.Deliver; Corrupt message content ##", "Corrupt message content (5.6.0)"},
    {"554 5.6.0 STOREDRV.Submit; Corrupt message content", "STOREDRV.Submit ... Corrupt message content"},
    {"554 5.6.0 Corrupt message content; STOREDRV.Deliver.Exception:ConversionFailedException; Failed to process "
     "message",
     "ConversionFailedException (554 5.6.0 Corrupt message content)"},
    {"[Stage: PromoteCreateReplay]", "Stage: PromoteCreateReplay"},
    {"MaxMimeTextHeaderLength exceeded", "content conversion limit (MaxMimeTextHeaderLength and others)"},
    {"554 5.3.4 Content conversion limit(s) exceeded; STOREDRV.Deliver.Exception:ConversionFailedException",
     "content conversion limit (Subject, parts, recipients or nested messages)"},
    {"554 5.6.211 Invalid MIME Content: Number of Header objects (100001) exceeded", "Invalid MIME Content (5.6.211)"},
    {"Remote Server returned '550 5.6.0 CAT.InvalidContent.Exception: InvalidCharsetException, Character set name "
     "(cp-850) is invalid or not installed.; cannot handle content of message'",
     "InvalidCharsetException (550 5.6.0 CAT.InvalidContent.Exception)"},
    {"550 5.6.0 CAT.InvalidContent.Exception: ExchangeDataException, Decoding of header X-Sender failed; raw value",
     "Decoding of header failed (550 5.6.0 CAT.InvalidContent.Exception)"},
    {"550 5.6.0 CAT.InvalidContent.Exception: Another, text", "CAT.InvalidContent.Exception (5.6.0)"},
    {"554 5.6.0 Invalid message content", "Invalid message content (554 5.6.0)"},
    {"550 5.6.200 STOREDRV.Deliver; message is treated as poison. Crash count = '3'", "message is treated as poison"},
    {"SMTPSEND.BareLinefeedsAreIllegal; message contains bare linefeeds, which cannot be sent via DATA",
     "bare line feeds (550 5.6.11 InvalidCharacters, SMTPSEND.BareLinefeedsAreIllegal)"},
    {"550 5.6.11 InvalidCharacters; message", "InvalidCharacters (550 5.6.11)"},
    {"552 5.3.4 Header size exceeds fixed maximum size", "Header size exceeds fixed maximum size (552 5.3.4)"},
    {"552 5.6.0 Headers too large (32768 max)", "Headers too large (552 5.6.0)"},
    {"postfix/smtp[1]: 4XyZ: breaking line > 998 bytes with <CR><LF>SPACE",
     "breaking line > 998 bytes with <CR><LF>SPACE"},
    {"550 maximum allowed line length is 998 octets, got 1003", "line too long (over 998 octets)"},
    {"message has lines too long for transport", "message has lines too long for transport"},
    {"500 Line too long", "Line too long"},
    {"milter unix:/run/x.sock: can't read SMFIC_HEADER reply packet header: Success",
     "can't read SMFIC_... reply packet header"},
    {"550-5.7.1 [192.0.2.7] Messages missing a valid Message-ID header are not 550-5.7.1 accepted.",
     "Messages missing a valid Message-ID header are not accepted"},
    {"550-5.7.1 Messages missing a valid messageId header are not 550 5.7.1 accepted",
     "Messages missing a valid Message-ID header are not accepted"},
    {"554 5.6.0 something nobody has heard of", "5.6.0"},
};

TEST(KnownText, EachIsRecognisedAndNothingElse) {
  std::vector<std::string_view> seen;
  for (const Case& one : cases) {
    EXPECT_EQ(recognised(one.text), std::vector{one.row}) << one.text;
    seen.push_back(one.row);
  }
  for (const audit::KnownText& row : audit::known_texts()) {
    EXPECT_NE(std::find(seen.begin(), seen.end(), row.text), seen.end()) << row.text << " has no case here";
    EXPECT_FALSE(row.meaning.empty() || row.source.empty() || row.help.empty()) << row.text;
  }
}

TEST(KnownText, HoweverItIsWrapped) {
  for (std::size_t width = 1; width < 40; ++width) {
    std::string wrapped;
    for (std::size_t at = 0; at < tnef.size(); at += width) {
      wrapped += tnef.substr(at, width);
      wrapped += "\r\n\t\xc2\xa0 ";
    }
    EXPECT_EQ(recognised(wrapped), std::vector{cases[0].row}) << width;
  }
}

// A word of somebody's name made it a bounce about a limit.
TEST(KnownText, LimitedIsNoLimit) {
  EXPECT_EQ(
      recognised("554 5.6.0 STOREDRV.Deliver.Exception:ConversionFailedException; Failed to process message due to "
                 "a permanent exception with message Content conversion: Failed due to corrupt TNEF\n"
                 "Recipient: Example Limited"),
      std::vector<std::string_view>{"ConversionFailedException (554 5.6.0 Corrupt message content)"});
}

TEST(KnownText, TwoOfDifferentKinds) {
  EXPECT_EQ(recognised("breaking line > 998 bytes with <CR><LF>SPACE ... can't read SMFIC_BODYEOB reply packet header")
                .size(),
            2u);
}

TEST(KnownText, OthersAreNotTaken) {
  for (const std::string_view text :
       {"550 5.1.1 User unknown", "554 5.2.2 mailbox full; STOREDRV.Deliver.Exception:QuotaExceededException",
        "version 5.6.0 of the kernel", "550 5.7.1 Unable to relay", "", "a line that is not too long"}) {
    EXPECT_TRUE(recognised(text).empty()) << text;
  }
}

TEST(KnownText, Status) {
  struct Status {
    std::string_view text, status;
  };
  for (const Status& one : std::vector<Status>{{"550 5.1.1 x", "5.1.1"},
                                               {"550-5.7.1 x", "5.7.1"},
                                               {"Status: 5.0.0", "5.0.0"},
                                               {"dsn=4.4.1, status=deferred", "4.4.1"},
                                               {"<server.example #5.1.1>", "5.1.1"},
                                               {"#5.1.10#", "5.1.10"},
                                               {"said: 554\n 5.6.211 x", "5.6.211"},
                                               {"5.1.1", ""},
                                               {"Linux 5.15.0", ""},
                                               {"450 5.1.1", ""},
                                               {"550 5.1.1.2", ""},
                                               {"550 5.1.1234", ""},
                                               {"550 5.8.1", ""},
                                               {"1550 5.1.1", ""},
                                               {"550 5.", ""},
                                               {"550 5..1", ""},
                                               {".", ""},
                                               {"", ""}}) {
    EXPECT_EQ(audit::find_status(one.text), one.status) << one.text;
  }
  EXPECT_EQ(audit::status_subject("5.1.1"), "an address");
  EXPECT_EQ(audit::status_subject("5.6.211"), "the content or the format of the message");
  EXPECT_EQ(audit::status_subject("5.0.0"), "something it does not name");
  EXPECT_EQ(audit::status_subject(""), "something it does not name");
}

TEST(KnownText, TextBehind) {
  EXPECT_EQ(audit::text_behind("x Character Set Name (cp-850) is", "character set name (", ")"), "cp-850");
  EXPECT_EQ(audit::text_behind("x Character set\r\n  name\t(cp-850) is", "character set name (", ")"), "cp-850");
  EXPECT_EQ(audit::text_behind("Character setname (x) Character set name", "character set name (", ")"), "");
  EXPECT_EQ(audit::text_behind("Character set name (cp-850", "character set name (", ")"), "");
  EXPECT_EQ(audit::text_behind("Character set name (" + std::string(200, 'x') + ')', "character set name (", ")"), "");
  EXPECT_EQ(audit::text_behind("", "character set name (", ")"), "");
}

TEST(KnownText, WhatExplainsWhat) {
  const auto core = [](msgid::RuleId id, std::string field) {
    return msgid::Finding{
        &msgid::rules()[static_cast<std::size_t>(id)], std::move(field), 1, msgid::Action::report, {}, {}, {}};
  };
  const auto exchange = [](msgid::RuleId id) {
    return msgid::Finding{&msgid::exchange_rule(id), "Subject", 1, msgid::Action::report, {}, {}, {}};
  };
  using msgid::RuleId;
  EXPECT_TRUE(audit::explains(core(RuleId::encoded_word, "message-id"), Reason::message_id));
  EXPECT_FALSE(audit::explains(core(RuleId::encoded_word, "In-Reply-To"), Reason::message_id));
  EXPECT_FALSE(audit::explains(exchange(RuleId::exchange_charset), Reason::message_id));
  EXPECT_TRUE(audit::explains(exchange(RuleId::exchange_charset), Reason::charset));
  EXPECT_TRUE(audit::explains(core(RuleId::references_too_long, "References"), Reason::long_field));
  EXPECT_TRUE(audit::explains(exchange(RuleId::exchange_header_size), Reason::header_size));
  EXPECT_TRUE(audit::explains(exchange(RuleId::exchange_non_ascii), Reason::raw_octets));
  EXPECT_TRUE(audit::explains(core(RuleId::line_too_long, "References"), Reason::long_line));
  EXPECT_TRUE(audit::explains(core(RuleId::malformed, "Message-ID"), Reason::not_there));
  EXPECT_FALSE(audit::explains(core(RuleId::encoded_word, "Message-ID"), Reason::unknown));
}

}  // namespace
