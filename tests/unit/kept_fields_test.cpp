// What is kept of a header, and when nothing is. Which findings come of that is tested with the rules.
#include "msgid/kept_fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace {

using msgid::FieldList;
using msgid::KeptFields;
using msgid::Policy;
using msgid::SignedFields;

constexpr std::size_t limit = 100;

Policy policy_with(SignedFields signed_fields) {
  Policy policy;
  policy.header_size = limit;
  policy.signed_fields = signed_fields;
  return policy;
}

/// A field of so many octets, name and body.
struct Sized {
  std::string_view name;
  std::size_t octets;
};

void add(KeptFields& kept, const std::vector<Sized>& fields) {
  for (const Sized& field : fields) kept.add(field.name, std::string(field.octets - field.name.size(), 'x'));
}

/// "over", or the names and instances of what is kept, and whether signatures are missing.
std::string dump(const KeptFields& kept) {
  if (kept.is_over_size()) return kept.fields().empty() && !kept.lacks_signatures() ? "over" : "over, and more";
  std::string text;
  for (const msgid::Field& field : kept.fields()) text += field.name + '/' + std::to_string(field.instance) + ' ';
  return text + (kept.lacks_signatures() ? "without signatures" : "");
}

std::string kept_of(const std::vector<Sized>& fields, SignedFields signed_fields = SignedFields::rewrite) {
  const Policy policy = policy_with(signed_fields);
  KeptFields kept(policy);
  add(kept, fields);
  return dump(kept);
}

TEST(KeptFields, WantsWhatThePolicyListsAndSignatures) {
  Policy policy;
  policy.fields.push_back({"X-Ref", true, false});
  const KeptFields kept(policy);
  for (const char* name : {"Message-ID", "in-reply-to", "REFERENCES", "Resent-Message-ID", "x-ref", "DKIM-Signature",
                           "arc-message-signature"}) {
    EXPECT_TRUE(kept.wants(name)) << name;
  }
  for (const char* name : {"", "From", "ARC-Seal", "X-Re", "X-Reff", "Content-ID"}) EXPECT_FALSE(kept.wants(name));
}

TEST(KeptFields, KeepsNamesAndBodiesInTheirOrder) {
  const Policy policy;
  KeptFields kept(policy);
  kept.add("DKIM-Signature", " d=x");
  kept.add("X-Other", std::string(policy.header_size + 1, 'x'));
  kept.add("References", "\n <a@b>");
  kept.add("message-id", "");
  ASSERT_EQ(kept.fields().size(), 3u);
  EXPECT_EQ(kept.fields()[0].body, " d=x");
  EXPECT_EQ(kept.fields()[1].body, "\n <a@b>");
  EXPECT_EQ(kept.fields()[2].body, "");
  EXPECT_EQ(dump(kept), "DKIM-Signature/1 References/1 message-id/1 ");
}

TEST(KeptFields, CountsInstancesOfEachName) {
  EXPECT_EQ(kept_of({{"References", 10},
                     {"DKIM-Signature", 14},
                     {"Message-ID", 10},
                     {"references", 10},
                     {"ARC-Message-Signature", 21},
                     {"dkim-signature", 14}}),
            "References/1 DKIM-Signature/1 Message-ID/1 references/2 ARC-Message-Signature/1 dkim-signature/2 ");
}

TEST(KeptFields, CountsInstancesRightWhereSignaturesAreLeftOut) {
  EXPECT_EQ(
      kept_of(
          {{"References", 20}, {"DKIM-Signature", 60}, {"references", 20}, {"DKIM-Signature", 20}, {"References", 20}}),
      "References/1 references/2 References/3 without signatures");
}

TEST(KeptFields, IsOverSizeByListedFieldsAlone) {
  for (const SignedFields signed_fields : {SignedFields::rewrite, SignedFields::keep}) {
    EXPECT_EQ(kept_of({{"References", limit}}, signed_fields), "References/1 ");
    EXPECT_EQ(kept_of({{"References", limit + 1}}, signed_fields), "over");
    EXPECT_EQ(kept_of({{"References", 60}, {"Message-ID", 40}}, signed_fields), "References/1 Message-ID/1 ");
    EXPECT_EQ(kept_of({{"References", 60}, {"Message-ID", 41}, {"Message-ID", 10}}, signed_fields), "over");
  }
}

// Whatever the order, it is the sums that decide.
TEST(KeptFields, LeavesSignaturesOutOrIsOverInAnyOrder) {
  const struct {
    std::vector<Sized> fields;
    std::string rewrite;
    std::string keep;
  } rows[] = {
      {{{"Message-ID", 20}, {"DKIM-Signature", 30}, {"References", 50}}, "all", "all"},
      {{{"Message-ID", 20}, {"DKIM-Signature", 30}, {"References", 51}}, "listed", "over"},
      {{{"Message-ID", 50}, {"DKIM-Signature", 20}, {"ARC-Message-Signature", 31}}, "listed", "over"},
      {{{"Message-ID", 10}, {"DKIM-Signature", limit + 1}}, "listed", "over"},
      {{{"DKIM-Signature", limit}}, "all", "all"},
      {{{"DKIM-Signature", limit + 1}}, "listed", "over"},
      {{{"Message-ID", 50}, {"DKIM-Signature", limit + 1}, {"References", 50}}, "listed", "over"},
      {{{"Message-ID", 50}, {"DKIM-Signature", 20}, {"References", 51}}, "over", "over"},
      {{{"Message-ID", 50}, {"DKIM-Signature", limit + 1}, {"References", 51}}, "over", "over"},
  };
  for (const auto& row : rows) {
    for (const SignedFields signed_fields : {SignedFields::rewrite, SignedFields::keep}) {
      const std::string& expected = signed_fields == SignedFields::rewrite ? row.rewrite : row.keep;
      std::vector<Sized> fields = row.fields;
      const auto by_name = [](const Sized& a, const Sized& b) { return a.name < b.name; };
      std::sort(fields.begin(), fields.end(), by_name);
      do {
        std::string wanted;
        for (const Sized& field : fields) {
          if (expected == "all" || !msgid::is_signature_field(field.name)) wanted += std::string(field.name) + "/1 ";
        }
        if (expected == "listed") wanted += "without signatures";
        if (expected == "over") wanted = "over";
        EXPECT_EQ(kept_of(fields, signed_fields), wanted);
      } while (std::next_permutation(fields.begin(), fields.end(), by_name));
    }
  }
}

TEST(KeptFields, TheCorrelatorStaysWhereSignaturesAreLeftOut) {
  msgid::Policy policy;
  policy.header_size = 61;
  msgid::KeptFields kept(policy);
  EXPECT_TRUE(kept.wants("x-ms-tnef-correlator"));
  kept.add("DKIM-Signature", std::string(30, 'x'));
  kept.add("X-MS-TNEF-Correlator", "<a@b>");
  kept.add("Message-ID", "<a@b>");
  kept.add("X-MS-TNEF-Correlator", "1");
  ASSERT_TRUE(kept.lacks_signatures());
  ASSERT_EQ(kept.fields().size(), 3U);
  EXPECT_EQ(kept.fields()[0].name, "X-MS-TNEF-Correlator");
  EXPECT_EQ(kept.fields()[2].instance, 2);
}

TEST(KeptFields, AListedFieldIsNoSignature) {
  Policy policy = policy_with(SignedFields::rewrite);
  policy.fields.push_back({"DKIM-Signature", true, false});
  KeptFields kept(policy);
  add(kept, {{"Message-ID", 20}, {"DKIM-Signature", 60}, {"ARC-Message-Signature", 30}});
  EXPECT_EQ(dump(kept), "Message-ID/1 DKIM-Signature/1 without signatures");
  add(kept, {{"DKIM-Signature", 21}});
  EXPECT_EQ(dump(kept), "over");
}

TEST(KeptFields, ClearForgetsAll) {
  const Policy policy = policy_with(SignedFields::rewrite);
  KeptFields kept(policy);
  for (const std::vector<Sized>& before : {std::vector<Sized>{{"Message-ID", 40}, {"DKIM-Signature", 40}},
                                           {{"DKIM-Signature", limit + 1}},
                                           {{"References", limit + 1}},
                                           {{"Message-ID", 40}, {"ARC-Message-Signature", 30}, {"Message-ID", 40}}}) {
    add(kept, before);
    kept.clear();
    EXPECT_EQ(dump(kept), "");
    add(kept, {{"Message-ID", 50}, {"DKIM-Signature", 20}, {"ARC-Message-Signature", 30}});
    EXPECT_EQ(dump(kept), "Message-ID/1 DKIM-Signature/1 ARC-Message-Signature/1 ");
    // The octets of the signatures are not taken off twice.
    add(kept, {{"References", 51}});
    EXPECT_EQ(dump(kept), "over");
    kept.clear();
  }
}

}  // namespace
