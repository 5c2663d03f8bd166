// What is kept of a header until inspect() decides about it: the fields that the policy lists, the signatures and the
// TNEF correlator, up to Policy::header_size. The daemon and msgid-audit both collect their fields here, so that they
// cannot differ about a header that is too large.
//
//   msgid::KeptFields kept(policy);
//   for (each field of the header) kept.add(name, body);
//   if (!kept.is_over_size()) verdict = msgid::inspect(kept.fields(), policy);
//
// A field counts with the octets of its name and its body. Whatever the order of the fields,
//
//   all of them together within header_size: all are kept;
//   over it, signed = rewrite, those other than signatures within it: the signatures are left out;
//   else: nothing is kept.
//
// Signatures do not cost a message its edits. With signed = keep an edit depends on them, so without them there is no
// verdict.
#ifndef MSGID_KEPT_FIELDS_H
#define MSGID_KEPT_FIELDS_H

#include <cstddef>
#include <string_view>
#include <vector>

#include "msgid/field.h"
#include "msgid/inspect.h"

namespace msgid {

class KeptFields {
 public:
  /// `policy` must outlive it.
  explicit KeptFields(const Policy& policy);

  /// Whether a field of that name can be kept. No allocation.
  bool wants(std::string_view name) const noexcept;

  /// The next field of the header, its body as in Field::body. Copies what it keeps, at most header_size octets in all.
  /// Does nothing with a field that it does not want.
  void add(std::string_view name, std::string_view body);

  /// Whether the header is too large for a verdict. Nothing is kept then.
  bool is_over_size() const noexcept { return is_over_size_; }

  /// Whether signatures were left out, and the rest is kept: a verdict does not say what becomes of them.
  bool lacks_signatures() const noexcept { return lacks_signatures_; }

  /// In the order of the header. Their instances count the fields of the header.
  const FieldList& fields() const noexcept { return fields_; }

  /// Ready for the next header.
  void clear() noexcept;

 private:
  int& instance_of(std::string_view name, const ListedField* listed) noexcept;
  void leave_signatures_out();

  const Policy& policy_;
  FieldList fields_;
  std::vector<int> instances_;        // fields so far: by the policy's row, of each signature field, of the correlator
  std::size_t octets_ = 0;            // of what is kept
  std::size_t signature_octets_ = 0;  // of these
  bool is_over_size_ = false;
  bool lacks_signatures_ = false;
};

}  // namespace msgid

#endif
