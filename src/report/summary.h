// What audit trails say, counted: records and totals go in one by one, and the formats of `msgid-audit report` read
// what has come of them.
//
// Pure, and the same for the same input in the same order. Memory is bounded whatever the outside world writes: of each
// kind of key (client, sender domain, ...) the first Bounded::max_keys are kept apart, all later ones are counted
// together.
#ifndef MSGID_REPORT_SUMMARY_H
#define MSGID_REPORT_SUMMARY_H

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/audit_record.h"
#include "report/log.h"
#include "report/producer.h"

namespace report {

/// Counts by what has become of something. The order is that of Outcome.
struct ByOutcome {
  std::array<std::uint64_t, 4> counts{};

  std::uint64_t& operator[](Outcome outcome) { return counts[static_cast<std::size_t>(outcome)]; }
  std::uint64_t operator[](Outcome outcome) const { return counts[static_cast<std::size_t>(outcome)]; }
  std::uint64_t all() const { return counts[0] + counts[1] + counts[2] + counts[3]; }

  /// The MTA was told to change a field, or would have been.
  std::uint64_t changed() const { return all() - (*this)[Outcome::reported]; }

  ByOutcome& operator+=(const ByOutcome& other);
};

/// The order in which the formats show them.
inline constexpr std::array outcomes = {Outcome::failed, Outcome::rewritten, Outcome::would_rewrite, Outcome::reported};

struct Counts {
  ByOutcome messages;  ///< each once: failed before rewritten, rewritten before would-rewrite, reported last
  ByOutcome findings;

  Counts& operator+=(const Counts& other);
};

/// What the totals say of the mail that passed.
struct Traffic {
  std::uint64_t messages = 0, clean = 0, affected = 0, unread = 0, exempt = 0;

  Traffic& operator+=(const Traffic& other);
};

struct Slot {
  Traffic traffic;
  Counts counts;

  Slot& operator+=(const Slot& other);
};

/// What the edits of signed fields do to the signatures of one domain, or of all.
struct SignatureCounts {
  std::uint64_t kept = 0;    ///< edits that the signature survives
  std::uint64_t broken = 0;  ///< edits that it does not
  std::uint64_t spared = 0;  ///< edits that were held back for its sake (signed = keep)

  SignatureCounts& operator+=(const SignatureCounts& other);
};

/// One finding, to be shown. Values are cut at max_example_octets.
struct Example {
  std::string time, host, queue_id, source, user;
  std::string rule, field, part, before, after;
  Outcome outcome = Outcome::reported;
};
inline constexpr std::size_t max_example_octets = 400;

/// What an administrator would call an application: a client, an agent and a domain.
struct Application {
  std::string client, agent;
  std::string domain;  ///< the envelope sender's; of mail that has none, the From field's
  Counts counts;
  std::map<std::string, std::uint64_t, std::less<>> rules;  ///< messages by rule; at most max_rules of them
  Example example;
  const Producer* producer = nullptr;  ///< who has probably written it; null where nothing is known

  Application& operator+=(const Application& other);
};
inline constexpr std::size_t max_rules = 64;

/// At most `octets` of the text, and not a part of a UTF-8 character.
std::string_view cut(std::string_view text, std::size_t octets);

/// Values by key, as many as fit; the keys are cut at max_key_octets.
template <class Value, std::size_t limit = 50000>
struct Bounded {
  static constexpr std::size_t max_keys = limit;
  static constexpr std::size_t max_key_octets = 256;

  std::map<std::string, Value, std::less<>> rows;
  Value others{};  ///< of the keys that came when there were max_keys
  bool has_others = false;

  Value& operator[](std::string_view key) {
    const std::string_view short_key = cut(key, max_key_octets);
    if (const auto row = rows.find(short_key); row != rows.end()) return row->second;
    if (rows.size() < limit) return rows[std::string(short_key)];
    has_others = true;
    return others;
  }
};

/// The largest first, then by key; what is behind the first `top` is added up.
template <class Value>
struct Ranking {
  struct Row {
    std::string_view key;
    const Value* value;
  };
  std::vector<Row> rows;
  std::uint64_t more_keys = 0;  ///< so many keys are in `rest`; without those that Bounded did not keep
  Value rest{};
  bool has_rest = false;
};

std::uint64_t weight(const Counts& counts);
std::uint64_t weight(const Slot& slot);
std::uint64_t weight(const SignatureCounts& counts);
std::uint64_t weight(const Application& application);

template <class Value, std::size_t limit>
Ranking<Value> ranked(const Bounded<Value, limit>& table, std::size_t top) {
  Ranking<Value> ranking;
  for (const auto& [key, value] : table.rows) ranking.rows.push_back({key, &value});
  // The rows come in the order of their keys.
  std::stable_sort(ranking.rows.begin(), ranking.rows.end(),
                   [](const auto& a, const auto& b) { return weight(*a.value) > weight(*b.value); });
  for (std::size_t i = top; i < ranking.rows.size(); ++i) {
    ranking.rest += *ranking.rows[i].value;
    ++ranking.more_keys;
  }
  if (table.has_others) ranking.rest += table.others;
  ranking.has_rest = table.has_others || ranking.more_keys > 0;
  ranking.rows.resize(std::min(top, ranking.rows.size()));
  return ranking;
}

/// What was read, as far as it is not counted elsewhere. The summary does not look at it; the formats show it.
struct Reading {
  std::uint64_t files = 0;            ///< that something could be read of
  std::uint64_t unreadable = 0;       ///< lines that are no record
  std::uint64_t too_long = 0;         ///< lines over the limit
  std::uint64_t unknown = 0;          ///< records of a type that this version does not know
  std::uint64_t repeated = 0;         ///< lines that are there more than once, to the letter
  std::vector<std::string> troubles;  ///< "FILE: reason", of files that could not be read, or not to the end
};

/// Seconds since 1970: since <= t < until.
struct Window {
  std::optional<std::int64_t> since, until;

  bool is_open() const { return !since && !until; }
  bool contains(std::int64_t seconds) const { return (!since || seconds >= *since) && (!until || seconds < *until); }
};

struct Summary {
  explicit Summary(Window only_these = {}) : window(only_these) {}

  void add(const AuditRecord& record);
  void add(const AuditTotals& totals);

  /// Messages whose findings are counted.
  std::uint64_t affected() const { return all.counts.messages.all(); }

  Window window;
  Reading reading;
  std::optional<std::int64_t> first, last;  ///< the time that is covered

  Slot all;
  std::uint64_t totals_count = 0;      ///< records of totals: without one, the share of the mail is not known
  std::uint64_t left_out = 0;          ///< findings that the records only count
  std::uint64_t outside_window = 0;    ///< records and totals
  std::uint64_t without_time = 0;      ///< records, or totals outside a window, whose time is missing or none
  std::uint64_t unknown_outcomes = 0;  ///< findings with an action that this version does not know; counted as reported

  Bounded<Slot> relays, days;  ///< days as "2026-11-22", UTC
  std::array<Slot, 24> hours;  ///< of the day, UTC
  Bounded<Counts> rules, fields, clients, sender_domains, agents;
  Bounded<Counts> from_domains;  ///< where the From domain is not the sender's
  Bounded<Application, 20000> applications;

  std::uint64_t edits = 0;           ///< fields changed, or to be changed
  std::uint64_t signed_edits = 0;    ///< of fields that a signature covers
  std::uint64_t breaking_edits = 0;  ///< of them, those that break one at least
  std::uint64_t spared_edits = 0;    ///< held back for the sake of a signature; not among the others
  std::uint64_t breaking_messages = 0;
  Bounded<SignatureCounts> signing_domains;

 private:
  void add_signatures(const AuditRecord& record);
  void add_application(const AuditRecord& record, const Counts& counts, std::string_view client,
                       std::string_view domain);
  void cover(std::int64_t seconds);
};

/// A bar of the chart over time.
struct Period {
  std::string label;  ///< "2026-11-22", "2026-11" or "2026"
  std::string tick;   ///< "22", "Nov" or "2026"
  std::string group;  ///< what belongs behind the first tick of it: "Nov", "2026" or nothing
  Slot slot;
};

struct Timeline {
  std::string_view unit;  ///< "day", "month", "year"
  std::vector<Period> periods;
};

/// The days in their order, with those in between on which nothing passed; months, or else years, where there would be
/// more than max_periods days. Of more years than that, the last ones.
Timeline timeline(const Summary& summary);
inline constexpr std::size_t max_periods = 62;

// The formats. `top` is the number of rows in each table.
std::string to_text(const Summary& summary, std::size_t top, std::size_t columns);
std::string to_json(const Summary& summary, std::size_t top);
std::string to_csv(const Summary& summary, std::size_t top);
std::string to_html(const Summary& summary, std::size_t top);

}  // namespace report

#endif
