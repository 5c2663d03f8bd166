// Where messages come from: files (.eml or mbox), Maildirs, directories, standard input. One reader for all of them,
// which hands out blocks of whole messages, reads with read(2) into memory that is used again, and never holds more
// than one message and a block of it, however long the input is.
//
// An input that begins with "From " is an mbox; mbox.h says where its messages end. ">From " is left as it is: only
// headers are read. A byte order mark and empty lines may come first, and lines may end in CR alone, see file_form.h.
#ifndef MSGID_AUDIT_SOURCE_H
#define MSGID_AUDIT_SOURCE_H

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/inputs.h"
#include "audit/mbox.h"

namespace audit {

/// A message. Views of the block it is in.
struct Message {
  std::string_view before;  ///< comes before it and is no part of it: of an mbox its "From " line, with the line end;
                            ///< before that, at the beginning of a file, lead_octets()
  std::string_view octets;  ///< the message itself; of an mbox with the empty line after it
  std::size_t number = 0;   ///< in an mbox, from 1; else 0
  bool is_cut = false;      ///< it is longer than max_message_octets, and this is its beginning
};

/// How a message is named to people: "FILE", or "FILE: message N" in an mbox.
std::string place_of(const std::string& file, const Message& message);

/// Whole messages of one file, in their order. Reuse a block to reuse its memory.
struct Block {
  std::string file;  ///< as given, or below the directory that was given; "-" for standard input. Not escaped
  std::vector<Message> messages;
  std::string_view rest;          ///< with Oversize::pass_on: more octets of the last message before, which was cut
  bool has_cr_line_ends = false;  ///< the file's lines end in CR alone: in all octets here CR and LF are exchanged
  std::string buffer;             ///< what the views are of
};

/// What becomes of the octets of a message behind max_message_octets.
enum class Oversize : std::uint8_t {
  skip,
  pass_on,  ///< as Block::rest. So what is before messages, octets and rests put together are the file
};

class Source {
 public:
  /// `arguments` are files, directories and "-"; none: standard input. A directory is a Maildir if it has cur/ and
  /// new/: these are read, and folders in it that are Maildirs themselves; of another directory every file, whatever
  /// its depth. In a directory a file whose name begins with a dot is no message. Symbolic links and special files in a
  /// directory are passed over, as trouble. Names are read in their octets' order. See Inputs about a Maildir in use.
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
