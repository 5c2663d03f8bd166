// Which signatures cover a field, and whether an edit of it leaves them valid. Nothing is verified here: no key, no
// hash.
//
//   tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]                          ; RFC 6376 3.2
//   tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
//   tag-name  = ALPHA *(ALPHA / DIGIT / "_")
//   sig-c-tag = "c=" ("simple" / "relaxed") ["/" ("simple" / "relaxed")]    ; 3.5; the first is the header's
//   sig-d-tag = "d=" domain-name
//   sig-h-tag = "h=" hdr-name *( ":" hdr-name )                             ; FWS around each
//
// ARC-Message-Signature has the same tags (RFC 8617 4.1.2). ARC-Seal covers no field that is edited here.
#ifndef MSGID_DKIM_H
#define MSGID_DKIM_H

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "msgid/field.h"

namespace msgid {

inline constexpr std::array<std::string_view, 2> signature_fields = {"DKIM-Signature", "ARC-Message-Signature"};

/// Whether it is one of these.
bool is_signature_field(std::string_view name) noexcept;

/// The domains (d=) of the signatures over one field, in the order of the header, each once a list. One domain can be
/// in both: it may sign twice.
struct Survival {
  std::vector<std::string> keeps;   ///< these stay valid through the edit
  std::vector<std::string> breaks;  ///< these do not
};

/// The signatures of one header.
class Signatures {
 public:
  /// A signature field that is no tag-list, or has no d= or h=, covers nothing: no verifier accepts it (RFC
  /// 6376 6.1.1). The first 100 signatures are read.
  explicit Signatures(const FieldList& fields);

  /// Whether all signatures were read.
  bool are_complete() const noexcept { return are_complete_; }

  /// What a new body for `field` does to them. A name in h= counts from the bottom of the header up, one instance for
  /// each time it is there, and may be there more often than the field is (RFC 6376 5.4.2). `relaxed` compares both
  /// canonical forms (3.4.2), `simple` and what is neither breaks with any change (3.4.1).
  Survival after(const Field& field, std::string_view new_body) const;

 private:
  // Names in lower case. No hash table: whoever writes the header could choose names that make it slow.
  using CountByName = std::map<std::string, int>;
  struct Signature {
    std::string domain;
    bool is_relaxed;
    CountByName covered;
  };
  std::vector<Signature> signatures_;
  CountByName present_;
  bool are_complete_ = true;
};

/// A field body in the canonical form "relaxed" (RFC 6376 3.4.2): unfolded, each run of white space one SP, none at the
/// ends.
std::string relaxed_body(std::string_view body);

}  // namespace msgid

#endif
