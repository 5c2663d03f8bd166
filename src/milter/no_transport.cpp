// In the place of transport.cpp where libmilter's calls cannot come there.
#include "milter/transport.h"

namespace milter::transport {

bool is_linked() {
  return false;
}

void begin(int, Limits) {}

void cease_to_accept() {}

std::uint64_t refused_connections() {
  return 0;
}

}  // namespace milter::transport
