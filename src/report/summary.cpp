#include "report/summary.h"

#include <set>
#include <utility>

#include "msgid/field.h"
#include "report/address.h"
#include "report/instant.h"

namespace report {

namespace {

/// Of values that are identifiers of ours or times; of a trail that is not ours they may be anything.
constexpr std::size_t max_short_value = 200;

/// "in-reply-to" as "In-Reply-To", however the sender spelled it.
std::string usual_spelling(std::string_view field) {
  std::string name = msgid::lower(cut(field, max_short_value));
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('-', begin), name.size());
    const std::string_view part = std::string_view(name).substr(begin, end - begin);
    const std::size_t capitals = part == "id" || part == "mime" || part == "dkim" ? part.size() : 1;
    for (std::size_t i = begin; i < begin + capitals && i < end; ++i) {
      if (name[i] >= 'a' && name[i] <= 'z') name[i] = static_cast<char>(name[i] - 'a' + 'A');
    }
    begin = end + 1;
  }
  return name;
}

/// As Postfix logs it: "app.example[192.0.2.7]". Empty where there was none.
std::string client_of(const AuditRecord& record) {
  if (record.client_address.empty() && record.client_name.empty()) return {};
  // A client without a name comes as "[192.0.2.7]".
  const bool has_name = !record.client_name.empty() && record.client_name.front() != '[';
  std::string client = has_name ? msgid::lower(cut(record.client_name, max_short_value)) : std::string("unknown");
  client += '[';
  client += record.client_address.empty() ? std::string_view("unknown") : cut(record.client_address, max_short_value);
  client += ']';
  return client;
}

std::optional<Outcome> outcome_of(std::string_view action) {
  for (const Outcome outcome : outcomes) {
    if (action == name_of(outcome)) return outcome;
  }
  return std::nullopt;
}

/// Whether `a` says more about a message than `b`.
bool outweighs(Outcome a, Outcome b) {
  return std::find(outcomes.begin(), outcomes.end(), a) < std::find(outcomes.begin(), outcomes.end(), b);
}

/// What the findings of one message add up to, under one key or another.
struct MessageCounts {
  ByOutcome findings;
  Outcome heaviest = Outcome::reported;

  void add(Outcome outcome) {
    ++findings[outcome];
    if (outweighs(outcome, heaviest)) heaviest = outcome;
  }

  Counts counts() const {
    Counts counts;
    counts.findings = findings;
    counts.messages[heaviest] = 1;
    return counts;
  }
};

using ByKey = std::map<std::string, MessageCounts, std::less<>>;

void add_to(Bounded<Counts>& table, const ByKey& message) {
  for (const auto& [key, counts] : message) table[key] += counts.counts();
}

Example example_of(const AuditRecord& record, const AuditFinding& finding, Outcome outcome) {
  const auto value = [](std::string_view text) {
    std::string shown(cut(text, max_example_octets));
    if (shown.size() < text.size()) shown += "...";
    return shown;
  };
  const auto short_value = [](std::string_view text) { return std::string(cut(text, max_short_value)); };
  return {short_value(record.time),
          short_value(record.host),
          short_value(record.queue_id),
          value(record.source),
          short_value(record.user),
          short_value(finding.rule),
          short_value(finding.field),
          short_value(finding.part),
          value(finding.before),
          value(finding.after),
          outcome};
}

}  // namespace

ByOutcome& ByOutcome::operator+=(const ByOutcome& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  return *this;
}

Counts& Counts::operator+=(const Counts& other) {
  messages += other.messages;
  findings += other.findings;
  return *this;
}

Traffic& Traffic::operator+=(const Traffic& other) {
  messages += other.messages;
  clean += other.clean;
  affected += other.affected;
  unread += other.unread;
  exempt += other.exempt;
  return *this;
}

Slot& Slot::operator+=(const Slot& other) {
  traffic += other.traffic;
  counts += other.counts;
  return *this;
}

SignatureCounts& SignatureCounts::operator+=(const SignatureCounts& other) {
  kept += other.kept;
  broken += other.broken;
  spared += other.spared;
  return *this;
}

Application& Application::operator+=(const Application& other) {
  counts += other.counts;
  return *this;
}

std::string_view cut(std::string_view text, std::size_t octets) {
  if (text.size() <= octets) return text;
  while (octets > 0 && (static_cast<unsigned char>(text[octets]) & 0xC0U) == 0x80U) --octets;
  return text.substr(0, octets);
}

std::uint64_t weight(const Counts& counts) {
  return counts.messages.all();
}

std::uint64_t weight(const Slot& slot) {
  return std::max(slot.traffic.messages, slot.counts.messages.all());
}

std::uint64_t weight(const SignatureCounts& counts) {
  return counts.broken + counts.spared + counts.kept;
}

std::uint64_t weight(const Application& application) {
  return application.counts.messages.all();
}

void Summary::cover(std::int64_t seconds) {
  first = std::min(first.value_or(seconds), seconds);
  last = std::max(last.value_or(seconds), seconds);
}

void Summary::add(const AuditTotals& totals) {
  const std::optional<std::int64_t> end = parse_instant(totals.time);
  const std::optional<std::int64_t> begin = parse_instant(totals.since);
  // What ends at midnight belongs to the day before.
  const std::int64_t instant = !end ? 0 : begin && *begin >= *end ? *end : *end - 1;
  if (end ? !window.contains(instant) : !window.is_open()) {
    ++(end ? outside_window : without_time);
    return;
  }
  const Slot slot = {{totals.messages, totals.clean, totals.affected, totals.unread, totals.exempt}, {}};
  ++totals_count;
  all += slot;
  relays[totals.host] += slot;
  if (!end) return;
  // The daemon's are of a minute; those of msgid-audit check of as many years as the archive has.
  const std::int64_t start = begin ? std::min(*begin, instant) : instant;
  if (instant - start < seconds_of_a_day) days[date_of(instant)] += slot;
  if (instant - start <= 3600) hours[static_cast<std::size_t>(instant % seconds_of_a_day / 3600)] += slot;
  cover(begin ? std::min(*begin, *end) : *end);
  cover(*end);
}

void Summary::add(const AuditRecord& record) {
  if (record.findings.empty() && record.more_findings == 0) return;
  const std::optional<std::int64_t> instant = parse_instant(record.time);
  if (!instant) ++without_time;
  if (!window.is_open() && !instant) return;
  if (instant && !window.contains(*instant)) {
    ++outside_window;
    return;
  }

  MessageCounts message;
  ByKey by_rule, by_field;
  for (const AuditFinding& finding : record.findings) {
    const std::optional<Outcome> known = outcome_of(finding.action);
    if (!known) ++unknown_outcomes;
    const Outcome outcome = known.value_or(Outcome::reported);
    message.add(outcome);
    by_rule[finding.rule].add(outcome);
    by_field[usual_spelling(finding.field)].add(outcome);
  }
  left_out += record.more_findings;

  const Counts counts = message.counts();
  const Slot slot = {{}, counts};
  all += slot;
  relays[record.host] += slot;
  if (instant) {
    days[date_of(*instant)] += slot;
    hours[static_cast<std::size_t>(*instant % seconds_of_a_day / 3600)] += slot;
    cover(*instant);
  }
  add_to(rules, by_rule);
  add_to(fields, by_field);
  const std::string client = client_of(record);
  const std::string sender_domain = first_domain(record.sender);
  const std::string from_domain = msgid::lower(record.from_domain);
  clients[client] += counts;
  sender_domains[sender_domain] += counts;
  if (!from_domain.empty() && from_domain != sender_domain) from_domains[from_domain] += counts;
  agents[record.agent] += counts;
  add_signatures(record);
  // Of mail from a file no envelope sender is known, and a bounce has none.
  add_application(record, counts, client, sender_domain.empty() ? from_domain : sender_domain);
}

void Summary::add_signatures(const AuditRecord& record) {
  struct EditedField {
    std::set<std::string> keeps, breaks;
    bool is_spared = false;
  };
  std::map<std::pair<std::string, int>, EditedField> fields_edited;  // several rules may want one edit
  for (const AuditFinding& finding : record.findings) {
    const bool is_edit = outcome_of(finding.action).value_or(Outcome::reported) != Outcome::reported;
    const bool is_spared = !is_edit && !finding.breaks.empty();
    if (!is_edit && !is_spared) continue;
    EditedField& field = fields_edited[{msgid::lower(finding.field), finding.instance}];
    field.is_spared = field.is_spared || is_spared;
    field.keeps.insert(finding.keeps.begin(), finding.keeps.end());
    field.breaks.insert(finding.breaks.begin(), finding.breaks.end());
  }
  bool is_message_broken = false;
  for (const auto& [name, field] : fields_edited) {
    ++(field.is_spared ? spared_edits : edits);
    if (!field.is_spared && !(field.keeps.empty() && field.breaks.empty())) ++signed_edits;
    if (!field.is_spared && !field.breaks.empty()) {
      ++breaking_edits;
      is_message_broken = true;
    }
    for (const std::string& domain : field.breaks) {
      SignatureCounts& counts = signing_domains[msgid::lower(domain)];
      ++(field.is_spared ? counts.spared : counts.broken);
    }
    for (const std::string& domain : field.keeps) {
      if (!field.is_spared) ++signing_domains[msgid::lower(domain)].kept;
    }
  }
  if (is_message_broken) ++breaking_messages;
}

void Summary::add_application(const AuditRecord& record, const Counts& counts, std::string_view client,
                              std::string_view domain) {
  // Cut before they are joined, so that no part can push another out of the key.
  static constexpr std::size_t max_part = 80;
  std::string key;
  for (const std::string_view part : {domain, client, std::string_view(record.agent)}) {
    key += cut(part, max_part);
    key += '\x1f';
  }
  const bool is_kept = applications.rows.contains(key) || applications.rows.size() < applications.max_keys;
  Application& application = applications[key];
  application.counts += counts;
  if (!is_kept) return;

  const bool is_new = application.example.rule.empty();
  if (is_new) {
    application.client = client;
    application.agent = cut(record.agent, max_short_value);
    application.domain = cut(domain, max_short_value);
  }
  std::set<std::string_view> found;
  for (const AuditFinding& finding : record.findings) {
    found.insert(cut(finding.rule, max_short_value));
    const Outcome outcome = outcome_of(finding.action).value_or(Outcome::reported);
    const Producer* const producer =
        application.producer != nullptr ? nullptr : guess_producer(finding.field, finding.before, record.agent);
    // The best example is one that says who has written it, then one of an edit, then the first.
    const bool is_better =
        producer != nullptr || application.example.rule.empty() ||
        (application.producer == nullptr && application.example.after.empty() && !finding.after.empty());
    if (is_better) application.example = example_of(record, finding, outcome);
    if (producer != nullptr) application.producer = producer;
  }
  for (const std::string_view rule : found) {
    if (const auto row = application.rules.find(rule); row != application.rules.end()) {
      ++row->second;
    } else if (application.rules.size() < max_rules) {
      application.rules.emplace(rule, 1);
    }
  }
}

}  // namespace report
