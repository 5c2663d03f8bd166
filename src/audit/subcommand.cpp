#include "audit/subcommand.h"

#include <iostream>

#include "report/printable.h"

namespace audit {

void complain(std::string_view what) {
  std::cerr << "msgid-audit: " + report::printable(what) + '\n';
}

}  // namespace audit
