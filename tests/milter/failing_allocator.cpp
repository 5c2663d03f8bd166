#include "failing_allocator.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <new>

// The linker's --wrap: who calls malloc() comes to __wrap_malloc().
extern "C" {
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __wrap_accept4(int, sockaddr*, socklen_t*, int);
int __real_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int __wrap_pthread_create(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
ssize_t __real_write(int, const void*, std::size_t);
ssize_t __wrap_write(int, const void*, std::size_t);
void* __real_malloc(std::size_t);
void* __real_calloc(std::size_t, std::size_t);
void* __real_realloc(void*, std::size_t);
void* __wrap_malloc(std::size_t);
void* __wrap_calloc(std::size_t, std::size_t);
void* __wrap_realloc(void*, std::size_t);
}

namespace {

using failing_allocator::Orders;

Orders* orders_in_file() {
  const char* const path = std::getenv(failing_allocator::variable);
  if (path == nullptr) return nullptr;
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) std::abort();
  void* const memory = ::mmap(nullptr, sizeof(Orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) std::abort();
  return static_cast<Orders*>(memory);
}

/// Not each `every`-th: a loop that allocates three times would meet the same one again and again.
bool is_drawn(std::uint64_t number, std::uint64_t every) {
  return every > 0 && (number * 0x9E3779B97F4A7C15U >> 32U) % every == 0;
}

Orders* given_orders() {
  static Orders* const orders = orders_in_file();
  return orders;
}

bool is_refused(std::size_t octets) {
  Orders* const orders = given_orders();
  if (orders == nullptr) return false;
  while (octets == orders->held && octets != 0) ::usleep(1000);
  const std::uint64_t number = ++orders->count;
  const std::uint64_t every = orders->every;
  const std::uint64_t larger_than = orders->larger_than;
  const bool is_it = (number >= orders->first && number < orders->behind_last) || is_drawn(number, every) ||
                     (larger_than > 0 && octets > larger_than);
  if (is_it) ++orders->refused;
  return is_it;
}

}  // namespace

int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  const Orders* const orders = given_orders();
  if (orders != nullptr && orders->threads != 0) return EAGAIN;
  return __real_pthread_create(thread, attributes, run, argument);
}

int __wrap_accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  Orders* const orders = given_orders();
  std::uint64_t left = orders == nullptr ? 0 : orders->accepts.load();
  if (left == 0 || !orders->accepts.compare_exchange_strong(left, left - 1))
    return __real_accept4(listener, address, size, flags);
  errno = static_cast<int>(orders->accept_error);
  return -1;
}

ssize_t __wrap_write(int descriptor, const void* octets, std::size_t size) {
  const Orders* const orders = given_orders();
  struct stat status = {};
  while (orders != nullptr && orders->disk_hangs != 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_nlink > 0)  // not where tests have the log, a file without a name
    ::usleep(1000);
  return __real_write(descriptor, octets, size);
}

void* __wrap_malloc(std::size_t octets) {
  if (!is_refused(octets)) return __real_malloc(octets);
  errno = ENOMEM;
  return nullptr;
}

void* __wrap_calloc(std::size_t count, std::size_t octets) {
  if (!is_refused(count * octets)) return __real_calloc(count, octets);
  errno = ENOMEM;
  return nullptr;
}

void* __wrap_realloc(void* block, std::size_t octets) {
  if (!is_refused(octets)) return __real_realloc(block, octets);
  errno = ENOMEM;
  return nullptr;
}

void* operator new(std::size_t octets, const std::nothrow_t&) noexcept {
  return is_refused(octets) ? nullptr : __real_malloc(octets == 0 ? 1 : octets);
}

void* operator new(std::size_t octets) {
  void* const block = operator new(octets, std::nothrow);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void* operator new[](std::size_t octets) {
  return operator new(octets);
}
void* operator new[](std::size_t octets, const std::nothrow_t& nothrow) noexcept {
  return operator new(octets, nothrow);
}

void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete(void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
void operator delete[](void* block) noexcept {
  std::free(block);
}
void operator delete[](void* block, std::size_t) noexcept {
  std::free(block);
}
void operator delete[](void* block, const std::nothrow_t&) noexcept {
  std::free(block);
}
