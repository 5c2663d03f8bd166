// What libmilter's socket calls do. transport.cpp has the reason and the figures.
//
// Where libmilter's static library is linked, its calls come here instead (the linker's --wrap, see
// src/CMakeLists.txt), and libmilter itself stays as it is:
//
// - one thread serves a session from its beginning to its end, and then the next one;
// - what comes is read ahead, and what goes out is put together (channel.h);
// - a connection over max-sessions is accepted and closed at once, and the MTA's default action decides;
// - at the limit of descriptors nothing is accepted for a while, and connections wait in the kernel;
// - systemd's sockets can be served instead of one of libmilter's own.
//
// Elsewhere (CMake's MSGID_TRANSPORT) no_transport.cpp takes its place: is_linked() is false, and libmilter is alone.
#ifndef MSGID_MILTER_TRANSPORT_H
#define MSGID_MILTER_TRANSPORT_H

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "milter/packet.h"

namespace milter::transport {

/// Whether libmilter's calls come here. Where they do not, no other function may be called.
bool is_linked();

/// Why a connection is not served.
enum class Shortage {
  sessions,     ///< closed at once: max-sessions is reached
  threads,      ///< closed at once: there is no thread or memory for one more
  descriptors,  ///< it waits: the process or the host has as many files open as it may, or the kernel no memory
  connection,   ///< it failed before it was accepted; no other connection waits for that
};

struct Terms {
  std::size_t max_sessions = SIZE_MAX;
  std::chrono::seconds timeout{3600};           ///< of a session in which the MTA is silent
  std::function<void(Shortage)> on_shortage{};  ///< called on libmilter's listening thread; must not throw
  packet::AsksFor asks_for{};                   ///< called on the sessions' threads
};

/// Once, before smfi_opensocket(). `sockets`: stream sockets that listen, of whatever family, to be served instead of
/// one of libmilter's own. libmilter opens none then: any UNIX path will do for smfi_setconn(), and is not made.
void prepare(const Terms& terms, const std::vector<int>& sockets);

/// After smfi_opensocket() and before smfi_main(). libmilter's descriptor, or -1 where it has not opened one.
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
