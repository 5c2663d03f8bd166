#include "milter/run.h"

#include <libmilter/mfapi.h>
#include <pwd.h>
#include <signal.h>
#include <sysexits.h>
#include <unistd.h>

#include <initializer_list>
#include <iostream>
#include <memory>

#include "config/options.h"
#include "milter/adapter.h"
#include "milter/listener.h"
#include "report/audit_trail.h"
#include "report/log.h"

namespace milter {

namespace {

constexpr const char* program = "msgid-milter";

[[noreturn]] void fail(const config::Loaded& loaded, const std::string& option, const std::string& reason) {
  std::string origin = "command line";
  for (const config::Origin& given : loaded.origins) {
    if (given.option == option) origin = given.text;
  }
  throw config::StartupError(origin + ": " + option + ": " + reason);
}

bool is_root(const std::string& user) {
  const passwd* const entry = ::getpwnam(user.c_str());
  return entry != nullptr && entry->pw_uid == 0;
}

void start_listening(const config::Loaded& loaded) {
  const config::Settings& settings = loaded.settings;
  if (::geteuid() == 0 && (settings.user.empty() || is_root(settings.user))) {
    fail(loaded, "user", "the service does not run as root; set it to a user of its own");
  }
  try {
    open_listener(settings);
    drop_privileges(settings);
  } catch (const ListenError& error) {
    fail(loaded, error.option, error.what());
  }
}

void block(std::initializer_list<int> which) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : which) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Opened by the user that serves, so that it can be opened again. Null where none is set.
report::AuditTrail* start_trail(const config::Loaded& loaded, const report::Log& log) {
  const std::string& path = loaded.settings.audit_log;
  if (path.empty()) return nullptr;
  try {
    auto trail = std::make_unique<report::AuditTrail>(path, log);
    trail->start();
    return trail.release();
  } catch (const std::exception& error) {
    fail(loaded, "audit-log", path + ": " + error.what());
  }
}

int serve(const config::Loaded& loaded) {
  // Sessions can outlive smfi_main() (libmilter does not wait for them), so what they use is never freed.
  static const report::Log& log =
      *new report::Log(loaded.settings.log == config::LogTarget::syslog ? report::to_syslog(program)
                                                                        : report::to_standard_error(program));
  static Service& service = *new Service{std::make_shared<const config::Settings>(loaded.settings), &log};
  if (!register_callbacks(service)) fail(loaded, "socket", "libmilter refuses to register the filter");
  // libmilter waits for these in a thread of its own. One that comes before that thread is there must wait for it: it
  // would end the process as if it had failed.
  block({SIGHUP, SIGTERM, SIGINT});
  start_listening(loaded);
  service.trail = start_trail(loaded, log);
  log.serving(loaded.settings.socket.for_libmilter(),
              loaded.settings.mode == config::Mode::rewrite ? "rewrite" : "log-only", MSGID_VERSION);
  const bool ended_well = smfi_main() == MI_SUCCESS;
  if (!ended_well) log.listener_failed();
  if (service.trail != nullptr) service.trail->stop();
  log.stopped();
  return ended_well ? EX_OK : EX_SOFTWARE;
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  // The audit trail's thread waits for SIGUSR1. Without one it is nobody's, and a script for logrotate must not end the
  // service. A file over RLIMIT_FSIZE is a write that fails, like any other.
  block({SIGUSR1});
  ::signal(SIGXFSZ, SIG_IGN);
  const config::Loaded loaded = config::load(arguments);
  switch (loaded.command) {
    case config::Command::help:
      config::print_help(std::cout);
      return EX_OK;
    case config::Command::version:
      std::cout << program << ' ' << MSGID_VERSION << '\n';
      return EX_OK;
    case config::Command::print_config:
      config::print_config(std::cout, loaded);
      return EX_OK;
    case config::Command::check_config:
      return EX_OK;
    case config::Command::serve:
      break;
  }
  return serve(loaded);
}

}  // namespace milter
