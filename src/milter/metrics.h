// The counters as metrics of Prometheus. Each is explained in msgid-milter(8), METRICS; a test compares.
#ifndef MSGID_MILTER_METRICS_H
#define MSGID_MILTER_METRICS_H

#include <string>

#include "milter/counters.h"

namespace milter {

/// What the counters do not know.
struct State {
  std::size_t open_sessions = 0;
  std::size_t old_sessions = 0;  ///< of them, begun under other settings than those in force
  std::string version = {};
  std::string libmilter_file = {};
  std::string libmilter_api = {};
  bool has_transport = true;
};

/// All metrics in the text format that Prometheus reads (version 0.0.4). What can be known of labels beforehand is
/// there from the beginning, with 0, so that a rate can be told when the first one comes.
std::string metrics_text(const Counters& counters, const State& state);

}  // namespace milter

#endif
