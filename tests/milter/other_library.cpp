// A library that uses the calls that the transport answers, as libraries do: loaded into msgid-milter by LD_PRELOAD, it
// binds a socket while a name is looked up (as libnss_myhostname does), and has a thread that waits in poll() for no
// descriptor at all and in select() beside the descriptors of sessions. The environment variable MSGID_OTHER_LIBRARY
// names a file; its size is how often the thread has gone round.
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace {

void go_round(int file) {
  for (;;) {
    pollfd none = {-1, POLLIN, 0};
    const int ready = ::poll(&none, 1, 1);
    if (ready < 0 && errno == EINTR) continue;  // by setuid(2), of which the C library tells all threads
    for (int count = 1; count < 64; ++count) {
      fd_set empty;
      FD_ZERO(&empty);
      timeval time = {0, 10};
      ::select(count, &empty, nullptr, nullptr, &time);
    }
    // O_APPEND; a poll() that has found something in nothing is not counted.
    if (ready != 0 || ::write(file, "x", 1) != 1) ::_exit(99);
  }
}

__attribute__((constructor)) void start() {
  const char* const path = std::getenv("MSGID_OTHER_LIBRARY");
  if (path == nullptr) return;
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, nullptr);  // the thread takes none of the service's
  std::thread(go_round, ::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)).detach();
  ::pthread_sigmask(SIG_UNBLOCK, &all, nullptr);
}

}  // namespace

// libmilter looks up the host of a TCP socket with this.
extern "C" hostent* gethostbyname2(const char* name, int family) {
  static const int kept = ::open("/dev/null", O_RDONLY | O_CLOEXEC);  // so that libmilter's socket has another number
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  if (kept >= 0) ::close(socket);
  return reinterpret_cast<hostent* (*)(const char*, int)>(::dlsym(RTLD_NEXT, "gethostbyname2"))(name, family);
}
