// Refuses memory, threads and connections on order, and blocks writes and allocations on order. The library is loaded
// into msgid-milter by LD_PRELOAD.
//
// The environment names a file (MSGID_FAILING_ALLOCATOR), which both the program and the test that gives the orders
// have in their memory. Without it nothing is refused.
#ifndef FAILING_ALLOCATOR_H
#define FAILING_ALLOCATOR_H

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace failing_allocator {

inline constexpr const char* variable = "MSGID_FAILING_ALLOCATOR";

/// What is refused: of operator new in all of the program and its libraries, and of malloc(), calloc() and realloc() in
/// the program itself and in libmilter. All threads count together. A file of zeros refuses nothing.
struct Orders {
  std::atomic<std::uint64_t> count;         ///< of allocations so far
  std::atomic<std::uint64_t> refused;       ///< so far
  std::atomic<std::uint64_t> first;         ///< refused from this one on, as `count` numbers them
  std::atomic<std::uint64_t> behind_last;   ///< and up to before this one
  std::atomic<std::uint64_t> every;         ///< and one in this many, drawn; 0: none
  std::atomic<std::uint64_t> larger_than;   ///< and what is larger; 0: nothing is
  std::atomic<std::uint64_t> threads;       ///< 1: none is made
  std::atomic<std::uint64_t> accepts;       ///< this many calls of accept4() fail from now on, and leave the connection
  std::atomic<std::uint64_t> accept_error;  ///< with this errno
  std::atomic<std::uint64_t> held;          ///< allocations of exactly this size wait; 0: none
  std::atomic<std::uint64_t> disk_hangs;    ///< 1: write(2) to a regular file waits
};

}  // namespace failing_allocator

#endif
