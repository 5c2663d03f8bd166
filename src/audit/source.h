// Where messages come from: files (.eml or mbox), Maildirs, directories, standard input. One reader for all of them,
// which hands out blocks of whole messages, reads with read(2) into memory that is used again, and never holds more
// than one message and a block of it, however long the input is.
//
//   mbox      = *( from-line message empty-line )                  ; after RFC 4155; line ends are LF or CRLF
//   from-line = "From " *VCHAR-or-blank line-end
//
// An input that begins with "From " is an mbox. A later "From " line separates messages where an empty line stands
// before it and it either has a time of day in it (as every known writer's has) or has a header field behind it: so
// text such as "From here on" splits no message. ">From " is left as it is: only headers are read.
#ifndef MSGID_AUDIT_SOURCE_H
#define MSGID_AUDIT_SOURCE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/inputs.h"

namespace audit {

/// Of a longer message only so much is handed out.
inline constexpr std::size_t max_message_octets = 64U << 20U;

/// A message. Views of the block it is in.
struct Message {
  std::string_view from_line;  ///< of an mbox: the "From " line before it, with its end; else empty
  std::string_view octets;     ///< the message itself; of an mbox with the empty line that stands behind it
  std::size_t number = 0;      ///< in an mbox, from 1; else 0
  bool is_cut = false;         ///< it is longer than max_message_octets, and this is its beginning
};

/// How a message is named to people: "FILE", or "FILE: message N" in an mbox.
std::string place_of(const std::string& file, const Message& message);

/// Whole messages of one file, in their order. Reuse a block to reuse its memory.
struct Block {
  std::string file;  ///< as given, or below the directory that was given; "-" for standard input. Not escaped
  std::vector<Message> messages;
  std::string_view rest;  ///< with Oversize::pass_on: more octets of the last message before, which was cut
  std::string buffer;     ///< what the views are of
};

/// Where the second message of an mbox begins, with its from-line; npos: there is one only.
std::size_t second_message(std::string_view mbox) noexcept;

/// What becomes of the octets of a message behind max_message_octets.
enum class Oversize : std::uint8_t {
  skip,
  pass_on,  ///< as Block::rest. So from lines, octets and rests put together are the file
};

/// Told of each file that could not be read (or not be read to its end), and why; others go on. Neither text is
/// escaped.
using TroubleSink = std::function<void(std::string_view file, std::string_view reason)>;

class Source {
 public:
  /// `arguments` are files, directories and "-"; none: standard input. A directory is a Maildir if it has cur/ and
  /// new/: these are read, and folders in it that are Maildirs themselves; of another directory every file, whatever
  /// its depth. Symbolic links and special files in a directory are passed over, as trouble. Names are read in their
  /// octets' order.
  Source(std::vector<std::string> arguments, const TroubleSink& trouble, Oversize oversize = Oversize::skip);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  /// The next block, which has one message or more, or a rest; false at the end of all inputs. One caller at a time.
  bool next(Block& block);

  /// How much has been read, 0 to 1; less than 0 where nobody knows (a pipe).
  double progress() const;

 private:
  struct Inside;
  std::unique_ptr<Inside> inside_;
};

}  // namespace audit

#endif
