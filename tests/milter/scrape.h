// The metrics of a program under test.
#ifndef FAKE_MTA_SCRAPE_H
#define FAKE_MTA_SCRAPE_H

#include <map>
#include <string>

namespace fake_mta {

/// Samples of the metrics page by name and labels, without the prefix: `messages_total{outcome="clean"}`.
using Samples = std::map<std::string, double>;

/// Reads the page at this port of 127.0.0.1. Throws if nobody answers.
Samples scrape(int port);

}  // namespace fake_mta

#endif
