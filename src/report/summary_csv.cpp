// The report as one flat table for a spreadsheet: a row for each number of a section, with the columns that belong to
// it filled. RFC 4180: CRLF at the end of a row, a cell in quotes where it holds a comma, a quote or a line end.
#include <algorithm>
#include <array>

#include "report/printable.h"
#include "report/summary.h"
#include "report/words.h"

namespace report {

namespace {

enum Column : std::size_t {
  section,
  key,
  passed,
  clean,
  affected,
  unread,
  exempt,
  messages,  // and by outcome
  findings = messages + 5,
  survives = findings + 5,
  breaks,
  held_back,
  domain,
  client,
  agent,
  field,
  before,
  after,
  software,
  advice,
  column_count,
};

constexpr std::array<std::string_view, column_count> names = {"section",
                                                              "key",
                                                              "passed",
                                                              "clean",
                                                              "affected",
                                                              "unread",
                                                              "exempt",
                                                              "messages",
                                                              "messages_failed",
                                                              "messages_rewritten",
                                                              "messages_would_rewrite",
                                                              "messages_reported",
                                                              "findings",
                                                              "findings_failed",
                                                              "findings_rewritten",
                                                              "findings_would_rewrite",
                                                              "findings_reported",
                                                              "survives",
                                                              "breaks",
                                                              "held_back",
                                                              "domain",
                                                              "client",
                                                              "agent",
                                                              "field",
                                                              "before",
                                                              "after",
                                                              "software",
                                                              "advice"};

using Cells = std::array<std::string, column_count>;

/// `text` without the quotes and spaces at its beginning, which a spreadsheet or the script that fills one may strip.
/// Spaces are those of White_Space (Unicode 15.0, PropList.txt) that printable() lets pass.
std::string_view without_leading_space(std::string_view text) {
  static constexpr std::array<std::string_view, 19> stripped = {
      " ",      "\"",     "'",      "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004",
      "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u202f", "\u205f", "\u3000"};
  while (true) {
    const auto* const space = std::find_if(stripped.begin(), stripped.end(),
                                           [text](std::string_view start) { return text.starts_with(start); });
    if (space == stripped.end()) return text;
    text.remove_prefix(space->size());
  }
}

/// Whether a spreadsheet takes a cell with this beginning for a formula: = + - @, or what it strips in front of them.
bool begins_formula(std::string_view text) {
  static constexpr std::array<std::string_view, 8> formulas = {"=",      "+",      "-",      "@",
                                                               "\uff1d", "\uff0b", "\uff0d", "\uff20"};
  return std::any_of(formulas.begin(), formulas.end(), [visible = without_leading_space(text)](std::string_view start) {
    return visible.starts_with(start);
  });
}

/// A cell from outside. What would be a formula gets an apostrophe. Where ";" separates cells, as in a German Excel,
/// one begins behind each.
std::string cell_of(std::string_view value) {
  std::string cell = printable(value);
  for (std::size_t at = cell.size(); at-- > 0;) {
    if (cell[at] == ';' && begins_formula(std::string_view(cell).substr(at + 1))) cell.insert(at + 1, 1, '\'');
  }
  if (begins_formula(cell) || value.starts_with('\t') || value.starts_with('\r')) cell.insert(0, 1, '\'');
  return cell;
}

void append_row(std::string& out, const Cells& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    const std::string& cell = cells[i];
    if (cell.find_first_of(",\"\r\n") == std::string::npos) {
      out += cell;
      continue;
    }
    out += '"';
    for (const char c : cell) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += "\r\n";
}

void fill(Cells& cells, std::size_t column, const ByOutcome& counts) {
  cells[column] = std::to_string(counts.all());
  for (std::size_t i = 0; i < outcomes.size(); ++i) cells[column + 1 + i] = std::to_string(counts[outcomes[i]]);
}

void fill(Cells& cells, const Counts& counts) {
  fill(cells, messages, counts.messages);
  fill(cells, findings, counts.findings);
}

void fill(Cells& cells, const Slot& slot) {
  cells[passed] = std::to_string(slot.traffic.messages);
  cells[clean] = std::to_string(slot.traffic.clean);
  cells[affected] = std::to_string(slot.traffic.affected);
  cells[unread] = std::to_string(slot.traffic.unread);
  cells[exempt] = std::to_string(slot.traffic.exempt);
  fill(cells, slot.counts);
}

void fill(Cells& cells, const SignatureCounts& counts) {
  cells[survives] = std::to_string(counts.kept);
  cells[breaks] = std::to_string(counts.broken);
  cells[held_back] = std::to_string(counts.spared);
}

void fill(Cells& cells, const Application& application) {
  fill(cells, application.counts);
  if (application.example.rule.empty()) return;  // what others add up to
  cells[domain] = cell_of(application.domain);
  cells[client] = cell_of(application.client);
  cells[agent] = cell_of(application.agent);
  cells[field] = cell_of(application.example.field);
  cells[before] = cell_of(application.example.before);
  cells[after] = cell_of(application.example.after);
  if (application.producer != nullptr) cells[software] = cell_of(application.producer->name);
  cells[advice] = cell_of(advice_for(application));
}

template <class Value>
void append_row(std::string& out, std::string_view in_section, std::string_view of_key, const Value& value) {
  Cells cells;
  cells[section] = in_section;
  cells[key] = of_key;
  fill(cells, value);
  append_row(out, cells);
}

template <class Value, std::size_t limit>
void append_table(std::string& out, std::string_view in_section, const Bounded<Value, limit>& table, std::size_t top) {
  const Ranking<Value> ranking = ranked(table, top);
  std::size_t number = 0;
  for (const auto& row : ranking.rows) {
    ++number;
    const bool is_application = std::is_same_v<Value, Application>;
    append_row(out, in_section, is_application ? std::to_string(number) : cell_of(row.key), *row.value);
  }
  if (ranking.has_rest) append_row(out, in_section, "(others)", ranking.rest);
}

}  // namespace

std::string to_csv(const Summary& summary, std::size_t top) {
  std::string out;
  Cells heads;
  std::copy(names.begin(), names.end(), heads.begin());
  append_row(out, heads);
  append_row(out, "total", {}, summary.all);
  append_table(out, "relay", summary.relays, top);
  append_table(out, "rule", summary.rules, top);
  append_table(out, "field", summary.fields, top);
  append_table(out, "client", summary.clients, top);
  append_table(out, "sender_domain", summary.sender_domains, top);
  append_table(out, "from_domain", summary.from_domains, top);
  append_table(out, "agent", summary.agents, top);
  append_table(out, "signing_domain", summary.signing_domains, top);
  for (const auto& [date, slot] : summary.days.rows) append_row(out, "day", date, slot);
  for (std::size_t hour = 0; hour < summary.hours.size(); ++hour) {
    append_row(out, "hour", std::to_string(hour), summary.hours[hour]);
  }
  append_table(out, "application", summary.applications, top);
  return out;
}

}  // namespace report
