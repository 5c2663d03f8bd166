// What the host has against a configuration. Permissions are worked out from the mode bits, for the check may run as
// another user than those it is about; access control lists are not looked at.
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <optional>
#include <sstream>

#include "config/lines.h"
#include "config/table.h"
#include "config/warnings.h"

namespace config {
namespace {

namespace fs = std::filesystem;

/// Somebody who wants to reach a file.
struct Person {
  std::string name;
  uid_t user = 0;
  std::vector<gid_t> groups;
};

/// With the first of the groups as the one that new files get: `primary`, or the user's own.
std::optional<Person> person_of(const passwd* entry, const group* primary = nullptr) {
  if (entry == nullptr) return std::nullopt;
  int count = 256;
  Person person{entry->pw_name, entry->pw_uid, std::vector<gid_t>(static_cast<std::size_t>(count))};
  const gid_t first = primary != nullptr ? primary->gr_gid : entry->pw_gid;
  if (getgrouplist(entry->pw_name, first, person.groups.data(), &count) < 0) return std::nullopt;
  person.groups.resize(static_cast<std::size_t>(count));
  return person;
}

/// Who serves: `user`, or who runs the check. Nobody where that is root, who must not.
std::optional<Person> service_of(const Settings& settings) {
  // Only root can take another group.
  const bool has_group = !settings.group.empty() && geteuid() == 0;
  const auto person = settings.user.empty() ? person_of(getpwuid(geteuid()))
                                            : person_of(getpwnam(settings.user.c_str()),
                                                        has_group ? getgrnam(settings.group.c_str()) : nullptr);
  return person && person->user != 0 ? person : std::nullopt;
}

std::string name_of_group(gid_t id) {
  const group* const entry = getgrgid(id);
  return entry != nullptr ? entry->gr_name : std::to_string(id);
}

constexpr unsigned may_write = 2;
constexpr unsigned may_search = 1;

bool may(const Person& person, uid_t owner, gid_t group, unsigned mode, unsigned what) {
  if (person.user == 0) return true;
  if (person.user == owner) return (mode >> 6 & what) == what;
  const bool in_group = std::find(person.groups.begin(), person.groups.end(), group) != person.groups.end();
  return ((in_group ? mode >> 3 : mode) & what) == what;
}

bool may(const Person& person, const struct stat& of, unsigned what) {
  return may(person, of.st_uid, of.st_gid, of.st_mode, what);
}

/// A file of the host as it can be seen from here.
struct Sight {
  bool is_missing = false;
  bool is_unclear = false;  ///< it cannot be seen, or whose it is: in a user namespace strangers are all 65534
  struct stat status = {};
};

class Host {
 public:
  explicit Host(std::string root) : root_(std::move(root)) {}

  Sight look(const fs::path& path) const {
    constexpr unsigned overflow = 65534;
    Sight sight;
    if (::stat((root_ + path.string()).c_str(), &sight.status) != 0) {
      (errno == ENOENT ? sight.is_missing : sight.is_unclear) = true;
    } else {
      sight.is_unclear = sight.status.st_uid == overflow || sight.status.st_gid == overflow;
    }
    return sight;
  }

  /// The directory on the way to `path`, itself left out, that `person` cannot pass; empty: there is none to be seen.
  std::string closed_directory(const Person& person, const fs::path& path) const {
    fs::path directory;
    for (const fs::path& part : path.parent_path()) {
      directory /= part;
      const Sight sight = look(directory);
      if (sight.is_missing || sight.is_unclear) return {};
      if (!may(person, sight.status, may_search)) return directory.string();
    }
    return {};
  }

  /// Without links.
  fs::path canonical(const fs::path& path) const {
    std::error_code error;
    const fs::path found = fs::weakly_canonical(root_ + path.string(), error);
    return error ? path : found;
  }

  std::optional<std::string> text_of(const fs::path& path) const {
    try {
      return read_whole(root_ + path.string(), 1 << 20);
    } catch (const FileError&) {
      return std::nullopt;
    }
  }

 private:
  std::string root_;
};

// Postfix.

/// What its two files say, as far as it matters here. A line that begins with a blank continues the one before it.
struct Postfix {
  std::string queue_directory = "/var/spool/postfix";
  std::string owner = "postfix";
  std::string chrooted;  ///< those of smtpd and cleanup that run in a chroot, "smtpd and cleanup"
};

std::vector<std::string> logical_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#') continue;
    const bool continues = blanks.find(line.front()) != std::string_view::npos;
    if (!continues || lines.empty()) {
      lines.emplace_back(content);
    } else {
      lines.back() += ' ';
      lines.back() += content;
    }
  }
  return lines;
}

std::map<std::string, std::string, std::less<>> parameters_of(const std::string& main_cf) {
  std::map<std::string, std::string, std::less<>> parameters;
  for (const std::string& line : logical_lines(main_cf)) {
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string_view value = equals < line.size() ? trimmed(std::string_view(line).substr(equals + 1)) : "";
    parameters[std::string(trimmed(std::string_view(line).substr(0, equals)))] = value;
  }
  return parameters;
}

/// "-" in the column of the chroot is "y" below compatibility level 1 (master(5), Postfix 3.0).
bool is_chroot_default(const std::string& compatibility_level) {
  if (compatibility_level.empty()) return true;
  int level = 1;
  std::from_chars(compatibility_level.data(), compatibility_level.data() + compatibility_level.size(), level);
  return level < 1;
}

/// line = name type private unpriv chroot wakeup maxproc command *( args )
std::string chrooted_in(const std::string& master_cf, bool by_default) {
  bool smtpd = false;
  bool cleanup = false;
  for (const std::string& line : logical_lines(master_cf)) {
    std::istringstream words(line);
    std::vector<std::string> fields(8);
    for (std::string& field : fields) words >> field;
    const bool is_chrooted = fields[4] == "y" || (fields[4] == "-" && by_default);
    smtpd = smtpd || (is_chrooted && fields[7] == "smtpd");
    cleanup = cleanup || (is_chrooted && fields[7] == "cleanup");
  }
  std::string names = smtpd ? "smtpd" : "";
  if (cleanup) names += smtpd ? " and cleanup" : "cleanup";
  return names;
}

std::optional<Postfix> postfix_of(const Host& host) {
  const auto main_cf = host.text_of("/etc/postfix/main.cf");
  if (!main_cf) return std::nullopt;
  auto parameters = parameters_of(*main_cf);
  Postfix postfix;
  const auto take = [&](const char* name, std::string& value) {
    const auto found = parameters.find(name);
    if (found != parameters.end() && !found->second.empty()) value = found->second;
  };
  take("queue_directory", postfix.queue_directory);
  take("mail_owner", postfix.owner);
  const auto master_cf = host.text_of("/etc/postfix/master.cf");
  // A value made of others is left alone: only Postfix knows what comes out.
  if (master_cf && postfix.queue_directory.starts_with('/') && postfix.queue_directory.find('$') == std::string::npos) {
    postfix.chrooted = chrooted_in(*master_cf, is_chroot_default(parameters["compatibility_level"]));
  }
  return postfix;
}

// The socket.

struct Look {
  const Loaded& loaded;
  const Host& host;
  std::vector<std::string>& lines;

  void say(std::string_view option, const std::string& reason) const {
    lines.push_back(line_about(loaded, option, reason));
  }
};

/// False where there is nothing more to say about this directory.
bool look_at_directory(const Look& look, std::string_view option, const fs::path& path,
                       const std::optional<Person>& service) {
  const fs::path directory = path.parent_path();
  const Sight sight = look.host.look(directory);
  const std::string owner = service ? service->name : "USER";
  if (sight.is_missing) {
    look.say(option, "the directory " + directory.string() + " is not there; make it: install -d -o " + owner +
                         " -m 2750 -g GROUP " + directory.string() +
                         " (those of the service's unit are made when it starts)");
    return false;
  }
  if (sight.is_unclear) return false;
  if (!S_ISDIR(sight.status.st_mode)) {
    look.say(option, directory.string() + " is not a directory; give the path of another");
    return false;
  }
  if (!service) return true;
  if (const std::string closed = look.host.closed_directory(*service, path); !closed.empty()) {
    look.say(option, "the user " + owner + " cannot pass " + closed + "; chmod o+x " + closed);
    return false;
  }
  const Sight file = look.host.look(path);
  const bool has_file = option == "audit-log" && !file.is_missing;
  if (has_file && !file.is_unclear && !may(*service, file.status, may_write)) {
    look.say(option,
             "the user " + owner + " cannot write to " + path.string() + "; chown " + owner + " " + path.string());
  } else if (!has_file && !may(*service, sight.status, may_write | may_search)) {
    look.say(option, "the user " + owner + " cannot write to " + directory.string() + "; chown " + owner + " " +
                         directory.string());
  }
  return true;
}

/// Only its members, and root, can give the socket to a group; in a directory with the set-group-id bit it has that
/// one.
void look_at_group(const Look& look, const fs::path& path, const Person& service) {
  const group* const entry = getgrnam(look.loaded.settings.socket_group.c_str());
  if (entry == nullptr) return;
  const bool is_member = std::find(service.groups.begin(), service.groups.end(), entry->gr_gid) != service.groups.end();
  const Sight directory = look.host.look(path.parent_path());
  const bool is_inherited = (directory.status.st_mode & S_ISGID) != 0 && directory.status.st_gid == entry->gr_gid;
  // Started as root, it makes the socket as a member of that group.
  if (is_member || is_inherited || directory.is_unclear || !look.loaded.settings.user.empty()) return;
  const std::string there = path.parent_path().string();
  const std::string name = entry->gr_name;
  look.say("socket-group", "the user " + service.name + " is not in the group " + name +
                               " and cannot give it the socket; " + "chgrp " + name + " " + there + " && chmod g+s " +
                               there + ", or usermod -aG " + name + " " + service.name);
}

/// Whether the MTA, Postfix's user or whoever is in socket-group, comes to the socket.
void look_at_way(const Look& look, const fs::path& path, const std::optional<Person>& service,
                 const std::optional<Postfix>& postfix) {
  const Settings& settings = look.loaded.settings;
  const group* const entry = settings.socket_group.empty() ? nullptr : getgrnam(settings.socket_group.c_str());
  std::optional<Person> mta;
  if (postfix) mta = person_of(getpwnam(postfix->owner.c_str()));
  const bool is_postfix = mta.has_value();
  constexpr uid_t nobody_else = static_cast<uid_t>(-1);
  if (!mta && entry != nullptr) mta = Person{"the group " + settings.socket_group, nobody_else, {entry->gr_gid}};
  if (!mta) return;
  const std::string name = is_postfix ? "Postfix's user " + mta->name : mta->name;
  if (const std::string closed = look.host.closed_directory(*mta, path); !closed.empty()) {
    const Sight sight = look.host.look(closed);
    const bool is_own = service && sight.status.st_uid == service->user;
    const std::string group_name = name_of_group(mta->groups.front());
    look.say("socket",
             name + " cannot pass " + closed + "; " +
                 (is_own ? "chgrp " + group_name + " " + closed + " && chmod g+x " + closed : "chmod o+x " + closed));
    return;
  }
  const Sight directory = look.host.look(path.parent_path());
  if (!service || directory.is_unclear) return;
  const bool is_inherited = (directory.status.st_mode & S_ISGID) != 0;
  const gid_t group = entry != nullptr ? entry->gr_gid
                      : is_inherited   ? directory.status.st_gid
                                       : service->groups.front();
  if (!may(*mta, service->user, group, settings.socket_mode, may_write)) {
    const bool in_group = std::find(mta->groups.begin(), mta->groups.end(), group) != mta->groups.end();
    const std::string there = path.parent_path().string();
    look.say(in_group ? "socket-mode" : "socket-group",
             name + " could not write to the socket; " +
                 (in_group ? std::string("set socket-mode = 0660")
                           : "chgrp " + name_of_group(mta->groups.front()) + " " + there + " && chmod g+s " + there));
  }
}

void look_at_chroot(const Look& look, const Postfix& postfix) {
  const std::string& path = look.loaded.settings.socket.path;
  const std::string queue = postfix.queue_directory + (postfix.queue_directory.ends_with('/') ? "" : "/");
  if (postfix.chrooted.empty()) return;
  // The packages make a link where queue_directory is not the usual one.
  const std::string seen = look.host.canonical(path).string();
  if (seen.starts_with(look.host.canonical(postfix.queue_directory).string() + "/")) return;
  look.say("socket", "Postfix's " + postfix.chrooted + " run in a chroot (master.cf) and do not see " + path +
                         "; set socket = unix:" + queue + "msgid-milter/milter.sock, which is " +
                         "unix:msgid-milter/milter.sock in main.cf, or a TCP socket");
}

}  // namespace

std::vector<std::string> obstacles(const Loaded& loaded, const std::string& root) {
  std::vector<std::string> lines;
  const Host host(root);
  const Look look{loaded, host, lines};
  const Settings& settings = loaded.settings;
  const auto service = service_of(settings);
  if (settings.socket.is_unix) {
    const auto postfix = postfix_of(host);
    if (look_at_directory(look, "socket", settings.socket.path, service)) {
      if (service && !settings.socket_group.empty()) look_at_group(look, settings.socket.path, *service);
      look_at_way(look, settings.socket.path, service, postfix);
    }
    if (postfix) look_at_chroot(look, *postfix);
  }
  if (!settings.audit_log.empty()) look_at_directory(look, "audit-log", settings.audit_log, service);
  return lines;
}

}  // namespace config
