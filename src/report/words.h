// Sentences and numbers for people: what the text and the HTML report have in common.
#ifndef MSGID_REPORT_WORDS_H
#define MSGID_REPORT_WORDS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/summary.h"

namespace report {

/// "1,234,567".
std::string grouped(std::uint64_t number);

/// "1,204 messages", "1 message".
std::string counted(std::uint64_t number, std::string_view singular);

/// Whether the totals tell how much mail there was. They lag behind the records: by a minute, or where a service was
/// killed.
bool is_share_known(const Summary& summary);

/// "1.8 %"; only what is all is "100 %". "-" of nothing, or of less than the part.
std::string share(std::uint64_t part, std::uint64_t whole);

/// What the report comes to, in a sentence or two.
std::string headline(const Summary& summary);

/// "2026-11-16 00:00 to 2026-11-22 23:59 UTC"; empty where no time is known.
std::string span_of(const Summary& summary);

/// What makes the numbers less than the whole truth, a sentence or two each.
std::vector<std::string> notes(const Summary& summary);

/// What the edits do to signatures, in sentences.
std::vector<std::string> signature_words(const Summary& summary);

/// A column's or a bar's name, "would be changed".
std::string_view words_of(Outcome outcome);

/// The outcomes that a summary has at all: the others need no column.
std::vector<Outcome> outcomes_of(const Summary& summary);

/// Where an example is to be found again: "Message-ID, 2026-11-16T08:00:04Z mx1.example 4XyZ12AbCd".
std::string where_of(const Example& example);

/// The example's field after the edit; in words where only its folds change. Empty where there is no edit.
std::string after_of(const Example& example);

/// What stands for an empty key of a table: no agent named, no envelope sender, no client of a mail from a file.
inline constexpr std::string_view none = "(none)";

/// A rule in plain words.
struct RuleWords {
  std::string_view rule;
  std::string_view meaning;  ///< what is wrong with the mail
  std::string_view advice;   ///< what to tell the people who wrote it
};

/// Null for a rule that this version does not know.
const RuleWords* rule_words(std::string_view rule) noexcept;

/// What to tell the people behind an application: what is known of their software, else what belongs to its most
/// frequent rule.
std::string_view advice_for(const Application& application);

}  // namespace report

#endif
