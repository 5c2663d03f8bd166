#include "milter/run.h"

#include <pwd.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "config/options.h"
#include "config/warnings.h"
#include "milter/adapter.h"
#include "milter/libmilter_lines.h"
#include "milter/life.h"
#include "milter/listener.h"
#include "milter/loaded_libmilter.h"
#include "milter/metrics.h"
#include "milter/notify.h"
#include "milter/overload.h"
#include "milter/scrape_server.h"
#include "milter/signals.h"
#include "milter/transport.h"
#include "report/audit_trail.h"
#include "report/log.h"
#include "report/log_writer.h"

namespace milter {

namespace {

constexpr const char* program = "msgid-milter";

[[noreturn]] void fail(const config::Loaded& loaded, const std::string& option, const std::string& reason,
                       int status = EX_CONFIG) {
  throw config::StartupError(config::line_about(loaded, option, reason), status);
}

/// Returns what `begin` returns. A std::system_error becomes a StartupError that names the thing.
template <class Begin>
auto started(const std::string& thing, Begin begin) {
  try {
    return begin();
  } catch (const std::system_error& error) {
    throw config::StartupError("cannot start " + thing + ": " + error.code().message(), EX_OSERR);
  }
}

bool is_root(const std::string& user) {
  const passwd* const entry = ::getpwnam(user.c_str());
  return entry != nullptr && entry->pw_uid == 0;
}

Listener start_listening(const config::Loaded& loaded, const config::Settings& settings,
                         const std::vector<notify::HandedSocket>& handed_over, const LoadedLibmilter& libmilter,
                         Overload& overload, const AskedFields& asked_fields) {
  if (::geteuid() == 0 && (settings.user.empty() || is_root(settings.user))) {
    fail(loaded, "user", "the service does not run as root; set it to a user of its own");
  }
  try {
    Listener listener(settings, handed_over,
                      {.max_sessions = settings.max_sessions,
                       .timeout = settings.timeout,
                       .descriptors = libmilter.descriptors(),
                       .on_shortage = [&overload](transport::Shortage shortage) { overload.happened(shortage); },
                       .asks_for = [&asked_fields](std::string_view name) { return asked_fields.has(name); }});
    drop_privileges(settings);
    return listener;
  } catch (const ListenError& error) {
    fail(loaded, error.option, error.what(), error.status);
  }
}

/// Starts the audit trail as the user that serves, so that this user can reopen the file. Returns null if none is set.
report::AuditTrail* start_trail(const config::Settings& settings, const report::Log& log) {
  if (settings.audit_log.empty()) return nullptr;
  auto trail = std::make_unique<report::AuditTrail>(settings.audit_log, log, settings.log_buffer);
  trail->start();
  return trail.release();
}

/// Null where no metrics are wanted.
std::unique_ptr<ScrapeServer> start_metrics(const config::Loaded& loaded, const Service& service,
                                            const LoadedLibmilter& libmilter) {
  const config::Endpoint& where = loaded.settings.metrics;
  if (!where.is_set()) return nullptr;
  try {
    return std::make_unique<ScrapeServer>(where, [&service, libmilter] {
      const OpenSessions& open = service.sessions;
      return metrics_text(service.counters, {.open_sessions = open.count(),
                                             .old_sessions = open.count_not_under(service.settings().get()),
                                             .version = MSGID_VERSION,
                                             .libmilter_file = libmilter.file,
                                             .libmilter_api = libmilter.api_version,
                                             .has_transport = transport::is_on()});
    });
  } catch (const std::system_error& error) {
    fail(loaded, "metrics", where.host_and_port() + ": " + error.what(), config::status_for(error.code().value()));
  }
}

/// What cannot be done with this libmilter.
std::vector<std::string> missing_parts(const config::Loaded& loaded) {
  const std::string obstacle = loaded.settings.transport ? loaded_libmilter().obstacle() : "";
  if (obstacle.empty()) return {};
  return {config::line_about(loaded, "transport", "on has no effect with this libmilter: " + obstacle)};
}

void print_warnings(const config::Loaded& loaded) {
  for (const auto& lines : {config::doubtful_files(loaded.files), config::contradictions(loaded),
                            config::obstacles(loaded), missing_parts(loaded)}) {
    for (const std::string& line : lines) std::cerr << program << ": warning: " << line << '\n';
  }
}

void print_version(std::ostream& out) {
  const LoadedLibmilter libmilter = loaded_libmilter();
  out << program << ' ' << MSGID_VERSION << '\n'
      << "libmilter " << libmilter.file << ", API " << libmilter.api_version << '\n';
  const std::string obstacle = libmilter.obstacle();
  if (!obstacle.empty()) out << "transport = on has no effect with it: " << obstacle << '\n';
}

report::LogOutput log_output(config::LogTarget target) {
  return target == config::LogTarget::syslog ? report::to_syslog(program) : report::to_standard_error(program);
}

using Clock = Life::Clock;

/// Lets `done` wait, for a tenth of a second at a time, until it returns true. Gives up at `until`, at a signal to
/// stop, and where `left` has not changed for most of a second.
template <class Done, class Left>
bool wait_until_done(Clock::time_point until, Signals& signals, Done done, Left left) {
  using std::chrono::milliseconds;
  constexpr milliseconds slice{100};
  constexpr milliseconds stall{800};
  Clock::time_point moved = Clock::now();
  for (std::size_t before = left(); !done(std::min(until, Clock::now() + slice));) {
    const Clock::time_point now = Clock::now();
    if (std::exchange(before, left()) != before) moved = now;
    if (now >= until || now - moved >= stall) return false;
    while (const std::optional<int> signal = signals.next()) {
      if (*signal == SIGTERM || *signal == SIGINT) return false;
    }
  }
  return true;
}

/// Writes the last log lines and records, within a second after `end.latest`. Returns false if some were not written.
/// If there is no memory for a line, the exit status is still correct.
bool say_the_end(Service& service, const Life::End& end, report::LogWriter& writer, Signals& signals) noexcept {
  using std::chrono::milliseconds;
  const auto written = [&](milliseconds more) {
    return wait_until_done(
        end.latest + more, signals, [&](Clock::time_point until) { return writer.flush(until); },
        [&] { return writer.size(); });
  };
  try {
    if (!end.open_sessions) service.log.listener_failed();
    // The audit log is the last to stop: meanwhile sessions may still be served.
    const bool takes_lines = written(milliseconds(300));
    bool is_said = true;
    if (report::AuditTrail* const trail = service.trail; trail != nullptr) {
      is_said = wait_until_done(
          end.latest + milliseconds(600), signals, [&](Clock::time_point until) { return trail->stop(until); },
          [&] { return trail->size(); });
      trail->tell_all();
    }
    service.log.stopped(end.open_sessions.value_or(service.sessions.count()));
    return (takes_lines ? written(milliseconds(800)) : writer.flush(Clock::now())) && is_said;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

int serve(const config::Loaded& loaded, const std::vector<std::string>& arguments, Signals& signals,
          report::LogWriter& writer, Counters& counters) {
  // Sessions can be at work until the process ends, so what they use is never freed.
  static const report::Log& log =
      *new report::Log([&writer](report::Severity severity, std::string_view line) { writer.write(severity, line); },
                       [&counters](report::Failure cause) { counters.failure(cause); });
  take_libmilter_lines(log);
  static Service& service = *new Service(std::make_shared<const config::Settings>(loaded.settings), log, counters);
  if (!register_callbacks(service)) fail(loaded, "socket", "libmilter refuses to register the filter", EX_OSERR);
  static Overload& overload = *new Overload(log, counters);
  const std::vector<notify::HandedSocket> handed_over = notify::handed_sockets();
  const LoadedLibmilter libmilter = loaded_libmilter();
  const std::string obstacle = loaded.settings.transport ? libmilter.obstacle() : "";
  config::Settings settings = loaded.settings;
  settings.transport = settings.transport && obstacle.empty();
  if (!obstacle.empty()) log.no_transport(obstacle);
  Listener listener = start_listening(loaded, settings, handed_over, libmilter, overload, service.asked_fields);
  service.is_unix = listener.is_unix();
  if (!settings.transport) service.refused = &overload;
  const std::unique_ptr<ScrapeServer> scrape_server = start_metrics(loaded, service, libmilter);
  service.trail = started("the audit-log thread", [&] { return start_trail(loaded.settings, log); });
  auto life = started("the libmilter thread", [&] {
    return std::make_unique<Life>(loaded, Life::Parts{service, listener, signals, overload},
                                  [&] { return config::load(arguments); });
  });
  std::vector<std::string> names;
  for (const notify::HandedSocket& socket : handed_over) names.push_back(socket.name);
  for (const std::string& line : config::doubtful_files(loaded.files)) log.file_in_doubt(line);
  log.serving({.endpoints = listener.endpoints(),
               .mode = settings.mode == config::Mode::rewrite ? "rewrite" : "log-only",
               .version = MSGID_VERSION,
               .libmilter = libmilter.file,
               .libmilter_api = libmilter.api_version,
               .has_transport = settings.transport,
               .handed_over = names});
  const Life::End end = life->run();
  const bool is_said = say_the_end(service, end, writer, signals);
  const int status = end.open_sessions ? EX_OK : EX_SOFTWARE;
  // Callbacks and threads that are still at work must not see the end of what main() and the libraries have made.
  if (!is_said || end.open_sessions != std::size_t{0}) std::_Exit(status);
  return status;
}

int serve(const config::Loaded& loaded, const std::vector<std::string>& arguments, Signals& signals) {
  static Counters& counters = *new Counters(loaded.settings.metrics.is_set());
  static report::LogWriter& writer = *started("the log thread", [&] {
    return new report::LogWriter(log_output(loaded.settings.log), loaded.settings.log_buffer,
                                 [] { counters.failure(report::Failure::log); });
  });
  try {
    return serve(loaded, arguments, signals, writer, counters);
  } catch (const std::exception&) {
    // libmilter's lines about the reason may still be queued.
    writer.flush(Clock::now() + std::chrono::milliseconds(800));
    throw;
  }
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  Signals signals;
  // A write beyond RLIMIT_FSIZE, or to standard error without a reader, must fail like any other write.
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  const config::Loaded loaded = config::load(arguments);
  switch (loaded.command) {
    case config::Command::help:
      config::print_help(std::cout);
      return EX_OK;
    case config::Command::version:
      print_version(std::cout);
      return EX_OK;
    case config::Command::print_config:
      config::print_config(std::cout, loaded);
      return EX_OK;
    case config::Command::check_config:
      print_warnings(loaded);
      return EX_OK;
    case config::Command::serve:
      break;
  }
  return serve(loaded, arguments, signals);
}

}  // namespace milter
