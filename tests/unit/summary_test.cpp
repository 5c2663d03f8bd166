#include "report/summary.h"

#include <gtest/gtest.h>

#include <string>

#include "msgid/exchange.h"
#include "report/markup.h"
#include "report/words.h"

namespace {

using report::AuditFinding;
using report::AuditRecord;
using report::AuditTotals;
using report::Outcome;
using report::Summary;

AuditFinding finding(std::string rule, std::string field, std::string action) {
  AuditFinding result;
  result.rule = std::move(rule);
  result.field = std::move(field);
  result.instance = 1;
  result.action = std::move(action);
  result.before = "<a b@c.example>";
  result.after = result.action == "reported" ? "" : "<ab@c.example>";
  return result;
}

AuditRecord record(std::vector<AuditFinding> findings) {
  AuditRecord result;
  result.time = "2026-11-22T10:00:00Z";
  result.host = "mx1.example";
  result.queue_id = "4XyZ12";
  result.client_address = "192.0.2.7";
  result.client_name = "app.example";
  result.sender = "bounce@Shop.example";
  result.from_domain = "shop.example";
  result.agent = "shop/2.1";
  result.findings = std::move(findings);
  return result;
}

AuditRecord simple() {
  return record({finding("encoded-word", "Message-ID", "would-rewrite")});
}

AuditTotals totals(std::uint64_t messages, std::uint64_t affected) {
  AuditTotals result;
  result.since = "2026-11-22T10:00:00Z";
  result.time = "2026-11-22T10:01:00Z";
  result.host = "mx1.example";
  result.messages = messages;
  result.affected = affected;
  result.clean = messages - affected;
  return result;
}

template <class Table>
std::vector<std::string> keys(const Table& table) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table.rows) keys.push_back(key);
  return keys;
}

using Strings = std::vector<std::string>;

TEST(Summary, CountsAMessageOnceUnderEachOfItsKeys) {
  Summary summary;
  summary.add(
      record({finding("encoded-word", "Message-ID", "would-rewrite"), finding("encoded-word", "References", "reported"),
              finding("line-too-long", "references", "would-rewrite")}));
  EXPECT_EQ(summary.affected(), 1u);
  EXPECT_EQ(summary.all.counts.findings.all(), 3u);
  EXPECT_EQ(summary.rules["encoded-word"].messages.all(), 1u);
  EXPECT_EQ(summary.rules["encoded-word"].findings.all(), 2u);
  EXPECT_EQ(summary.rules["line-too-long"].findings[Outcome::would_rewrite], 1u);
  EXPECT_EQ(keys(summary.fields), (Strings{"Message-ID", "References"}));
  EXPECT_EQ(summary.fields["References"].messages[Outcome::would_rewrite], 1u);
  EXPECT_EQ(keys(summary.clients), Strings{"app.example[192.0.2.7]"});
  EXPECT_EQ(keys(summary.sender_domains), Strings{"shop.example"});
  EXPECT_EQ(keys(summary.agents), Strings{"shop/2.1"});
  EXPECT_EQ(keys(summary.days), Strings{"2026-11-22"});
  EXPECT_EQ(summary.hours[10].counts.messages.all(), 1u);
  EXPECT_TRUE(summary.from_domains.rows.empty());
}

TEST(Summary, WeighsAMessageByItsWorstOutcome) {
  Summary summary;
  summary.add(record({finding("a", "X", "reported"), finding("b", "X", "rewritten"), finding("c", "X", "failed")}));
  summary.add(record({finding("a", "X", "rewritten"), finding("b", "X", "would-rewrite")}));
  summary.add(record({finding("a", "X", "reported"), finding("b", "X", "something new")}));
  EXPECT_EQ(summary.all.counts.messages[Outcome::failed], 1u);
  EXPECT_EQ(summary.all.counts.messages[Outcome::rewritten], 1u);
  EXPECT_EQ(summary.all.counts.messages[Outcome::would_rewrite], 0u);
  EXPECT_EQ(summary.all.counts.messages[Outcome::reported], 1u);
  EXPECT_EQ(summary.all.counts.messages.changed(), 2u);
  EXPECT_EQ(summary.unknown_outcomes, 1u);
}

TEST(Summary, ShowsTheFromDomainWhereItIsAnother) {
  Summary summary;
  AuditRecord other = simple();
  other.from_domain = "News.example";
  summary.add(simple());
  summary.add(other);
  EXPECT_EQ(keys(summary.from_domains), Strings{"news.example"});
}

TEST(Summary, KnowsClientsAsPostfixLogsThem) {
  Summary summary;
  AuditRecord message = simple();
  message.client_name = "[192.0.2.7]";
  summary.add(message);
  message.client_name.clear();
  summary.add(message);
  message.client_address.clear();
  summary.add(message);
  EXPECT_EQ(keys(summary.clients), (Strings{"", "unknown[192.0.2.7]"}));
  EXPECT_EQ(summary.clients["unknown[192.0.2.7]"].messages.all(), 2u);
}

TEST(Summary, PutsTotalsIntoTheMinuteBeforeTheirEnd) {
  Summary summary;
  AuditTotals night = totals(100, 3);
  night.since = "2026-11-21T23:59:00Z";
  night.time = "2026-11-22T00:00:00Z";
  summary.add(night);
  EXPECT_EQ(keys(summary.days), Strings{"2026-11-21"});
  EXPECT_EQ(summary.hours[23].traffic.messages, 100u);
  EXPECT_EQ(report::span_of(summary), "2026-11-21 23:59 to 2026-11-22 00:00 UTC");
}

// The service's minute begins at any second, so each night has one that is of two days.
TEST(Summary, PutsTotalsOverMidnightIntoTheDayOfTheirEnd) {
  Summary summary;
  AuditTotals night = totals(100, 3);
  night.since = "2026-11-21T23:59:30Z";
  night.time = "2026-11-22T00:00:30Z";
  summary.add(night);
  EXPECT_EQ(keys(summary.days), Strings{"2026-11-22"});
  EXPECT_EQ(summary.hours[0].traffic.messages, 100u);
  night.since = "2026-11-20T00:00:30Z";
  summary.add(night);
  EXPECT_EQ(summary.days.rows.at("2026-11-22").traffic.messages, 100u) << "of more than a day";
  EXPECT_EQ(summary.all.traffic.messages, 200u);
}

// msgid-audit check writes such ones of mail without a Date.
TEST(Summary, CountsTotalsWithoutTimeInNoDay) {
  Summary summary;
  AuditTotals timeless = totals(100, 3);
  timeless.time = timeless.since = "";
  summary.add(timeless);
  EXPECT_EQ(summary.totals_count, 1u);
  EXPECT_EQ(summary.all.traffic.messages, 100u);
  EXPECT_EQ(summary.outside_window, 0u);
  EXPECT_TRUE(summary.days.rows.empty());
  EXPECT_FALSE(summary.first);
  Summary in_window(report::Window{1795341600, 1795341660});
  in_window.add(timeless);
  EXPECT_EQ(in_window.totals_count, 0u);
  EXPECT_EQ(in_window.without_time, 1u);
}

TEST(Summary, LooksThroughItsWindow) {
  Summary summary(report::Window{1795341600, 1795341660});  // 10:00:00 to 10:01:00
  AuditRecord message = simple();
  for (const char* time :
       {"2026-11-22T09:59:59Z", "2026-11-22T10:00:00Z", "2026-11-22T10:00:59Z", "2026-11-22T10:01:00Z", "yesterday"}) {
    message.time = time;
    summary.add(message);
  }
  summary.add(totals(10, 2));
  AuditTotals next = totals(10, 2);
  next.since = "2026-11-22T10:01:00Z";
  next.time = "2026-11-22T10:02:00Z";
  summary.add(next);
  EXPECT_EQ(summary.affected(), 2u);
  EXPECT_EQ(summary.all.traffic.messages, 10u);
  EXPECT_EQ(summary.outside_window, 3u);
  EXPECT_EQ(summary.without_time, 1u);
}

TEST(Summary, CountsARecordWithoutTimeInNoDay) {
  Summary summary;
  AuditRecord message = simple();
  message.time.clear();
  summary.add(message);
  EXPECT_EQ(summary.affected(), 1u);
  EXPECT_TRUE(summary.days.rows.empty());
  EXPECT_TRUE(report::timeline(summary).periods.empty());
}

TEST(Summary, CountsAnEditOnceHoweverManyRulesWantIt) {
  Summary summary;
  AuditFinding first = finding("encoded-word", "References", "would-rewrite");
  AuditFinding second = finding("line-too-long", "References", "would-rewrite");
  first.breaks = second.breaks = {"a.example", "B.example"};
  first.keeps = second.keeps = {"c.example"};
  AuditFinding kept = finding("line-too-long", "In-Reply-To", "would-rewrite");
  kept.keeps = {"c.example"};
  summary.add(record({first, second, kept}));
  summary.add(simple());
  EXPECT_EQ(summary.edits, 3u);
  EXPECT_EQ(summary.signed_edits, 2u);
  EXPECT_EQ(summary.breaking_edits, 1u);
  EXPECT_EQ(summary.breaking_messages, 1u);
  EXPECT_EQ(keys(summary.signing_domains), (Strings{"a.example", "b.example", "c.example"}));
  EXPECT_EQ(summary.signing_domains["b.example"].broken, 1u);
  EXPECT_EQ(summary.signing_domains["c.example"].kept, 2u);
}

TEST(Summary, CountsWhatWasHeldBackForASignature) {
  Summary summary;
  AuditFinding held = finding("encoded-word", "References", "reported");
  held.reason = "signed";
  held.breaks = {"a.example"};
  summary.add(record({held}));
  EXPECT_EQ(summary.edits, 0u);
  EXPECT_EQ(summary.spared_edits, 1u);
  EXPECT_EQ(summary.signing_domains["a.example"].spared, 1u);
  EXPECT_EQ(summary.signing_domains["a.example"].broken, 0u);
}

TEST(Summary, TellsApplicationsByClientAgentAndSenderDomain) {
  Summary summary;
  for (const auto& [client, agent, sender] :
       std::vector<std::array<const char*, 3>>{{"a.example", "x", "a@s.example"},
                                               {"a.example", "x", "b@s.example"},
                                               {"b.example", "x", "a@s.example"},
                                               {"a.example", "y", "a@s.example"},
                                               {"a.example", "x", "a@t.example"}}) {
    AuditRecord message = simple();
    message.client_name = client;
    message.agent = agent;
    message.sender = sender;
    summary.add(message);
  }
  const auto ranking = report::ranked(summary.applications, 2);
  EXPECT_EQ(summary.applications.rows.size(), 4u);
  ASSERT_EQ(ranking.rows.size(), 2u);
  EXPECT_EQ(ranking.rows[0].value->counts.messages.all(), 2u);
  EXPECT_EQ(ranking.rows[0].value->domain, "s.example");
  EXPECT_EQ(ranking.more_keys, 2u);
  EXPECT_EQ(ranking.rest.counts.messages.all(), 2u);
}

TEST(Summary, TakesTheDomainOfFromWhereThereIsNoSender) {
  Summary summary;
  AuditRecord bounce = simple();
  bounce.sender.clear();
  summary.add(bounce);
  EXPECT_EQ(summary.applications.rows.begin()->second.domain, "shop.example");
  EXPECT_EQ(keys(summary.sender_domains), Strings{""});
}

TEST(Summary, PrefersAnExampleThatTellsWhoWroteIt) {
  Summary summary;
  summary.add(record({finding("malformed", "X", "reported")}));
  EXPECT_EQ(summary.applications.rows.begin()->second.example.rule, "malformed");
  summary.add(record({finding("space-in-msgid", "X", "would-rewrite")}));
  summary.add(record({finding("folded", "X", "would-rewrite")}));
  EXPECT_EQ(summary.applications.rows.begin()->second.example.rule, "space-in-msgid");
  AuditFinding python = finding("encoded-word", "References", "would-rewrite");
  python.before = "=?utf-8?q?=3CDB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D=40DB9?= =?utf-8?q?PR08=2Eexample=3E?=";
  python.after = "<DB9PR08MB6809A1B2C3D4E5F60718293A4B5C6D@DB9PR08.example>";
  summary.add(record({python}));
  summary.add(simple());
  const report::Application& application = summary.applications.rows.begin()->second;
  ASSERT_NE(application.producer, nullptr);
  EXPECT_EQ(application.example.before, python.before);
  EXPECT_EQ(report::advice_for(application), application.producer->advice);
}

TEST(Summary, BoundsWhatTheOutsideWorldWrites) {
  report::Bounded<report::Counts, 3> table;
  const auto one = [] {
    report::Counts counts;
    counts.messages[Outcome::reported] = 1;
    return counts;
  };
  for (const char* key : {"a", "b", "c", "d", "e", "a"}) table[key] += one();
  EXPECT_EQ(keys(table), (Strings{"a", "b", "c"}));
  EXPECT_EQ(table["a"].messages.all(), 2u);
  EXPECT_TRUE(table.has_others);
  EXPECT_EQ(table.others.messages.all(), 2u);
  const auto ranking = report::ranked(table, 1);
  EXPECT_EQ(ranking.rows[0].key, "a");
  EXPECT_EQ(ranking.rest.messages.all(), 4u);
  EXPECT_EQ(ranking.more_keys, 2u);

  Summary summary;
  AuditRecord message = simple();
  message.agent = std::string(255, 'x') + "\xc3\xa9" + std::string(8000, 'y');
  message.findings[0].before = std::string(8000, 'z');
  for (int i = 0; i < 200; ++i) message.findings.push_back(finding("rule-" + std::to_string(i), "X", "reported"));
  summary.add(message);
  EXPECT_EQ(keys(summary.agents), Strings{std::string(255, 'x')});
  const report::Application& application = summary.applications.rows.begin()->second;
  EXPECT_LE(application.example.before.size(), report::max_example_octets + 3);
  EXPECT_EQ(application.rules.size(), report::max_rules);
}

TEST(Summary, DrawsDaysThenMonthsThenYears) {
  const auto with_days = [](const Strings& days) {
    Summary summary;
    for (const std::string& day : days) {
      AuditRecord message = simple();
      message.time = day + "T12:00:00Z";
      summary.add(message);
    }
    return report::timeline(summary);
  };
  const report::Timeline days = with_days({"2026-11-29", "2026-12-02"});
  EXPECT_EQ(days.unit, "day");
  ASSERT_EQ(days.periods.size(), 4u);
  EXPECT_EQ(days.periods[1].label, "2026-11-30");
  EXPECT_EQ(days.periods[1].slot.counts.messages.all(), 0u);
  EXPECT_EQ(days.periods[3].tick, "2");
  EXPECT_EQ(days.periods[3].group, "Dec");

  EXPECT_EQ(with_days({"2026-01-01", "2026-03-03"}).periods.size(), 62u);
  const report::Timeline months = with_days({"2025-11-30", "2025-11-01", "2026-02-28"});
  EXPECT_EQ(months.unit, "month");
  ASSERT_EQ(months.periods.size(), 4u);
  EXPECT_EQ(months.periods[0].slot.counts.messages.all(), 2u);
  EXPECT_EQ(months.periods[2].label, "2026-01");
  EXPECT_EQ(months.periods[2].group, "2026");

  const report::Timeline years = with_days({"1998-11-30", "2026-02-28"});
  EXPECT_EQ(years.unit, "year");
  EXPECT_EQ(years.periods.size(), 29u);
  const report::Timeline hostile = with_days({"1970-01-01", "9999-12-31", "2026-11-22"});
  ASSERT_EQ(hostile.periods.size(), 3u);
  EXPECT_EQ(hostile.periods[2].label, "9999");
}

TEST(Words, ShareIsHundredOnlyForAll) {
  EXPECT_EQ(report::share(0, 10), "0 %");
  EXPECT_EQ(report::share(10, 10), "100 %");
  EXPECT_EQ(report::share(99999, 100000), "99.9 %");
  EXPECT_EQ(report::share(18, 1000), "1.8 %");
  EXPECT_EQ(report::share(42, 10000), "0.42 %");
  EXPECT_EQ(report::share(1, 1000000), "<0.01 %");
  EXPECT_EQ(report::share(5, 0), "-");
  EXPECT_EQ(report::share(300, 100), "-") << "the totals of the last minute are still to come";
  EXPECT_EQ(report::grouped(1234567), "1,234,567");
  EXPECT_EQ(report::grouped(999), "999");
}

TEST(Words, HeadlineSaysWhatItComesTo) {
  Summary nothing;
  EXPECT_EQ(report::headline(nothing), "No mail is on record.");
  nothing.add(totals(1000, 0));
  EXPECT_EQ(report::headline(nothing), "Nothing was found in 1,000 messages.");

  Summary summary;
  for (int i = 0; i < 18; ++i) summary.add(simple());
  EXPECT_EQ(report::headline(summary), "18 messages would have been changed; one application writes all of them.");
  summary.add(totals(1000, 18));
  EXPECT_EQ(report::headline(summary), "1.8 % of the mail would have been changed; one application writes all of it.");
  AuditRecord other = simple();
  other.agent = "other";
  summary.add(other);
  EXPECT_EQ(report::headline(summary),
            "1.9 % of the mail would have been changed; one application writes nearly all of it.");
  for (int i = 0; i < 40; ++i) {
    other.agent = "agent " + std::to_string(i);
    summary.add(other);
  }
  EXPECT_EQ(report::headline(summary),
            "5.9 % of the mail would have been changed; the ten worst applications write 45.8 % of it.");

  // Records come at once, totals after a minute.
  Summary early;
  early.add(totals(0, 0));
  early.add(simple());
  EXPECT_EQ(report::headline(early), "1 message would have been changed; one application writes all of them.");
  early.add(totals(2, 0));
  for (int i = 0; i < 4; ++i) early.add(simple());
  EXPECT_EQ(report::headline(early), "5 messages would have been changed; one application writes all of them.");
  EXPECT_NE(report::to_json(early, 10).find("\"share\": null"), std::string::npos);
  EXPECT_EQ(report::to_html(early, 10).find("250"), std::string::npos);

  Summary reported;
  reported.add(totals(200, 1));
  reported.add(record({finding("malformed", "Message-ID", "reported")}));
  EXPECT_EQ(report::headline(reported),
            "0.50 % of the mail had faults that are reported, not changed; one application writes all of it.");

  Summary rewriting;
  rewriting.add(totals(100, 3));
  rewriting.add(record({finding("encoded-word", "Message-ID", "rewritten")}));
  rewriting.add(simple());
  EXPECT_EQ(report::headline(rewriting),
            "1.0 % of the mail was changed, and 1.0 % of the mail would have been changed; one application writes all "
            "of it.");
}

TEST(Words, NotesSayWhereTotalsAndRecordsDiffer) {
  Summary summary;
  summary.add(simple());
  ASSERT_EQ(report::notes(summary).size(), 1u);
  EXPECT_NE(report::notes(summary)[0].find("hold no totals"), std::string::npos);
  summary.add(totals(100, 1));
  EXPECT_EQ(report::notes(summary), Strings{});
  summary.add(totals(100, 7));
  ASSERT_EQ(report::notes(summary).size(), 1u);
  EXPECT_NE(report::notes(summary)[0].find("count 8 affected messages, and there are records of 1."),
            std::string::npos);
}

TEST(Words, EveryRuleIsPutIntoPlainWords) {
  for (const msgid::Rule& rule : msgid::rules()) EXPECT_NE(report::rule_words(rule.name), nullptr) << rule.name;
  for (const msgid::Rule& rule : msgid::exchange_rules()) {
    EXPECT_NE(report::rule_words(rule.name), nullptr) << rule.name;
  }
  EXPECT_EQ(report::rule_words("no-such-rule"), nullptr);
}

/// Values that would do harm where they are not escaped.
Summary hostile() {
  Summary summary;
  AuditRecord message = simple();
  message.agent = "=cmd|'/c calc'!A1\x1b[31m</script><script>alert(1)</script>\"' onload=\xe2\x80\xae";
  message.client_name = "a\"><b>.example";
  message.sender = "x@<i>.example";
  message.from_domain = "+1+1";
  message.host = "@host,\"q\"";
  message.queue_id = "</style>";
  message.findings[0].field = "X<u>";
  message.findings[0].rule = "<s>";
  message.findings[0].before = "\x7f<svg onload=alert(1)>\n";
  message.findings[0].breaks = {"</td>", "-2"};
  summary.add(message);
  summary.reading.troubles = {"<img>: no"};
  summary.reading.files = 1;
  return summary;
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t number = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++number;
  return number;
}

TEST(Formats, HtmlIsOnlyOurMarkup) {
  const std::string page = report::to_html(hostile(), 10);
  for (const char* tag :
       {"<script", "<b>", "<i>", "<u>", "<s>", "<img", "<svg onload", "\x1b", "\x7f", "\xe2\x80\xae"}) {
    EXPECT_EQ(page.find(tag), std::string::npos) << tag;
  }
  EXPECT_EQ(count(page, "</style>"), 1u);
  EXPECT_EQ(count(page, "<td>"), count(page, "</td>"));
  EXPECT_EQ(count(page, "<bdi>"), count(page, "</bdi>"));
  EXPECT_EQ(report::html("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
}

TEST(Formats, HtmlHasAColumnForMessagesOutOfScopeWhereThereAreSome) {
  Summary summary;
  summary.add(simple());
  summary.add(totals(100, 3));
  EXPECT_EQ(report::to_html(summary, 10).find(">exempt</th>"), std::string::npos);
  AuditTotals limited = totals(100, 3);
  limited.clean -= 41;
  limited.exempt = 41;
  summary.add(limited);
  const std::string page = report::to_html(summary, 10);
  EXPECT_NE(page.find(">exempt</th>"), std::string::npos);
  EXPECT_NE(page.find("<td>41</td>"), std::string::npos);
}

TEST(Formats, HtmlAsksForNothing) {
  const std::string page = report::to_html(hostile(), 10);
  for (const char* part : {"http:", "https:", "url(", "src=", "@import", "<link", "javascript:"}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
  EXPECT_NE(page.find("default-src 'none'; style-src 'unsafe-inline'"), std::string::npos);
}

TEST(Formats, CsvHasNoFormulas) {
  const std::string table = report::to_csv(hostile(), 10);
  EXPECT_NE(table.find("\r\nagent,\"'=cmd|"), std::string::npos);
  EXPECT_NE(table.find("\r\nfrom_domain,'+1+1,"), std::string::npos);
  EXPECT_NE(table.find("\r\nsigning_domain,'-2,"), std::string::npos);
  EXPECT_NE(table.find("\r\nrelay,\"'@host,\"\"q\"\"\","), std::string::npos);
  EXPECT_EQ(table.find_first_of("\x1b\x7f"), std::string::npos);
  EXPECT_EQ(count(table, "\n"), count(table, "\r\n"));
  Summary summary;
  AuditRecord message = simple();
  message.agent = "x;=HYPERLINK(1); \"@y;z";
  summary.add(message);
  EXPECT_NE(report::to_csv(summary, 10).find("x;'=HYPERLINK(1);' \"\"@y;z"), std::string::npos);
}

TEST(Formats, CsvHasNoFormulasAfterSpaceOfAnyKind) {
  for (const char* const space :
       {" ", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007",
        "\u2008", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000", " \u00a0\u3000'\u2003"}) {
    for (const char* const sign : {"=", "+", "-", "@", "\uff1d"}) {
      const std::string formula = std::string(space) + sign + "1;" + space + sign + "2";
      Summary summary;
      AuditRecord message = simple();
      message.agent = formula;
      summary.add(message);
      const std::string wanted = "\r\nagent,'" + std::string(space) + sign + "1;'" + space + sign + "2,";
      EXPECT_NE(report::to_csv(summary, 10).find(wanted), std::string::npos) << formula;
    }
  }
  Summary summary;
  AuditRecord message = simple();
  message.agent = "\u00a0x =1";
  summary.add(message);
  EXPECT_NE(report::to_csv(summary, 10).find("\r\nagent,\u00a0x =1,"), std::string::npos);
}

TEST(Formats, TextAndJsonDoNothingToATerminal) {
  Summary summary = hostile();
  for (const std::string& text : {report::to_text(summary, 10, 80), report::to_json(summary, 10)}) {
    EXPECT_EQ(text.find_first_of("\x1b\x7f\r"), std::string::npos);
    EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos);
  }
}

TEST(Formats, TextKeepsToItsColumns) {
  Summary summary;
  summary.add(totals(100000, 1));
  summary.add(simple());
  for (const std::size_t columns : {std::size_t{80}, std::size_t{120}}) {
    const std::string text = report::to_text(summary, 10, columns);
    std::size_t longest = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      longest = std::max(longest, end - begin);
      begin = end + 1;
    }
    EXPECT_LE(longest, columns);
  }
}

TEST(Formats, AreTheSameForTheSame) {
  for (const auto format : {report::to_json, report::to_csv, report::to_html}) {
    EXPECT_EQ(format(hostile(), 10), format(hostile(), 10));
  }
}

TEST(Formats, TakeAnEmptySummary) {
  const Summary summary;
  EXPECT_NE(report::to_text(summary, 10, 100).find("No mail is on record."), std::string::npos);
  EXPECT_NE(report::to_html(summary, 10).find("No mail is on record."), std::string::npos);
  EXPECT_NE(report::to_json(summary, 10).find("\"share\": null"), std::string::npos);
  EXPECT_EQ(count(report::to_csv(summary, 10), "\r\n"), 26u);
}

}  // namespace
