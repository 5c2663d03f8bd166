// The report as one JSON object. Its keys are described in msgid-audit(1) and do not change their meaning.
#include <nlohmann/json.hpp>

#include "report/instant.h"
#include "report/summary.h"
#include "report/words.h"

namespace report {

namespace {

using Json = nlohmann::ordered_json;

constexpr int report_version = 1;

Json json_of(const ByOutcome& counts) {
  Json json = {{"all", counts.all()}};
  for (const Outcome outcome : outcomes) json[std::string(name_of(outcome))] = counts[outcome];
  return json;
}

void append(Json& json, const Counts& counts) {
  json["messages"] = json_of(counts.messages);
  json["findings"] = json_of(counts.findings);
}

void append(Json& json, const Slot& slot) {
  const Traffic& traffic = slot.traffic;
  json["passed"] = traffic.messages;
  json["clean"] = traffic.clean;
  json["affected"] = traffic.affected;
  json["unread"] = traffic.unread;
  json["exempt"] = traffic.exempt;
  append(json, slot.counts);
}

void append(Json& json, const SignatureCounts& counts) {
  json["survives"] = counts.kept;
  json["breaks"] = counts.broken;
  json["held_back"] = counts.spared;
}

Json json_of(const Example& example) {
  return {{"time", example.time},     {"host", example.host},  {"queue_id", example.queue_id},
          {"source", example.source}, {"user", example.user},  {"rule", example.rule},
          {"field", example.field},   {"part", example.part},  {"action", name_of(example.outcome)},
          {"before", example.before}, {"after", example.after}};
}

void append(Json& json, const Application& application) {
  append(json, application.counts);
  if (application.example.rule.empty()) return;  // what others add up to
  json["rules"] = application.rules;
  json["example"] = json_of(application.example);
  json["software"] = application.producer == nullptr ? Json() : Json(application.producer->name);
  json["shape"] = application.producer == nullptr ? Json() : Json(application.producer->shape);
  json["advice"] = advice_for(application);
}

/// {"rows": [...], "others": null or the sum of all rows that are not there}
template <class Value, std::size_t limit>
Json json_of(const Bounded<Value, limit>& table, std::size_t top) {
  const Ranking<Value> ranking = ranked(table, top);
  Json rows = Json::array();
  for (const auto& row : ranking.rows) {
    Json json;
    if constexpr (std::is_same_v<Value, Application>) {
      json["domain"] = row.value->domain;
      json["client"] = row.value->client;
      json["agent"] = row.value->agent;
    } else {
      json["key"] = row.key;
    }
    append(json, *row.value);
    rows.push_back(std::move(json));
  }
  Json others;
  if (ranking.has_rest) append(others, ranking.rest);
  return {{"rows", std::move(rows)}, {"others", std::move(others)}};
}

Json time_or_null(std::optional<std::int64_t> seconds) {
  return seconds ? Json(rfc3339(*seconds)) : Json();
}

Json reading_of(const Summary& summary) {
  const Reading& reading = summary.reading;
  return {{"files", reading.files},
          {"totals", summary.totals_count},
          {"unreadable_lines", reading.unreadable},
          {"too_long_lines", reading.too_long},
          {"unknown_records", reading.unknown},
          {"repeated_lines", reading.repeated},
          {"without_time", summary.without_time},
          {"outside_window", summary.outside_window},
          {"troubles", reading.troubles}};
}

Json over_time(const Summary& summary) {
  Json days = Json::array();
  for (const auto& [date, slot] : summary.days.rows) {
    Json day = {{"key", date}};
    append(day, slot);
    days.push_back(std::move(day));
  }
  return days;
}

Json hours_of(const Summary& summary) {
  Json hours = Json::array();
  for (std::size_t i = 0; i < summary.hours.size(); ++i) {
    Json hour = {{"key", i}};
    append(hour, summary.hours[i]);
    hours.push_back(std::move(hour));
  }
  return hours;
}

}  // namespace

std::string to_json(const Summary& summary, std::size_t top) {
  Json json = {{"version", report_version}, {"headline", headline(summary)}};
  json["first"] = time_or_null(summary.first);
  json["last"] = time_or_null(summary.last);
  json["since"] = time_or_null(summary.window.since);
  json["until"] = time_or_null(summary.window.until);
  json["reading"] = reading_of(summary);
  json["notes"] = notes(summary);

  Json total;
  append(total, summary.all);
  const std::uint64_t passed = summary.all.traffic.messages;
  const double part = static_cast<double>(summary.affected()) / static_cast<double>(std::max<std::uint64_t>(passed, 1));
  total["share"] = passed == 0 || !is_share_known(summary) ? Json() : Json(part);
  total["findings_left_out"] = summary.left_out;
  json["total"] = std::move(total);

  json["edits"] = {{"fields", summary.edits},
                   {"signed", summary.signed_edits},
                   {"breaking", summary.breaking_edits},
                   {"breaking_messages", summary.breaking_messages},
                   {"held_back", summary.spared_edits}};
  json["relays"] = json_of(summary.relays, top);
  json["rules"] = json_of(summary.rules, top);
  json["fields"] = json_of(summary.fields, top);
  json["clients"] = json_of(summary.clients, top);
  json["sender_domains"] = json_of(summary.sender_domains, top);
  json["from_domains"] = json_of(summary.from_domains, top);
  json["agents"] = json_of(summary.agents, top);
  json["signing_domains"] = json_of(summary.signing_domains, top);
  json["days"] = over_time(summary);
  json["hours"] = hours_of(summary);
  json["applications"] = json_of(summary.applications, top);
  // ASCII only: what the outside world wrote does nothing to a terminal either.
  return json.dump(2, ' ', true, Json::error_handler_t::replace) + '\n';
}

}  // namespace report
