// Gives orders to failing_allocator.h from a test.
#ifndef ORDERS_H
#define ORDERS_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "daemon.h"
#include "failing_allocator.h"
#include "hostile.h"

/// Orders to refuse resources once the daemon has started.
class Orders {
 public:
  Orders() : path_(directory_ / "orders") {
    const int file = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    using failing_allocator::Orders;
    if (file < 0 || ftruncate(file, sizeof(Orders)) != 0) throw std::runtime_error("no file for orders");
    void* const memory = mmap(nullptr, sizeof(Orders), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for orders");
    orders_ = static_cast<Orders*>(memory);
  }
  ~Orders() { munmap(orders_, sizeof *orders_); }
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  /// While it lives, a daemon that is started takes these orders.
  struct Taken {
    explicit Taken(const Orders& orders) : file(failing_allocator::variable, orders.path_) {}

    hostile::Environment library{"LD_PRELOAD", FAILING_ALLOCATOR};
    hostile::Environment first{"ASAN_OPTIONS", "verify_asan_link_order=0"};
    // What the dynamic linker allocates seems to leak through it, and Boost loses some where a reload has no memory.
    hostile::Environment leaks{"LSAN_OPTIONS", "detect_leaks=0"};
    hostile::Environment file;
  };

  failing_allocator::Orders* operator->() const { return orders_; }

  /// Refuses the n-th allocation from now (1 is the next) and the `times` - 1 after it.
  void refuse(std::uint64_t n, std::uint64_t times = 1) const {
    const std::uint64_t first = orders_->count + n;
    orders_->behind_last = 0;
    orders_->first = first;
    orders_->behind_last = first + times;
  }
  void refuse_none() const {
    orders_->behind_last = 0;
    orders_->every = 0;
    orders_->larger_than = 0;
    orders_->threads = 0;
    orders_->accepts = 0;
  }

 private:
  fake_mta::TemporaryDirectory directory_;
  std::string path_;
  failing_allocator::Orders* orders_ = nullptr;
};

#endif
