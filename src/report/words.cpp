#include "report/words.h"

#include <array>
#include <cstdio>
#include <functional>

#include "report/instant.h"

namespace report {

namespace {

constexpr std::array<std::string_view, 11> numerals = {"no",  "one",   "two",   "three", "four", "five",
                                                       "six", "seven", "eight", "nine",  "ten"};

std::string numeral(std::size_t number) {
  return number < numerals.size() ? std::string(numerals[number]) : grouped(number);
}

void begin_with_capital(std::string& sentence) {
  if (!sentence.empty() && sentence[0] >= 'a' && sentence[0] <= 'z') {
    sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  }
}

/// "1.8 % of the mail", or "1,204 messages" where the share is not known.
std::string amount(const Summary& summary, std::uint64_t messages) {
  if (!is_share_known(summary)) return counted(messages, "message");
  return share(messages, summary.all.traffic.messages) + " of the mail";
}

/// "three applications write nearly all of it". `count_of` is what of an application is looked at.
std::string who_writes(const Summary& summary, const std::function<std::uint64_t(const Counts&)>& count_of) {
  constexpr std::size_t most = 10;
  const std::uint64_t all = count_of(summary.all.counts);
  const std::string what = is_share_known(summary) ? "it" : "them";
  std::vector<std::uint64_t> counts;
  for (const auto& [key, application] : summary.applications.rows) {
    if (const std::uint64_t count = count_of(application.counts); count > 0) counts.push_back(count);
  }
  std::sort(counts.begin(), counts.end(), std::greater<>());
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.size() && i < most; ++i) {
    sum += counts[i];
    const bool is_all = sum == all;
    if (!is_all && static_cast<double>(sum) < 0.9 * static_cast<double>(all)) continue;
    return numeral(i + 1) + (i == 0 ? " application writes " : " applications write ") + (is_all ? "" : "nearly ") +
           "all of " + what;
  }
  return "the ten worst applications write " + share(sum, all) + " of " + what;
}

std::string because_of_totals(const Summary& summary) {
  const std::uint64_t by_totals = summary.all.traffic.affected;
  const std::uint64_t by_records = summary.affected();
  return "The totals count " + grouped(by_totals) + " affected messages, and there are records of " +
         grouped(by_records) +
         ". They differ a little where a trail begins or ends between two totals; a large gap means that a file was "
         "not "
         "given, or that records could not be written.";
}

}  // namespace

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string counted(std::uint64_t number, std::string_view singular) {
  std::string text = grouped(number);
  text += ' ';
  text += singular;
  if (number != 1) text += 's';
  return text;
}

bool is_share_known(const Summary& summary) {
  return summary.totals_count > 0 && summary.affected() <= summary.all.traffic.messages;
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0 || part > whole) return "-";
  if (part == 0) return "0 %";
  if (part == whole) return "100 %";
  const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  if (percent < 0.01) return "<0.01 %";
  if (part < whole && percent > 99.9) return "99.9 %";
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), percent < 0.995 ? "%.2f %%" : "%.1f %%", percent);
  return text.data();
}

std::string headline(const Summary& summary) {
  const ByOutcome& messages = summary.all.counts.messages;
  const std::uint64_t passed = summary.all.traffic.messages;
  if (messages.all() == 0 && summary.all.traffic.affected > 0) {
    return amount(summary, summary.all.traffic.affected) + " had findings; what they were these trails do not tell.";
  }
  if (messages.all() == 0) {
    return passed == 0 ? "No mail is on record." : "Nothing was found in " + counted(passed, "message") + ".";
  }
  const std::uint64_t was = messages[Outcome::rewritten];
  const std::uint64_t would = messages[Outcome::would_rewrite] + messages[Outcome::failed];
  std::string sentence;
  if (was > 0)
    sentence = amount(summary, was) + (!is_share_known(summary) && was != 1 ? " were changed" : " was changed");
  if (would > 0) {
    sentence += sentence.empty() ? "" : ", and ";
    sentence += amount(summary, would) + " would have been changed";
  }
  if (was + would == 0) sentence = amount(summary, messages.all()) + " had faults that are reported, not changed";
  sentence += "; ";
  sentence += was + would == 0 ? who_writes(summary, [](const Counts& counts) { return counts.messages.all(); })
                               : who_writes(summary, [](const Counts& counts) { return counts.messages.changed(); });
  sentence += '.';
  begin_with_capital(sentence);
  return sentence;
}

std::string span_of(const Summary& summary) {
  if (!summary.first || !summary.last) return {};
  return minute_of(*summary.first) + " to " + minute_of(*summary.last) + " UTC";
}

std::vector<std::string> notes(const Summary& summary) {
  std::vector<std::string> notes;
  const Reading& reading = summary.reading;
  const auto say = [&](std::uint64_t number, std::string_view singular, std::string_view what) {
    if (number > 0) notes.push_back(counted(number, singular) + std::string(what));
  };
  for (const std::string& trouble : reading.troubles) notes.push_back("Not read, or not to its end: " + trouble + ".");
  say(reading.unreadable, "line", " could not be read: no record, or one that is cut. The rest counts.");
  say(reading.too_long, "line", " left out: longer than a record can be.");
  say(reading.unknown, "record", " of a type that this version does not know, left out.");
  say(reading.repeated, "line",
      " there more than once, to the letter: was the same trail given twice, plain and compressed perhaps? Everything "
      "is counted as often as it is given.");
  if (summary.totals_count == 0 && summary.affected() > 0) {
    notes.emplace_back(
        "The trails hold no totals: how much mail passed without findings, and so the share, is not known.");
  } else if (summary.all.traffic.affected != summary.affected() && summary.totals_count > 0) {
    notes.push_back(because_of_totals(summary));
  }
  say(summary.all.traffic.unread, "message",
      " passed without a look: the header was over header-size, or there was an error, which the log names.");
  say(summary.all.counts.messages[Outcome::failed], "message",
      " had an edit that the MTA did not take; the log names them.");
  say(summary.left_out, "finding", " not on record: a record holds a limited number, and counts the others.");
  say(summary.unknown_outcomes, "finding", " with an action that this version does not know, counted as reported.");
  if (!summary.window.is_open()) {
    say(summary.without_time, "record", " without a time, left out.");
  } else {
    say(summary.without_time, "record", " without a time: in no day and no hour.");
  }
  if (summary.clients.has_others || summary.sender_domains.has_others || summary.agents.has_others ||
      summary.from_domains.has_others || summary.days.has_others || summary.applications.has_others ||
      summary.fields.has_others || summary.rules.has_others || summary.relays.has_others ||
      summary.signing_domains.has_others) {
    notes.emplace_back(
        "There are more different values than are kept apart (50,000 of a kind, 20,000 applications): those that came "
        "last are counted together, as others.");
  }
  return notes;
}

std::vector<std::string> signature_words(const Summary& summary) {
  std::vector<std::string> words;
  const bool was = summary.all.counts.messages[Outcome::rewritten] > 0;
  if (summary.edits == 0 && summary.spared_edits == 0) {
    words.emplace_back("Nothing would be changed, so no signature is at stake.");
    return words;
  }
  std::string sentence = counted(summary.edits, "field") + (was ? " changed" : " would be changed");
  sentence += summary.signed_edits == 0
                  ? ", none of them under a DKIM or ARC signature."
                  : "; " + grouped(summary.signed_edits) + " of them under a DKIM or ARC signature.";
  if (summary.signed_edits > 0) {
    sentence += summary.breaking_edits == 0 ? " All signatures survive that."
                                            : " " + counted(summary.breaking_messages, "message") +
                                                  (was ? " lost" : " would lose") + " a signature that way.";
  }
  words.push_back(sentence);
  if (summary.breaking_edits > 0) {
    words.emplace_back(
        "On the way in to Exchange that is mostly the better of two evils: verify before this filter; a broken "
        "signature arrives, a bounce does not. On the way out, sign after this filter, or set \"signed = keep\", which "
        "leaves such fields as they are.");
  }
  if (summary.spared_edits > 0) {
    words.push_back(counted(summary.spared_edits, "field") +
                    " left as found, for the sake of a signature (\"signed = keep\").");
  }
  return words;
}

std::string_view words_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::failed:
      return "not taken";
    case Outcome::rewritten:
      return "changed";
    case Outcome::would_rewrite:
      return "would change";
    case Outcome::reported:
      break;
  }
  return "reported";
}

std::vector<Outcome> outcomes_of(const Summary& summary) {
  std::vector<Outcome> present;
  for (const Outcome outcome : outcomes) {
    if (summary.all.counts.findings[outcome] > 0) present.push_back(outcome);
  }
  return present;
}

std::string where_of(const Example& example) {
  std::string where = example.field;
  if (!example.part.empty()) where += " of part " + example.part;
  std::string origin;
  for (const std::string* const value : {&example.time, &example.host, &example.queue_id, &example.source}) {
    if (!value->empty()) origin += (origin.empty() ? "" : " ") + *value;
  }
  if (!origin.empty()) where += ", " + origin;
  if (!example.user.empty()) where += ", authenticated as " + example.user;
  return where;
}

std::string after_of(const Example& example) {
  return example.after == example.before && !example.after.empty() ? "the same, with other line breaks" : example.after;
}

std::string_view advice_for(const Application& application) {
  if (application.producer != nullptr) return application.producer->advice;
  std::string_view most_frequent;
  std::uint64_t most = 0;
  for (const auto& [rule, messages] : application.rules) {
    if (messages > most && rule_words(rule) != nullptr) {
      most = messages;
      most_frequent = rule;
    }
  }
  const RuleWords* const words = rule_words(most_frequent);
  return words == nullptr
             ? std::string_view("Show them the example; msgid-milter.conf(5) says what the rule looks for.")
             : words->advice;
}

}  // namespace report
