// `msgid-audit report`: audit trails in, one report out.
#include <sys/ioctl.h>
#include <unistd.h>

#include <functional>
#include <iostream>
#include <set>
#include <unordered_set>

#include "audit/arguments.h"
#include "audit/subcommand.h"
#include "audit/trail_reader.h"
#include "report/instant.h"
#include "report/summary.h"

namespace audit {

namespace {

constexpr std::uint64_t max_complaints = 3;           // about lines of one file
constexpr std::uint64_t lines_without_record = 1000;  // after so many at its beginning, a file is no trail
constexpr std::size_t max_remembered_lines = 500000;
constexpr std::size_t max_troubles = 50;

class TrailReport {
 public:
  explicit TrailReport(report::Window window) : summary_(window) {}

  void read(const std::string& path) {
    try {
      TrailReader reader(path);
      if (!seen_.insert(reader.identity()).second) {
        complain(path + ": given twice, read once");
        return;
      }
      read(path, reader);
    } catch (const Trouble& error) {
      failed(error.what());
    }
  }

  bool has_failed() const { return has_failed_; }
  const report::Summary& summary() const { return summary_; }

 private:
  /// Nothing could be read of a file.
  void failed(const std::string& what) {
    has_failed_ = true;
    trouble(what);
  }

  void trouble(const std::string& what) {
    complain(what);
    if (summary_.reading.troubles.size() < max_troubles) summary_.reading.troubles.push_back(what);
  }

  void read(const std::string& path, TrailReader& reader) {
    File file{path};
    TrailReader::Event event{};
    while ((event = reader.next()) != TrailReader::Event::end) {
      if (event == TrailReader::Event::broken) break;
      if (event == TrailReader::Event::too_long) {
        ++summary_.reading.too_long;
        refuse(file, reader, "longer than a record can be");
      } else if (!reader.line().empty()) {
        take(file, reader);
      }
      if (file.records == 0 && file.refused == lines_without_record) break;
    }
    if (file.refused > max_complaints) {
      complain(path + ": and " + std::to_string(file.refused - max_complaints) + " more lines");
    }
    const bool is_broken = event == TrailReader::Event::broken;
    const std::string where = path + ':' + std::to_string(reader.number()) + ": ";
    if (file.records == 0 && is_broken) {
      failed(where + reader.reason());
    } else if (file.records == 0 && file.refused > 0) {
      failed(path + ": no audit trail: not one record in it");
    } else {
      ++summary_.reading.files;
      if (is_broken) trouble(where + reader.reason());
    }
  }

  struct File {
    std::string path;
    std::uint64_t records = 0;  ///< of any type
    std::uint64_t refused = 0;  ///< lines
  };

  void refuse(File& file, const TrailReader& reader, const std::string& reason) {
    ++file.refused;
    if (file.refused > max_complaints) return;
    complain(file.path + ':' + std::to_string(reader.number()) + ": " + reason);
  }

  void take(File& file, const TrailReader& reader) {
    try {
      const auto record = report::parse_audit_line(reader.line());
      ++file.records;
      remember(reader.line());
      if (const auto* message = std::get_if<report::AuditRecord>(&record)) {
        summary_.add(*message);
      } else if (const auto* totals = std::get_if<report::AuditTotals>(&record)) {
        summary_.add(*totals);
      } else {
        ++summary_.reading.unknown;
      }
    } catch (const std::runtime_error& error) {
      ++summary_.reading.unreadable;
      refuse(file, reader, error.what());
    }
  }

  void remember(std::string_view line) {
    const std::size_t hash = std::hash<std::string_view>()(line);
    if (lines_.contains(hash)) {
      ++summary_.reading.repeated;
    } else if (lines_.size() < max_remembered_lines) {
      lines_.insert(hash);
    }
  }

  report::Summary summary_;
  bool has_failed_ = false;
  std::set<std::pair<std::uint64_t, std::uint64_t>> seen_;
  std::unordered_set<std::size_t> lines_;
};

std::optional<std::int64_t> instant(const Arguments& arguments, const std::string& option) {
  if (!arguments.has(option)) return std::nullopt;
  const std::string text = arguments.value(option);
  const std::optional<std::int64_t> seconds = report::parse_instant(text);
  if (!seconds) {
    throw Trouble("report: --" + option + ": only a date or a time as in RFC 3339, 2026-11-22 or 2026-11-22T10:00:00Z");
  }
  return seconds;
}

report::Window window_of(const Arguments& arguments) {
  report::Window window = {instant(arguments, "since"), instant(arguments, "until")};
  if (window.until && report::is_date_only(arguments.value("until"))) *window.until += report::seconds_of_a_day;
  if (window.since && window.until && *window.since >= *window.until) {
    throw Trouble("report: --until: not behind --since");
  }
  return window;
}

/// The terminal's width; where it is none, a width that always is the same.
std::size_t columns() {
  constexpr std::size_t by_default = 100;
  winsize size = {};
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1 && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
  return is_terminal && size.ws_col > 0 ? size.ws_col : by_default;
}

}  // namespace

int report(const std::vector<std::string>& words) {
  const Usage usage = {
      "report",
      "LOG...",
      "Reads audit trails (the audit-log of the daemon, or what check --format json wrote; plain or gzip;\n"
      "- is standard input) and says how much mail is affected, by what, and who writes it.",
      {{"since", "TIME", "what happened from then on: 2026-11-16, or 2026-11-16T08:00:00Z"},
       {"until", "TIME", "what happened before then; of a date, to the end of that day"},
       {"top", "N", "rows in each table, 1 to 1000 (10)"},
       {"format", "text|json|csv|html", "what comes out (text)"}},
      false};
  const Arguments arguments(usage, words);
  if (arguments.is_help()) return print_help(usage);
  if (arguments.names().empty()) throw Trouble("report: which audit trail? \"-\" is standard input");
  const std::string format = arguments.choice("format", {"text", "json", "csv", "html"});
  const std::size_t top = arguments.number("top", 1, 1000, 10);

  TrailReport trails(window_of(arguments));
  for (const std::string& name : arguments.names()) trails.read(name);
  const report::Summary& summary = trails.summary();
  if (summary.reading.files > 0) {
    std::cout << (format == "json"   ? report::to_json(summary, top)
                  : format == "csv"  ? report::to_csv(summary, top)
                  : format == "html" ? report::to_html(summary, top)
                                     : report::to_text(summary, top, columns()));
  }
  constexpr int trouble_status = 2;
  return trails.has_failed() ? trouble_status : 0;
}

}  // namespace audit
