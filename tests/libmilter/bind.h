/* A libmilter whose bind() is the C library's, whoever else defines one. */
#include <dlfcn.h>
#include <sys/socket.h>
static inline int bind_of_libc(int fd, const struct sockaddr* address, socklen_t size) {
  int (*libc)(int, const struct sockaddr*, socklen_t) = dlsym(dlopen("libc.so.6", RTLD_NOW), "bind");
  static volatile int is_real;
  return is_real ? bind(fd, address, size) : libc(fd, address, size);
}
#define bind bind_of_libc
