// The report as one HTML file that needs nothing else: no script, no font, no image, no link to elsewhere, and a
// content security policy that says so. Whoever changes it looks at it: light, dark, 390 pixels wide, printed.
#include "report/markup.h"
#include "report/summary.h"
#include "report/words.h"

namespace report {

namespace {

std::string label_of(std::string_view key) {
  return key.empty() ? std::string(none) : bdi(key);
}

constexpr std::size_t open_examples = 3;  // of the applications; the others' are folded away

/// <tag>text</tag>; the text is markup already.
std::string element(std::string_view tag, std::string_view text) {
  std::string out = "<";
  out += tag;
  out += '>';
  out += text;
  out += "</";
  out += tag.substr(0, tag.find(' '));
  out += ">\n";
  return out;
}

/// "1.8 %" is not to be torn apart.
std::string with_hard_spaces(std::string markup) {
  for (std::size_t at = markup.find(" %"); at != std::string::npos; at = markup.find(" %", at)) {
    markup.replace(at, 1, "&nbsp;");
  }
  return markup;
}

class HtmlReport {
 public:
  HtmlReport(const Summary& summary, std::size_t top) : summary_(summary), top_(top), shown_(outcomes_of(summary)) {}

  std::string write() {
    const std::string title = with_hard_spaces(html(headline(summary_)));
    out_ =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Mail audit: ";
    out_ += title;
    out_ += "</title>\n<style>";
    out_ += style_sheet;
    out_ +=
        "</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the figures</a>\n<div class=\"page\">\n";
    top(title);
    out_ += "<main id=\"main\">\n";
    figures();
    note_box();
    over_time();
    applications();
    faults();
    origins();
    signatures();
    glossary();
    out_ += "</main>\n";
    foot();
    out_ += "</div>\n</body>\n</html>\n";
    return std::move(out_);
  }

 private:
  void top(const std::string& title) {
    out_ += "<header class=\"top\">\n<p class=\"kicker\">msgid-audit report</p>\n" + element("h1", title);
    std::string lead =
        "A broken message id can make Exchange and Microsoft 365 bounce a mail after they have accepted it, or drop it "
        "out of its conversation. This is what the mail filter msgid-milter found, ";
    const std::string span = span_of(summary_);
    lead += span.empty() ? "and who writes it." : "from " + span + ", and who writes it.";
    out_ += element("p class=\"lead\"", html(lead)) + "</header>\n";
  }

  void section(std::string_view id, std::string_view title, std::string_view intro) {
    out_ += "<section aria-labelledby=\"" + std::string(id) + "\">\n<h2 id=\"" + std::string(id) + "\">" + html(title) +
            "</h2>\n" + element("p class=\"intro\"", html(intro));
  }

  void end_section() { out_ += "</section>\n"; }

  void figure(std::string_view name, std::uint64_t number, std::string_view more) {
    out_ += "<div><dt>" + html(name) + "</dt><dd class=\"number\">" + grouped(number) + "</dd><dd class=\"more\">" +
            html(more) + "</dd></div>\n";
  }

  void figures() {
    const Traffic& traffic = summary_.all.traffic;
    const ByOutcome& messages = summary_.all.counts.messages;
    const bool has_totals = summary_.totals_count > 0;
    const auto of_all = [&](std::uint64_t number) {
      return is_share_known(summary_) ? share(number, traffic.messages) + " of the mail" : std::string();
    };
    out_ += "<dl class=\"figures card\">\n";
    if (has_totals) {
      figure("messages passed", traffic.messages, "through " + counted(summary_.relays.rows.size(), "relay"));
    }
    figure("messages with a finding", messages.all(), of_all(messages.all()));
    if (messages[Outcome::rewritten] > 0) {
      figure("messages were changed", messages[Outcome::rewritten], of_all(messages[Outcome::rewritten]));
    }
    if (messages[Outcome::would_rewrite] > 0 || messages[Outcome::rewritten] == 0) {
      figure("messages would be changed", messages[Outcome::would_rewrite], of_all(messages[Outcome::would_rewrite]));
    }
    if (messages[Outcome::failed] > 0) {
      figure("messages with an edit not taken", messages[Outcome::failed], of_all(messages[Outcome::failed]));
    }
    const bool only_would = messages[Outcome::rewritten] == 0;
    figure(only_would ? "messages would have a broken signature" : "messages with a broken signature",
           summary_.breaking_messages, summary_.breaking_messages == 0 ? "" : of_all(summary_.breaking_messages));
    out_ += "</dl>\n";
  }

  void note_box() {
    const std::vector<std::string> all = notes(summary_);
    if (all.empty()) return;
    out_ +=
        "<aside class=\"notes card\" aria-labelledby=\"notes\">\n<h2 id=\"notes\">Before you rely on the "
        "numbers</h2>\n<ul>\n";
    for (const std::string& note : all) out_ += element("li", html(note));
    out_ += "</ul>\n</aside>\n";
  }

  void legend() {
    out_ += "<ul class=\"legend\">";
    for (const Outcome outcome : shown_) {
      out_ += "<li><svg aria-hidden=\"true\"><rect class=\"" + std::string(class_of(outcome)) +
              "\" width=\"100%\" height=\"100%\"/></svg>" + html(words_of(outcome)) + "</li>";
    }
    out_ += "</ul>\n";
  }

  void begin_table(std::string_view css_class, std::string_view caption, const std::vector<std::string_view>& heads) {
    out_ += "<table class=\"" + std::string(css_class) + "\">\n<caption>" + html(caption) + "</caption>\n<thead><tr>";
    for (const std::string_view head : heads) out_ += "<th scope=\"col\">" + html(head) + "</th>";
    out_ += "</tr></thead>\n<tbody>\n";
  }

  /// `label` is markup.
  void row(const std::string& label, const std::vector<std::string>& cells, std::string_view css_class = {}) {
    out_ += css_class.empty() ? "<tr>" : "<tr class=\"" + std::string(css_class) + "\">";
    out_ += "<th scope=\"row\">" + label + "</th>";
    for (const std::string& cell : cells) out_ += "<td>" + html(cell) + "</td>";
    out_ += "</tr>\n";
  }

  void end_table() { out_ += "</tbody>\n</table>\n"; }

  void begin_slots(std::string_view css_class, std::string_view caption, std::string_view head) {
    std::vector<std::string_view> heads = {head, "with a finding"};
    if (summary_.totals_count > 0) heads = {head, "passed", "with a finding", "share", "unread"};
    if (has_exempt()) heads.emplace_back("exempt");
    begin_table(css_class, caption, heads);
  }

  std::vector<std::string> slot_cells(const Slot& slot) const {
    const Traffic& traffic = slot.traffic;
    const std::uint64_t found = weight(slot.counts);
    if (summary_.totals_count == 0) return {grouped(found)};
    std::vector<std::string> cells = {grouped(traffic.messages), grouped(found), share(found, traffic.messages),
                                      grouped(traffic.unread)};
    if (has_exempt()) cells.push_back(grouped(traffic.exempt));
    return cells;
  }

  bool has_exempt() const { return summary_.all.traffic.exempt > 0; }

  struct Slice {
    std::string label;
    std::string tick;
    std::string group;
    const Slot* slot;
  };

  void chart(const std::string& id, const std::string& title, std::string_view unit, const std::vector<Slice>& slices) {
    std::vector<ChartColumn> columns;
    const Slice* busiest = &slices.front();
    for (const Slice& slice : slices) {
      columns.push_back({slice.label, slice.tick, slice.group, slice.slot->counts.messages});
      if (weight(slice.slot->counts) > weight(busiest->slot->counts)) busiest = &slice;
    }
    const std::string description = "Most of them, " + grouped(weight(busiest->slot->counts)) + ", at " +
                                    busiest->label + ". The numbers are in the table below the chart.";
    out_ += "<div class=\"card chart\"><figure>\n<figcaption>" + html(title) + "</figcaption>\n";
    legend();
    out_ += column_chart({id, title, description}, columns, shown_) + "</figure>\n";
    out_ +=
        "<details><summary>The numbers as a table</summary>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" "
        "aria-label=\"" +
        html(title) + ", as a table\">\n";
    begin_slots("plain", title, unit);
    for (const Slice& slice : slices) row(html(slice.label), slot_cells(*slice.slot));
    end_table();
    out_ += "</div></details></div>\n";
  }

  void over_time() {
    const Timeline line = timeline(summary_);
    if (line.periods.empty() || summary_.affected() == 0) return;
    section("time", "When", "Messages with a finding. A peak at a fixed hour is often one scheduled job.");
    out_ += "<div class=\"grid\">\n";
    std::vector<Slice> slices;
    for (const Period& period : line.periods) slices.push_back({period.label, period.tick, period.group, &period.slot});
    chart("by-period", "Messages with a finding by " + std::string(line.unit), line.unit, slices);
    slices.clear();
    for (std::size_t hour = 0; hour < summary_.hours.size(); ++hour) {
      const std::string digits = (hour < 10 ? "0" : "") + std::to_string(hour);
      slices.push_back({digits + ":00", digits, {}, &summary_.hours[hour]});
    }
    chart("by-hour", "Messages with a finding by hour of the day, UTC", "hour", slices);
    out_ += "</div>\n";
    end_section();
  }

  std::vector<std::string> cells(const Counts& counts) const {
    return {grouped(counts.messages.all()), share(counts.messages.all(), summary_.affected())};
  }

  template <class Value, std::size_t limit>
  static std::string rest_label(const Bounded<Value, limit>& counted_rows, const Ranking<Value>& ranking) {
    return counted_rows.has_others ? std::string("all others") : counted(ranking.more_keys, "other");
  }

  void bar_table(std::string_view caption, std::string_view head, const Bounded<Counts>& counts,
                 bool with_meaning = false) {
    const Ranking<Counts> ranking = ranked(counts, top_);
    if (ranking.rows.empty()) return;
    out_ += "<div class=\"card\">\n";
    begin_table("bars", caption, {head, "messages", "share"});
    const std::uint64_t most = weight(*ranking.rows.front().value);
    for (const auto& line : ranking.rows) {
      std::string label = label_of(line.key);
      const RuleWords* const words = with_meaning ? rule_words(line.key) : nullptr;
      if (words != nullptr) label += "<span class=\"meaning\">" + html(words->meaning) + "</span>";
      const std::string_view name = line.key.empty() ? none : line.key;
      row(label + row_bar(line.value->messages, most, shown_, name), cells(*line.value));
    }
    if (ranking.has_rest) row(rest_label(counts, ranking), cells(ranking.rest), "rest");
    end_table();
    out_ += "</div>\n";
  }

  void faults() {
    if (summary_.affected() == 0) return;
    section("faults", "What is wrong",
            "A message can break several rules, and is then counted under each. The share is that of the messages with "
            "a finding.");
    legend();
    out_ += "<div class=\"grid\">\n";
    bar_table("By rule", "rule", summary_.rules, true);
    bar_table("By field", "field", summary_.fields);
    out_ += "</div>\n";
    end_section();
  }

  void origins() {
    if (summary_.affected() == 0) return;
    section("origins", "Where it comes from",
            "The host that handed the mail over, the domain of the envelope sender, the domain of the From field where "
            "that is another, and the program as it names itself in User-Agent or X-Mailer.");
    legend();
    out_ += "<div class=\"grid\">\n";
    bar_table("By client", "client", summary_.clients);
    bar_table("By sender domain", "domain", summary_.sender_domains);
    bar_table("By From domain, where it is not the sender's", "domain", summary_.from_domains);
    bar_table("By agent", "agent", summary_.agents);
    relays();
    out_ += "</div>\n";
    end_section();
  }

  void relays() {
    out_ += "<div class=\"card\">\n";
    begin_slots("bars", "By relay", "relay");
    const Ranking<Slot> ranking = ranked(summary_.relays, top_);
    for (const auto& line : ranking.rows) row(label_of(line.key), slot_cells(*line.value));
    if (ranking.has_rest) row(rest_label(summary_.relays, ranking), slot_cells(ranking.rest), "rest");
    end_table();
    out_ += "</div>\n";
  }

  void signatures() {
    if (summary_.affected() == 0) return;
    section("signatures", "What becomes of signatures", signature_words(summary_).front());
    out_ += "<div class=\"grid\">\n";
    const std::vector<std::string> words = signature_words(summary_);
    if (words.size() > 1) {
      out_ += "<div>";
      for (std::size_t i = 1; i < words.size(); ++i) out_ += element("p", html(words[i]));
      out_ += "</div>\n";
    }
    const Ranking<SignatureCounts> ranking = ranked(summary_.signing_domains, top_);
    if (!ranking.rows.empty()) {
      out_ += "<div class=\"card\">\n";
      begin_table("bars", "Edits by signing domain", {"domain", "survives", "breaks", "held back"});
      const auto cells_of = [](const SignatureCounts& counts) -> std::vector<std::string> {
        return {grouped(counts.kept), grouped(counts.broken), grouped(counts.spared)};
      };
      for (const auto& line : ranking.rows) row(label_of(line.key), cells_of(*line.value));
      if (ranking.has_rest) row(rest_label(summary_.signing_domains, ranking), cells_of(ranking.rest), "rest");
      end_table();
      out_ += "</div>\n";
    }
    out_ += "</div>\n";
    end_section();
  }

  void applications() {
    const Ranking<Application> ranking = ranked(summary_.applications, top_);
    if (ranking.rows.empty()) return;
    section("who", "Who writes it",
            "The applications with the most affected messages: one domain, one client and one agent each, with "
            "an example, and what to tell the people behind it.");
    out_ += "<ol class=\"applications\">\n";
    std::size_t number = 0;
    for (const auto& line : ranking.rows) application(++number, *line.value, weight(*ranking.rows.front().value));
    out_ += "</ol>\n";
    if (ranking.has_rest) {
      out_ += element("p class=\"intro\"", html("Further applications (" + rest_label(summary_.applications, ranking) +
                                                ") have " + counted(weight(ranking.rest.counts), "message") + ", " +
                                                share(weight(ranking.rest.counts), summary_.affected()) + "."));
    }
    end_section();
  }

  void fact(std::string_view name, const std::string& markup) {
    if (!markup.empty()) out_ += "<dt>" + html(name) + "</dt><dd>" + markup + "</dd>\n";
  }

  void application(std::size_t number, const Application& application, std::uint64_t most) {
    const std::string id = "application-" + std::to_string(number);
    const std::uint64_t messages = weight(application.counts);
    const std::string_view domain = application.domain.empty() ? none : std::string_view(application.domain);
    out_ += "<li><article class=\"application card\" aria-labelledby=\"" + id +
            "\"><div>\n<div class=\"head\"><h3 id=\"" + id + "\">" + bdi(domain) + "</h3><p class=\"count\"><strong>" +
            grouped(messages) + "</strong> " + (messages == 1 ? "message, " : "messages, ") +
            html(share(messages, summary_.affected())) + "</p></div>\n";
    out_ += row_bar(application.counts.messages, most, shown_, domain);
    out_ += "\n<dl class=\"facts\">\n";
    fact("Client", application.client.empty() ? std::string() : bdi(application.client));
    fact("Agent", application.agent.empty() ? std::string() : bdi(application.agent));
    std::string rules;
    for (const auto& [rule, count] : application.rules) {
      rules += (rules.empty() ? "" : ", ") + html(rule) + " (" + grouped(count) + ')';
    }
    fact("Found", rules);
    if (application.producer != nullptr) {
      fact("Written by",
           "probably <strong>" + html(application.producer->name) + "</strong>: " + html(application.producer->shape));
    }
    out_ += "</dl>\n";
    const bool is_folded_away = number > open_examples;
    if (is_folded_away) out_ += "<details><summary>Example</summary>\n";
    example(application.example);
    if (is_folded_away) out_ += "</details>\n";
    out_ += "<p class=\"tell\"><strong>What to tell them</strong>" + html(advice_for(application)) +
            "</p>\n</div></article></li>\n";
  }

  void example(const Example& example) {
    const std::string after = after_of(example);
    out_ += "<figure class=\"example\"><figcaption>Example: " + bdi(where_of(example)) + "</figcaption>\n<dl>";
    if (!example.before.empty()) {
      out_ += "<div class=\"before\"><dt>Before</dt><dd><code>" + bdi(example.before) + "</code></dd></div>";
    }
    if (!after.empty()) {
      out_ += "<div class=\"after\"><dt>After</dt><dd><code>" + bdi(after) + "</code></dd></div>";
    }
    out_ += "</dl></figure>\n";
  }

  void glossary() {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> terms = {{
        {"finding", "A fault in a header field, found by one of the filter's rules."},
        {"would change", "The filter ran in log-only mode: in rewrite mode it would have mended the field."},
        {"changed", "The filter mended the field."},
        {"reported", "The filter leaves the field as it is: the rule only reports, or no sure repair is known."},
        {"not taken", "The mail server did not take the change; the mail went on as it was."},
        {"unread", "A message that passed without a look, because its header was too large or after an error."},
        {"exempt", "A message that passed without a look, because the configuration leaves its mail alone."},
    }};
    section("words", "How to read this", "The words of this report. All times are UTC.");
    out_ += "<dl class=\"glossary card\">\n";
    for (const auto& [term, meaning] : terms) out_ += "<dt>" + html(term) + "</dt><dd>" + html(meaning) + "</dd>\n";
    out_ += "</dl>\n";
    end_section();
  }

  void foot() {
    out_ += "<footer>Made by <code>msgid-audit report</code> from " + counted(summary_.reading.files, "file") +
            " with " + counted(summary_.affected(), "record") + " and " + counted(summary_.totals_count, "total") +
            ". The manual is msgid-audit(1).</footer>\n";
  }

  const Summary& summary_;
  const std::size_t top_;
  std::vector<Outcome> shown_;
  std::string out_;
};

}  // namespace

std::string to_html(const Summary& summary, std::size_t top) {
  return HtmlReport(summary, top).write();
}

}  // namespace report
