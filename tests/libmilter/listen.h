/* A libmilter whose listen() is the C library's, whoever else defines one. */
#include <dlfcn.h>
#include <sys/socket.h>
static inline int listen_of_libc(int fd, int backlog) {
  static volatile int is_real;
  int (*libc)(int, int) = dlsym(dlopen("libc.so.6", RTLD_NOW), "listen");
  return is_real ? listen(fd, backlog) : libc(fd, backlog);
}
#define listen listen_of_libc
