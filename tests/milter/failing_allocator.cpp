#include "failing_allocator.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

/// The next definition of a function after ours: the C library's, or a sanitizer's.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

using failing_allocator::Orders;

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
};

/// Of the code of the program itself and of libmilter.
std::array<Range, 2> refusable{};

/// Null until the libraries that come before, a sanitizer's among them, are ready.
Orders* orders = nullptr;

int look(dl_phdr_info* info, std::size_t, void*) {
  const std::string_view name = info->dlpi_name;
  const bool is_libmilter = name.find("libmilter") != name.npos;
  if (!name.empty() && !is_libmilter) return 0;
  Range& range = refusable[is_libmilter ? 1 : 0];  // the program itself has no name here
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    const std::uintptr_t begin = info->dlpi_addr + header.p_vaddr;
    if (header.p_type == PT_LOAD && range.begin == 0) range.begin = begin;
    if (header.p_type == PT_LOAD) range.end = begin + header.p_memsz;
  }
  return is_libmilter ? 1 : 0;
}

__attribute__((constructor)) void take_orders() {
  const char* const path = std::getenv(failing_allocator::variable);
  if (path == nullptr) return;
  ::dl_iterate_phdr(look, nullptr);
  const int file = ::open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) std::abort();
  void* const memory = ::mmap(nullptr, sizeof(Orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) std::abort();
  orders = static_cast<Orders*>(memory);
}

bool is_refusable(const void* caller) {
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  return std::any_of(refusable.begin(), refusable.end(),
                     [=](const Range& range) { return address >= range.begin && address < range.end; });
}

/// Not each `every`-th: a loop that allocates three times would meet the same one again and again.
bool is_drawn(std::uint64_t number, std::uint64_t every) {
  return every > 0 && (number * 0x9E3779B97F4A7C15U >> 32U) % every == 0;
}

bool is_refused(std::size_t octets) {
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

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) noexcept {
  static const auto real = next<int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*)>("pthread_create");
  return orders != nullptr && orders->threads != 0 ? EAGAIN : real(thread, attributes, run, argument);
}

int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  static const auto real = next<int(int, sockaddr*, socklen_t*, int)>("accept4");
  std::uint64_t left = orders == nullptr ? 0 : orders->accepts.load();
  if (left == 0 || !orders->accepts.compare_exchange_strong(left, left - 1))
    return real(listener, address, size, flags);
  errno = static_cast<int>(orders->accept_error);
  return -1;
}

ssize_t write(int descriptor, const void* octets, std::size_t size) {
  static const auto real = next<ssize_t(int, const void*, std::size_t)>("write");
  struct stat status = {};
  while (orders != nullptr && orders->disk_hangs != 0 && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
         status.st_nlink > 0)  // not where tests have the log, a file without a name
    ::usleep(1000);
  return real(descriptor, octets, size);
}

void* malloc(std::size_t octets) {
  static const auto real = next<void*(std::size_t)>("malloc");
  if (!is_refusable(__builtin_return_address(0)) || !is_refused(octets)) return real(octets);
  errno = ENOMEM;
  return nullptr;
}

void* calloc(std::size_t count, std::size_t octets) {
  static const auto real = next<void*(std::size_t, std::size_t)>("calloc");
  if (!is_refusable(__builtin_return_address(0)) || !is_refused(count * octets)) return real(count, octets);
  errno = ENOMEM;
  return nullptr;
}

void* realloc(void* block, std::size_t octets) {
  static const auto real = next<void*(void*, std::size_t)>("realloc");
  if (!is_refusable(__builtin_return_address(0)) || !is_refused(octets)) return real(block, octets);
  errno = ENOMEM;
  return nullptr;
}

}  // extern "C"

void* operator new(std::size_t octets, const std::nothrow_t&) noexcept {
  static const auto real = next<void*(std::size_t)>("malloc");
  return is_refused(octets) ? nullptr : real(octets == 0 ? 1 : octets);
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
