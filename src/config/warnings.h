// What --check-config says besides errors: a configuration that can be read and yet is probably not meant so, or does
// not fit the host. Nothing of this keeps the service from starting or from taking the configuration at a reload: what
// is wrong from where the check stands (another user, a sandbox, before the runtime directory is made) may be right
// where it counts.
#ifndef MSGID_CONFIG_WARNINGS_H
#define MSGID_CONFIG_WARNINGS_H

#include <string>
#include <vector>

#include "config/options.h"

namespace config {

/// Options that contradict each other, or have no effect beside the others. Each a line as an error's: "origin: option:
/// reason; remedy".
std::vector<std::string> contradictions(const Loaded& loaded);

/// Files that may have been cut short: a blank one, and one whose last line has no line end. Each a line as an error's,
/// whose origin is the file.
std::vector<std::string> doubtful_files(const std::vector<ReadFile>& files);

/// What the host has against it: the directories of the socket and of the audit trail, who can reach the socket, and
/// Postfix's chroot. The files of the host are looked for below `root`. What cannot be seen is no trouble.
std::vector<std::string> obstacles(const Loaded& loaded, const std::string& root = {});

}  // namespace config

#endif
