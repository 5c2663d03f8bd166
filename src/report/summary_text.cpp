// The report for a terminal: ASCII but for what the mail itself brought in, which is made harmless.
#include <algorithm>

#include "report/paragraph.h"
#include "report/printable.h"
#include "report/summary.h"
#include "report/words.h"

namespace report {

namespace {

/// Columns of a terminal that a text takes: characters, not octets. (Wide ones shift a row, no more.)
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

struct Row {
  std::string label;
  std::vector<std::string> cells;
  std::uint64_t bar = 0;
};

/// Labels at the left, numbers at the right of their columns, a bar behind them.
class TextTable {
 public:
  TextTable(std::string title, std::vector<std::string> heads) : title_(std::move(title)), heads_(std::move(heads)) {}

  void add(Row row) { rows_.push_back(std::move(row)); }

  void print(std::string& out, std::size_t columns) const {
    if (rows_.empty()) return;
    std::vector<std::size_t> widths;
    std::size_t numbers = 0, label_width = width_of(title_), most = 1;
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      widths.push_back(heads_[i].size());
      for (const Row& row : rows_) widths[i] = std::max(widths[i], row.cells[i].size());
      numbers += widths[i] + 2;
    }
    for (const Row& row : rows_) {
      label_width = std::max(label_width, width_of(row.label));
      most = std::max<std::size_t>(most, static_cast<std::size_t>(row.bar));
    }
    // Labels first: where a row has many numbers, it has no bar, and at the worst it is wider than the terminal.
    const std::size_t room = columns - std::min(columns, numbers + 2);
    label_width = std::min(label_width, std::max(least_label, room - std::min(room, least_bar)));
    const std::size_t bar_width = std::min(most_bar, room - std::min(room, label_width));

    append_cells(out, title_, heads_, label_width, widths);
    out += '\n';
    for (const Row& row : rows_) {
      std::string label = row.label;
      if (width_of(label) > label_width) {
        append_paragraph(out, label, 0, {}, columns);
        label.clear();
      }
      append_cells(out, label, row.cells, label_width, widths);
      append_bar(out, row.bar, most, bar_width);
      out += '\n';
    }
    out += '\n';
  }

 private:
  static constexpr std::size_t least_label = 24, least_bar = 10, most_bar = 30;

  /// What is there at all has a bar of one.
  static void append_bar(std::string& out, std::uint64_t number, std::size_t most, std::size_t width) {
    if (number == 0 || width == 0) return;
    const double part = static_cast<double>(number) / static_cast<double>(most) * static_cast<double>(width);
    out += "  ";
    out.append(std::max<std::size_t>(1, static_cast<std::size_t>(part)), '#');
  }

  static void append_cells(std::string& out, std::string_view label, const std::vector<std::string>& cells,
                           std::size_t label_width, const std::vector<std::size_t>& widths) {
    out += label;
    out.append(label_width - std::min(label_width, width_of(label)), ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      out.append(widths[i] - cells[i].size() + 2, ' ');
      out += cells[i];
    }
  }

  std::string title_;
  std::vector<std::string> heads_;
  std::vector<Row> rows_;
};

std::string label_of(std::string_view key) {
  return key.empty() ? std::string(none) : printable(key);
}

class TextReport {
 public:
  TextReport(const Summary& summary, std::size_t top, std::size_t columns)
      : summary_(summary), top_(top), columns_(columns), outcomes_(outcomes_of(summary)) {}

  std::string write() {
    paragraph("", 0, headline(summary_));
    out_ += '\n';
    overview();
    for (const std::string& note : notes(summary_)) paragraph("* ", 2, note);
    if (!notes(summary_).empty()) out_ += '\n';
    relays();
    table("By rule", summary_.rules);
    table("By field", summary_.fields);
    over_time();
    edits();
    applications();
    table("By client", summary_.clients);
    table("By sender domain", summary_.sender_domains);
    table("By From domain, if not the sender's", summary_.from_domains);
    table("By agent", summary_.agents);
    while (out_.ends_with("\n\n")) out_.pop_back();
    return std::move(out_);
  }

 private:
  /// `label` stands in the indent of the first line.
  void paragraph(std::string label, std::size_t indent, std::string_view text) {
    label.resize(indent, ' ');
    append_paragraph(out_, printable(text), indent, label, columns_);
  }

  void overview() {
    const Traffic& traffic = summary_.all.traffic;
    if (const std::string span = span_of(summary_); !span.empty()) out_ += "Time          " + span + '\n';
    out_ += "Files         " + grouped(summary_.reading.files) + '\n';
    const auto line = [&](std::string_view name, std::uint64_t number, bool has_share) {
      std::string count = grouped(number);
      count.insert(0, 13 - std::min<std::size_t>(13, count.size()), ' ');
      out_ += name;
      out_ += count;
      if (has_share) out_ += "  " + share(number, traffic.messages);
      out_ += '\n';
    };
    if (summary_.totals_count > 0) {
      line("Messages      ", traffic.messages, false);
      line("  clean       ", traffic.clean, true);
      line("  affected    ", traffic.affected, true);
      line("  unread      ", traffic.unread, true);
      if (traffic.exempt > 0) line("  exempt      ", traffic.exempt, true);
    }
    line("On record     ", summary_.affected(), false);
    for (const Outcome outcome : outcomes_) {
      std::string name = "  " + std::string(words_of(outcome));
      name.resize(std::max<std::size_t>(name.size(), 14), ' ');
      line(name, summary_.all.counts.messages[outcome], false);
    }
    out_ += '\n';
  }

  std::vector<std::string> heads() const {
    std::vector<std::string> heads = {"messages", "share"};
    for (const Outcome outcome : outcomes_) heads.emplace_back(words_of(outcome));
    heads.emplace_back("findings");
    return heads;
  }

  std::vector<std::string> cells(const Counts& counts) const {
    std::vector<std::string> cells = {grouped(counts.messages.all()),
                                      share(counts.messages.all(), summary_.affected())};
    for (const Outcome outcome : outcomes_) cells.push_back(grouped(counts.messages[outcome]));
    cells.push_back(grouped(counts.findings.all()));
    return cells;
  }

  template <class Value, std::size_t limit>
  std::string rest_label(const Bounded<Value, limit>& counted_rows, const Ranking<Value>& ranking) const {
    return counted_rows.has_others ? std::string("(others)") : "(" + counted(ranking.more_keys, "other") + ")";
  }

  void table(const std::string& title, const Bounded<Counts>& counts) {
    TextTable table(title, heads());
    const Ranking<Counts> ranking = ranked(counts, top_);
    for (const auto& row : ranking.rows) table.add({label_of(row.key), cells(*row.value), row.value->messages.all()});
    if (ranking.has_rest) table.add({rest_label(counts, ranking), cells(ranking.rest), 0});
    table.print(out_, columns_);
  }

  std::vector<std::string> slot_heads() const {
    if (summary_.totals_count == 0) return {"on record"};
    return {"messages", "clean", "unread", "on record", "share"};
  }

  std::vector<std::string> slot_cells(const Slot& slot) const {
    const Traffic& traffic = slot.traffic;
    const std::uint64_t on_record = slot.counts.messages.all();
    if (summary_.totals_count == 0) return {grouped(on_record)};
    return {grouped(traffic.messages), grouped(traffic.clean), grouped(traffic.unread), grouped(on_record),
            share(on_record, traffic.messages)};
  }

  void relays() {
    TextTable table("By relay", slot_heads());
    const Ranking<Slot> ranking = ranked(summary_.relays, top_);
    for (const auto& row : ranking.rows) {
      table.add({label_of(row.key), slot_cells(*row.value), row.value->counts.messages.all()});
    }
    if (ranking.has_rest) table.add({rest_label(summary_.relays, ranking), slot_cells(ranking.rest), 0});
    table.print(out_, columns_);
  }

  void over_time() {
    const Timeline line = timeline(summary_);
    TextTable by_period("By " + std::string(line.unit) + " (UTC)", slot_heads());
    for (const Period& period : line.periods) {
      by_period.add({period.label, slot_cells(period.slot), period.slot.counts.messages.all()});
    }
    by_period.print(out_, columns_);
    if (line.periods.empty()) return;
    TextTable by_hour("By hour (UTC)", slot_heads());
    for (std::size_t hour = 0; hour < summary_.hours.size(); ++hour) {
      const Slot& slot = summary_.hours[hour];
      if (weight(slot) == 0) continue;
      by_hour.add({(hour < 10 ? "0" : "") + std::to_string(hour), slot_cells(slot), slot.counts.messages.all()});
    }
    by_hour.print(out_, columns_);
  }

  void edits() {
    if (summary_.affected() == 0) return;
    out_ += "Edits and signatures\n";
    for (const std::string& words : signature_words(summary_)) paragraph("  ", 2, words);
    out_ += '\n';
    TextTable table("By signing domain", {"survives", "breaks", "held back"});
    const Ranking<SignatureCounts> ranking = ranked(summary_.signing_domains, top_);
    const auto cells_of = [](const SignatureCounts& counts) -> std::vector<std::string> {
      return {grouped(counts.kept), grouped(counts.broken), grouped(counts.spared)};
    };
    for (const auto& row : ranking.rows) table.add({label_of(row.key), cells_of(*row.value), weight(*row.value)});
    if (ranking.has_rest) table.add({rest_label(summary_.signing_domains, ranking), cells_of(ranking.rest), 0});
    table.print(out_, columns_);
  }

  void applications() {
    const Ranking<Application> ranking = ranked(summary_.applications, top_);
    if (ranking.rows.empty()) return;
    out_ += "Who writes it\n\n";
    std::size_t number = 0;
    for (const auto& row : ranking.rows) application(++number, *row.value);
    if (!ranking.has_rest) return;
    out_ += "    " + rest_label(summary_.applications, ranking) + ": " +
            counted(ranking.rest.counts.messages.all(), "message") + ", " +
            share(ranking.rest.counts.messages.all(), summary_.affected()) + "\n\n";
  }

  void application(std::size_t number, const Application& application) {
    constexpr std::size_t indent = 16;
    const std::uint64_t messages = application.counts.messages.all();
    const auto line = [&](std::string_view label, std::string_view text) {
      if (!text.empty()) paragraph("    " + std::string(label), indent, text);
    };
    std::string begin = std::to_string(number) + ".";
    begin.insert(0, 3 - std::min<std::size_t>(3, begin.size()), ' ');
    out_ += begin + ' ' + counted(messages, "message") + ", " + share(messages, summary_.affected()) + '\n';
    line("domain", application.domain.empty() ? none : std::string_view(application.domain));
    line("client", application.client);
    line("agent", application.agent);
    std::string rules;
    for (const auto& [rule, count] : application.rules) {
      rules += (rules.empty() ? "" : ", ") + rule + ' ' + grouped(count);
    }
    line("rules", rules);
    example(application.example, line);
    if (application.producer != nullptr) {
      line("written by",
           std::string(application.producer->name) + ", probably: " + std::string(application.producer->shape));
    }
    line("tell them", advice_for(application));
    out_ += '\n';
  }

  template <class Line>
  void example(const Example& example, const Line& line) {
    line("example", where_of(example));
    line("before", example.before);
    line("after", after_of(example));
  }

  const Summary& summary_;
  const std::size_t top_;
  const std::size_t columns_;
  const std::vector<Outcome> outcomes_;
  std::string out_;
};

}  // namespace

std::string to_text(const Summary& summary, std::size_t top, std::size_t columns) {
  return TextReport(summary, top, std::clamp<std::size_t>(columns, 80, 120)).write();
}

}  // namespace report
