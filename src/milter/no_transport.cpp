// In the place of transport.cpp where libmilter's calls cannot come there.
#include "milter/transport.h"

namespace milter::transport {

bool is_linked() {
  return false;
}

void prepare(const Terms&, const std::vector<int>&) {}
int begin() {
  return -1;
}
void limit_sessions(std::size_t) {}
void cease_to_accept() {}
std::size_t connections() {
  return 0;
}

}  // namespace milter::transport
