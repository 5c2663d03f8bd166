// The locks that programs take on an mbox while they write to it: a dotlock, NAME.lock beside it, and then a lock of
// fcntl(2) on the open file, both by default of Postfix (mailbox_delivery_lock, virtual_mailbox_lock) and Dovecot
// (mbox_write_locks), in this order.
//
// The file may be replaced under them. A program that makes a dotlock first opens the file after that; Postfix with
// fcntl alone notices that the file it has opened has no name any more, and tries again later (mbox_open.c,
// snapshot of 2026-08).
#ifndef MSGID_AUDIT_MAILBOX_LOCK_H
#define MSGID_AUDIT_MAILBOX_LOCK_H

#include <chrono>
#include <string>
#include <vector>

#include "audit/doomed.h"

namespace audit {

class MailboxLock {
 public:
  static constexpr std::chrono::milliseconds usual_patience{10000};

  /// Waits for both locks, and holds neither while it waits. Throws Trouble where they cannot be had or another program
  /// keeps one that long; it never breaks a lock. Where `path` is a symbolic link, the name that it leads to gets a
  /// dotlock too.
  explicit MailboxLock(const std::string& path, std::chrono::milliseconds patience = usual_patience);

  /// SIGINT, SIGTERM and SIGHUP, which end the program, remove the dotlocks as well.
  ~MailboxLock() { release(); }
  MailboxLock(const MailboxLock&) = delete;
  MailboxLock& operator=(const MailboxLock&) = delete;

 private:
  struct Dotlock {
    std::string path;
    Doomed doomed;
  };

  std::string try_once(const std::string& path, const std::vector<std::string>& names);
  void release() noexcept;

  std::vector<Dotlock> dotlocks_;
  int descriptor_ = -1;
};

}  // namespace audit

#endif
