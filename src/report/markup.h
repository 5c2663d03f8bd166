// Pieces of the HTML report: text in markup, and the charts, which are SVG inside the page.
//
// The charts grow with the page: what lies along the x axis is in percent of the width, heights and letters are in
// pixels, so that a chart is as legible on a telephone as on a desk.
#ifndef MSGID_REPORT_MARKUP_H
#define MSGID_REPORT_MARKUP_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/summary.h"

namespace report {

/// Text as HTML: made harmless by printable(), and what is markup escaped, in attributes too.
std::string html(std::string_view text);

/// A value of the outside world, isolated from the direction of the text around it.
std::string bdi(std::string_view value);

/// A column of a chart.
struct ChartColumn {
  std::string label;  ///< "2026-11-22"; what the pointer is told
  std::string tick;   ///< what stands below; where there are many columns, below some of them
  std::string group;  ///< stands behind the first tick of the same group
  ByOutcome messages;
};

/// What a chart and its columns are about, for who does not see it.
struct ChartText {
  std::string id;  ///< of the chart's elements, unique in the page
  std::string title;
  std::string description;
};

/// Stacked columns with an axis. `shown`: the outcomes that there are, from the bottom up.
std::string column_chart(const ChartText& text, const std::vector<ChartColumn>& columns,
                         const std::vector<Outcome>& shown);

/// One bar, stacked, with the length of counts.all() in `most`; `title` says it in words.
std::string row_bar(const ByOutcome& counts, std::uint64_t most, const std::vector<Outcome>& shown,
                    std::string_view title);

/// The class of an outcome's colour in the style sheet, which html() need not touch.
std::string_view class_of(Outcome outcome);

/// The style sheet of the page, between <style> and </style>.
extern const std::string_view style_sheet;

}  // namespace report

#endif
