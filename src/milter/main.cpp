#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "config/settings.h"
#include "milter/run.h"

int main(int argc, char** argv) {
  try {
    return milter::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    // Nothing but what keeps the service from starting comes here: config::StartupError, or no memory.
    std::cerr << "msgid-milter: " << error.what() << '\n';
    return config::startup_error_status;
  }
}
