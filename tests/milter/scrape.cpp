#include "scrape.h"

#include <cstdlib>
#include <sstream>

#include "fake_mta.h"

namespace fake_mta {

Samples scrape(int port) {
  Samples samples;
  std::istringstream lines(
      Session("inet:" + std::to_string(port) + "@127.0.0.1").exchange("GET /metrics HTTP/1.1\r\n\r\n"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.rfind(' ');
    if (line.starts_with("msgid_milter_")) samples[line.substr(13, space - 13)] = std::atof(line.c_str() + space + 1);
  }
  return samples;
}

}  // namespace fake_mta
