// What happens where libmilter uses its sockets and threads. transport.cpp has the reason and the figures.
//
// This program defines the C library's calls that libmilter makes for these (libmilter_calls.list). The dynamic linker
// finds ours first, so the calls of every shared libmilter come here, and libmilter itself stays as it is. What does
// not belong to a milter session is passed to the C library. Once prepare() was called:
//
// - one thread serves a session from its beginning to its end, and then the next one (session_threads.h);
// - what comes is read ahead, and what goes out is put together (channel.h);
// - a connection over max-sessions is accepted and closed at once, and the MTA's default action decides;
// - at the limit of descriptors nothing is accepted for a while, and connections wait in the kernel;
// - systemd's sockets can be served instead of one of libmilter's own.
//
// Without it (transport = off) the C library gets all of them, and libmilter is alone.
#ifndef MSGID_MILTER_TRANSPORT_H
#define MSGID_MILTER_TRANSPORT_H

#include <chrono>
#include <climits>
#include <cstddef>
#include <functional>
#include <vector>

#include "milter/packet.h"

namespace milter::transport {

/// Whether prepare() was called. No other function may be called where it was not.
bool is_on();

/// Why a connection is not served.
enum class Shortage {
  sessions,     ///< closed at once: max-sessions is reached, or as many as libmilter can take (Terms::descriptors)
  threads,      ///< closed at once: there is no thread or memory for one more
  descriptors,  ///< it waits: the process or the host has as many files open as it may, or the kernel no memory
  connection,   ///< it failed before it was accepted; no other connection waits for that
};

struct Terms {
  std::size_t max_sessions = SIZE_MAX;
  std::chrono::seconds timeout{3600};           ///< of a session in which the MTA is silent
  int descriptors = INT_MAX;                    ///< libmilter takes smaller ones only
  std::function<void(Shortage)> on_shortage{};  ///< called on libmilter's listening thread; must not throw
  packet::AsksFor asks_for{};                   ///< called on the sessions' threads
};

/// Once, before smfi_opensocket(). `sockets`: stream sockets that listen, of whatever family, to be served instead of
/// one of libmilter's own. libmilter opens none then: any UNIX path will do for smfi_setconn(), and is not made.
void prepare(const Terms& terms, const std::vector<int>& sockets);

/// After smfi_opensocket() and before smfi_main(). libmilter's descriptor, or -1 if its listen() did not come here.
int begin();

/// For the connections to come.
void limit_sessions(std::size_t max_sessions);

/// No connection is accepted any more, for good, and libmilter goes on with the sessions there are. A socket of
/// libmilter's own is closed once those who wait there are served, but soon; systemd's stays open, and who waits there
/// is the next process's. Returns when it is done.
void cease_to_accept();

/// How many connections are accepted and not closed yet.
std::size_t connections();

}  // namespace milter::transport

#endif
