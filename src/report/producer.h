// Which software has probably written a broken field: a guess by the shapes that are known, with what to tell its
// people. One table; explain and report read it.
#ifndef MSGID_REPORT_PRODUCER_H
#define MSGID_REPORT_PRODUCER_H

#include <string_view>

namespace report {

struct Producer {
  std::string_view name;    ///< "Python email (3.7 and before; ...)"
  std::string_view shape;   ///< how it was recognised, in plain words
  std::string_view advice;  ///< what to tell them: the version that mends it, or the setting that avoids it
};

/// `field` is the field's name, `body` its body unfolded or folded as received (LF), `agent` the body of User-Agent or
/// X-Mailer, may be empty. Null where nothing is known.
const Producer* guess_producer(std::string_view field, std::string_view body, std::string_view agent) noexcept;

}  // namespace report

#endif
