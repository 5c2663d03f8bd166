#include "report/markup.h"

#include <array>
#include <charconv>
#include <cmath>

#include "report/printable.h"
#include "report/words.h"

namespace report {

namespace {

// Of a column chart, in pixels from the top, and in percent of the width.
constexpr double plot_top = 22, plot_bottom = 190, chart_height = 216, tick_line = 208;
constexpr double plot_left = 8, plot_width = 92;
constexpr double widest_column = 6;
constexpr std::size_t most_ticks = 8;          // more do not fit a telephone
constexpr std::size_t most_column_labels = 8;  // numbers above the columns

/// Two digits behind the point, whatever the locale.
std::string decimal(double number) {
  std::array<char, 64> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 2);
  return error == std::errc{} ? std::string(text.data(), end) : "0";
}

/// "1200", "12k", "3.4M": what fits beside an axis or above a column.
std::string brief(double number) {
  static constexpr std::array<std::pair<double, char>, 3> units = {{{1e9, 'G'}, {1e6, 'M'}, {1e3, 'k'}}};
  std::array<char, 64> text{};
  for (const auto& [unit, letter] : units) {
    if (number < unit * (letter == 'k' ? 10 : 1)) continue;
    const double scaled = number / unit;
    const auto [end, error] =
        std::to_chars(text.data(), text.data() + text.size() - 1, scaled, std::chars_format::fixed,
                      scaled < 10 && std::fmod(scaled, 1) > 0.05 ? 1 : 0);
    if (error == std::errc{}) return std::string(text.data(), end) + letter;
  }
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed, 0);
  return error == std::errc{} ? std::string(text.data(), end) : std::string();
}

/// The distance of the lines of an axis up to `most`: 1, 2 or 5 times a power of ten, so that there are at most five.
double axis_step(double most) {
  double power = 1;
  while (most / power > 50) power *= 10;
  for (const double step : {power, 2 * power, 5 * power}) {
    if (most / step <= 5) return step;
  }
  return 10 * power;
}

void append_text(std::string& out, const std::string& x, double y, std::string_view anchor, std::string_view text) {
  out += "<text x=\"" + x + "\" y=\"" + decimal(y) + "\" text-anchor=\"" + std::string(anchor) + "\">" + html(text) +
         "</text>";
}

void append_rect(std::string& out, std::string_view css_class, const std::string& x, double y, const std::string& width,
                 double height) {
  out += "<rect class=\"" + std::string(css_class) + "\" x=\"" + x + "\" y=\"" + decimal(y) + "\" width=\"" + width +
         "\" height=\"" + decimal(height) + "\"/>";
}

std::string percent(double number) {
  return decimal(number) + '%';
}

void append_line(std::string& out, std::string_view css_class, double y) {
  out += "<line class=\"" + std::string(css_class) + "\" x1=\"" + percent(plot_left) + "\" x2=\"100%\" y1=\"" +
         decimal(y) + "\" y2=\"" + decimal(y) + "\"/>";
}

void append_grid(std::string& out, double most, double step) {
  append_text(out, "0", plot_bottom + 4, "start", "0");
  for (double value = step; value <= most + step / 2; value += step) {
    const double y = plot_bottom - value / most * (plot_bottom - plot_top);
    append_line(out, "grid", y);
    append_text(out, "0", y + 4, "start", brief(value));
  }
}

/// "2026-11-22: 120 would change, 14 reported".
std::string in_words(std::string_view label, const ByOutcome& counts, const std::vector<Outcome>& shown) {
  std::string words(label);
  std::string_view separator = ": ";
  for (const Outcome outcome : shown) {
    words += separator;
    words += grouped(counts[outcome]) + ' ' + std::string(words_of(outcome));
    separator = ", ";
  }
  return words;
}

}  // namespace

std::string html(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string bdi(std::string_view value) {
  return "<bdi>" + html(value) + "</bdi>";
}

std::string_view class_of(Outcome outcome) {
  return name_of(outcome);
}

std::string column_chart(const ChartText& text, const std::vector<ChartColumn>& columns,
                         const std::vector<Outcome>& shown) {
  std::uint64_t largest = 1;
  for (const ChartColumn& column : columns) largest = std::max(largest, column.messages.all());
  const double step = axis_step(static_cast<double>(largest));
  const double most = std::ceil(static_cast<double>(largest) / step) * step;
  const double slot = plot_width / static_cast<double>(std::max<std::size_t>(columns.size(), 1));
  const double width = std::min(slot * 0.72, widest_column);
  const std::size_t tick_every = (columns.size() + most_ticks - 1) / most_ticks;
  std::string group;

  std::string out = "<svg class=\"columns\" role=\"img\" width=\"100%\" height=\"" + decimal(chart_height) +
                    "\" aria-labelledby=\"" + text.id + "-title " + text.id + "-desc\"><title id=\"" + text.id +
                    "-title\">" + html(text.title) + "</title><desc id=\"" + text.id + "-desc\">" +
                    html(text.description) + "</desc>";
  append_grid(out, most, step);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const ByOutcome& messages = columns[i].messages;
    const double middle = plot_left + slot * (static_cast<double>(i) + 0.5);
    double y = plot_bottom;
    out += "<g><title>" + html(in_words(columns[i].label, messages, shown)) + "</title>";
    // The whole slot answers to the pointer, so that low columns can be hit.
    append_rect(out, "slot", percent(middle - slot / 2), plot_top, percent(slot), plot_bottom - plot_top);
    for (const Outcome outcome : shown) {
      const double height = static_cast<double>(messages[outcome]) / most * (plot_bottom - plot_top);
      if (height <= 0) continue;
      y -= height;
      append_rect(out, class_of(outcome), percent(middle - width / 2), y, percent(width), height);
    }
    if (columns.size() <= most_column_labels && messages.all() > 0) {
      append_text(out, percent(middle), y - 5, "middle", brief(static_cast<double>(messages.all())));
    }
    if (i % tick_every == 0) {
      const bool is_new_group = columns[i].group != group;
      group = columns[i].group;
      append_text(out, percent(middle), tick_line, "middle", columns[i].tick + (is_new_group ? ' ' + group : ""));
    }
    out += "</g>\n";
  }
  append_line(out, "axis", plot_bottom);
  return out + "</svg>\n";
}

std::string row_bar(const ByOutcome& counts, std::uint64_t most, const std::vector<Outcome>& shown,
                    std::string_view title) {
  std::string out = "<svg class=\"bar\" role=\"img\" width=\"100%\" height=\"8\"><title>" +
                    html(in_words(title, counts, shown)) + "</title><rect class=\"slot\" width=\"100%\" height=\"8\"/>";
  double x = 0;
  for (const Outcome outcome : shown) {
    const double width =
        100.0 * static_cast<double>(counts[outcome]) / static_cast<double>(std::max<std::uint64_t>(most, 1));
    if (width <= 0) continue;
    append_rect(out, class_of(outcome), percent(x), 0, percent(width), 8);
    x += width;
  }
  return out + "</svg>";
}

}  // namespace report
