#include "milter/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <utility>
#include <vector>

namespace milter {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using report::Failure;
using report::Outcome;
using Labels = std::vector<ClientMetric::Label>;

MetricFamily family(const std::string& name, std::string help, MetricType type) {
  return {"msgid_milter_" + name, std::move(help), type, {}};
}

void add_counter(MetricFamily& to, Labels labels, Counters::Number number) {
  ClientMetric& metric = to.metric.emplace_back();
  metric.label = std::move(labels);
  metric.counter.value = static_cast<double>(number);
}

MetricFamily counter(const std::string& name, std::string help, Counters::Number number) {
  MetricFamily made = family(name, std::move(help), MetricType::Counter);
  add_counter(made, {}, number);
  return made;
}

MetricFamily gauge(const std::string& name, std::string help, double value, Labels labels = {}) {
  MetricFamily made = family(name, std::move(help), MetricType::Gauge);
  ClientMetric& metric = made.metric.emplace_back();
  metric.label = std::move(labels);
  metric.gauge.value = value;
  return made;
}

double seconds(std::chrono::nanoseconds time) {
  return static_cast<double>(time.count()) / 1e9;
}

MetricFamily messages(const Counters& counters) {
  MetricFamily made =
      family("messages_total", "Messages that have passed, by what has become of them.", MetricType::Counter);
  for (const MessageOutcome outcome : all_message_outcomes) {
    add_counter(made, {{"outcome", std::string(name_of(outcome))}}, counters.messages(outcome));
  }
  return made;
}

MetricFamily findings(const Counters& counters) {
  MetricFamily made = family("findings_total", "Findings in header fields, by rule and by what has become of them.",
                             MetricType::Counter);
  const auto add = [&](const msgid::Rule& rule) {
    for (const Outcome action : report::all_outcomes) {
      const Counters::Number number = counters.findings(rule.id, action);
      // A rule that never edits has nothing but reports.
      if (!rule.can_fix && action != Outcome::reported && number == 0) continue;
      add_counter(made, {{"rule", std::string(rule.name)}, {"action", std::string(name_of(action))}}, number);
    }
  };
  for (const msgid::Rule& rule : msgid::rules()) add(rule);
  for (const msgid::Rule& rule : msgid::exchange_rules()) {
    // These two look at bodies, and the daemon gets none.
    if (rule.id == msgid::RuleId::exchange_8bit_body || rule.id == msgid::RuleId::exchange_narrow_multipart) continue;
    add(rule);
  }
  return made;
}

MetricFamily breaking_edits(const Counters& counters) {
  MetricFamily made = family("signature_breaking_edits_total",
                             "Edits that break a DKIM or ARC signature over the field, by what has become of them.",
                             MetricType::Counter);
  for (const Outcome action : report::all_outcomes) {
    add_counter(made, {{"action", std::string(name_of(action))}}, counters.breaking_edits(action));
  }
  return made;
}

MetricFamily failures(const Counters& counters) {
  MetricFamily made =
      family("failures_total", "What went wrong, by cause. Mail passes all the same.", MetricType::Counter);
  for (std::size_t i = 0; i < report::failure_count; ++i) {
    const auto cause = static_cast<Failure>(i);
    add_counter(made, {{"cause", std::string(name_of(cause))}}, counters.failures(cause));
  }
  return made;
}

MetricFamily refused_connections(const Counters& counters) {
  MetricFamily made = family("refused_connections_total",
                             "Connections closed at once, for max-sessions or want of a thread.", MetricType::Counter);
  add_counter(made, {}, counters.refused_connections());
  return made;
}

MetricFamily accept_pauses(const Counters& counters) {
  MetricFamily made =
      family("accept_pauses_total", "Times that no connection was accepted for 0.1 s, for want of files.",
             MetricType::Counter);
  add_counter(made, {}, counters.accept_pauses());
  return made;
}

MetricFamily reloads(const Counters& counters) {
  MetricFamily made = family("reloads_total", "Reloads of the configuration, by result.", MetricType::Counter);
  add_counter(made, {{"result", "taken"}}, counters.reloads_taken());
  add_counter(made, {{"result", "refused"}}, counters.reloads_refused());
  return made;
}

MetricFamily callback_time(const Counters& counters) {
  MetricFamily made =
      family("callback_duration_seconds", "Time spent in all callbacks of one message.", MetricType::Histogram);
  ClientMetric::Histogram& histogram = made.metric.emplace_back().histogram;
  histogram.sample_sum = seconds(counters.callback_time_sum());
  for (std::size_t i = 0; i < callback_time_bounds.size(); ++i) {
    histogram.sample_count += counters.callback_times(i);
    histogram.bucket.push_back({histogram.sample_count, seconds(callback_time_bounds[i])});
  }
  histogram.sample_count += counters.callback_times(callback_time_bounds.size());
  return made;
}

double seconds_since_1970(std::chrono::system_clock::time_point time) {
  return seconds(std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()));
}

}  // namespace

std::string metrics_text(const Counters& counters, const State& state) {
  std::vector<MetricFamily> all;
  all.push_back(messages(counters));
  all.push_back(findings(counters));
  all.push_back(breaking_edits(counters));
  all.push_back(failures(counters));
  all.push_back(counter("sessions_total", "Sessions that an MTA has begun.", counters.sessions()));
  all.push_back(gauge("open_sessions", "Sessions that are open.", static_cast<double>(state.open_sessions)));
  all.push_back(gauge("old_sessions", "Sessions that are open under a configuration from before the last reload.",
                      static_cast<double>(state.old_sessions)));
  all.push_back(callback_time(counters));
  all.push_back(refused_connections(counters));
  all.push_back(accept_pauses(counters));
  all.push_back(
      counter("failed_accepts_total", "Connections that failed before they were accepted.", counters.failed_accepts()));
  all.push_back(reloads(counters));
  all.push_back(gauge("last_reload_successful", "0 after a reload that was refused, else 1.",
                      counters.was_last_reload_taken() ? 1 : 0));
  all.push_back(gauge("build_info", "The version of the service, and the libmilter that is loaded; always 1.", 1,
                      {{"version", state.version},
                       {"libmilter", state.libmilter_file},
                       {"libmilter_api", state.libmilter_api},
                       {"transport", state.has_transport ? "on" : "off"}}));
  all.push_back(
      gauge("start_time_seconds", "When the service started, since 1970.", seconds_since_1970(counters.start_time())));
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace milter
