/* A libmilter that reads by recv(): the transport would not see what it does. */
#include <sys/socket.h>
#include <unistd.h>
static inline ssize_t read_by_recv(int fd, void* to, size_t size) {
  static volatile int is_real;
  return is_real ? read(fd, to, size) : recv(fd, to, size, 0);
}
#define read read_by_recv
