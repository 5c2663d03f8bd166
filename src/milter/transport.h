// What libmilter's socket calls do.
//
// libmilter 8.17.1 polls and reads twice for each packet, Postfix 3.7.11 sends two packets a field, and Debian's build
// hands sessions about in a pool of threads whose controller polls all of them at each event: 250 to 280 system calls
// and 130 to 205 us of CPU for a message of 22 fields before a filter has done anything, and 2150 us beside 2000 idle
// sessions. Where the static library is there, its calls come here instead (the linker's --wrap, see
// src/CMakeLists.txt), and libmilter itself stays as it is:
//
// - one thread serves a session from its beginning to its end, and then the next one;
// - what comes is read ahead, and libmilter sees it once a packet is there that wants an answer; which ones do not
// follows
//   from what was negotiated in that session;
// - what goes out leaves when the session waits for the MTA again: edits and verdict in one write;
// - a connection over max-sessions is closed at once, and the MTA's default action decides.
//
// Without it (CMake's MSGID_TRANSPORT off, no static library, or another version of it) is_linked() is false, and
// nothing here has an effect.
#ifndef MSGID_MILTER_TRANSPORT_H
#define MSGID_MILTER_TRANSPORT_H

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace milter::transport {

/// Whether libmilter's calls come here.
bool is_linked();

struct Limits {
  std::size_t sessions = SIZE_MAX;
  std::chrono::seconds timeout{3600};  ///< of a session in which the MTA is silent
};

/// Before smfi_main(), once. `listener`: libmilter's descriptor.
void begin(int listener, Limits limits);

/// Connections that wait are served, those that come are refused. For good.
void cease_to_accept();

/// So many connections were closed at once because max-sessions was reached, or no thread was to be had.
std::uint64_t refused_connections();

/// Which packets of the MTA want no answer, by SMFIP_ bits (mfdef.h) that were negotiated. 'D', macros, never does.
bool wants_answer(char command, unsigned long protocol);

struct Scanned {
  bool is_to_be_shown = false;
  std::size_t octets = 0;  ///< of whole packets that can wait; the next scan goes on behind them
};

/// Whether what has come must be shown to libmilter now: behind the first `begin` octets there is a whole packet that
/// wants an answer or ends the session, or one that libmilter will refuse.
///
///   packet = length command data     ; length: 4 octets, most significant first, of command and data
Scanned scan(std::span<const char> octets, std::size_t begin, unsigned long protocol);

}  // namespace milter::transport

#endif
