// Generated fields: bodies out of the grammar's own pieces, lists of ids with the damage that lists get on their way,
// and signatures over them. The tests of promises and of the daemon share them.
#ifndef MSGID_TESTS_RANDOM_FIELDS_H
#define MSGID_TESTS_RANDOM_FIELDS_H

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "msgid/field.h"

namespace random_fields {

using msgid::FieldList;

/// Longer fields out of pieces that make the rules meet.
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}

  std::string body() {
    static const std::array<std::string, 41> parts = {" ",
                                                      "\n ",
                                                      "\n\t",
                                                      "\t",
                                                      ",",
                                                      "<a@b>",
                                                      "<c@d.example>",
                                                      "<a b@c>",
                                                      "<a\n b@c>",
                                                      "<a .b@c>",
                                                      "<a! \n b@c>",
                                                      "(comment)",
                                                      "(c\n d)",
                                                      "\"q <x@y>\"",
                                                      "phrase",
                                                      "<\xc3\xa9@x>",
                                                      "<unterminated",
                                                      "a@b.example",
                                                      "=?utf-8?q?=3Cq=40example=2Ecom=3E?=",
                                                      "=?utf-8?q?=3Ccut?=",
                                                      "=?utf-8?b?QGV4YW1wbGUuY29tPg==?=",
                                                      "=?utf-8?q?phrase?=",
                                                      "=?utf-16?q?=3Ca=40b=3E?=",
                                                      "=?utf-8?q?=3Cbroken=4?=",
                                                      "\x01",
                                                      "<\"quoted space\"@x>",
                                                      "<[hex====@microsoft.example]>",
                                                      ";",
                                                      "\"",
                                                      "<<",
                                                      ">>",
                                                      "&lt;",
                                                      "&gt;",
                                                      "a@b.example;",
                                                      "<<g@h>>",
                                                      "<a@[192.0.2.1]>",
                                                      "<a@b c@d>",
                                                      "<a@b;c@d>",
                                                      "<a@b>\n <c@d\n e@f>",
                                                      "<o(x@y> <i@j> <o)x@y>",
                                                      "<\"x@y> <k@l>\n <\"z@y>"};
    std::string out = below(8) == 0 ? "" : " ";
    const std::size_t length = 1 + below(below(10) == 0 ? 80 : 8);
    const std::size_t ids = below(40) == 0 ? below(60) : 0;
    for (std::size_t i = 0; i < ids; ++i) {
      out += "<" + std::to_string(i) + std::string(below(25), 'l') + "@list.example>" + (below(5) == 0 ? "," : " ");
    }
    for (std::size_t i = 0; i < length; ++i) {
      if (below(12) == 0) {
        out += "<" + std::string(below(120), 'x') + "@" + std::string(below(30), 'y') + ">";
      } else if (below(40) == 0) {
        out += static_cast<char>(below(256));
      } else {
        out += parts[below(parts.size())];
      }
      if (below(3) == 0) out += ' ';
    }
    return out;
  }

  /// A signature over a Message-ID, References or the correlator, or none.
  FieldList signature() {
    static const std::array<std::string, 6> bodies = {" d=s.example; h=from:message-id",
                                                      " c=relaxed; d=r.example; h=message-id",
                                                      " c=relaxed; d=r.example; h=references:message-id:references",
                                                      " c=relaxed; d=r.example",
                                                      " c=simple; d=s.example; h=references",
                                                      " c=relaxed; d=t.example; h=x-ms-tnef-correlator"};
    return below(2) == 0 ? FieldList{} : FieldList{{"DKIM-Signature", bodies[below(bodies.size())], 1}};
  }

  std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_); }

  /// One of them.
  template <std::size_t count>
  std::string_view of(const std::array<std::string_view, count>& words) {
    return words[below(count)];
  }

 private:
  std::mt19937 engine_;
};

inline std::string base64(std::string_view octets) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::string_view group = octets.substr(i, 3);
    std::size_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8U | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= group.size() ? digits[bits >> (18 - 6 * j) & 63U] : '=';
  }
  return out;
}

/// A list of clean ids, and what happens to lists on their way.
class DamagedList {
 public:
  explicit DamagedList(Random& random) : random_(random) {}

  std::string body() {
    items_.clear();
    const std::size_t count = 1 + below(below(6) == 0 ? 40 : 4);
    for (std::size_t i = 0; i < count; ++i) items_.push_back({"<" + id() + ">", " "});
    for (std::size_t damages = below(5); damages > 0; --damages) damage();
    std::string out = below(8) == 0 ? "" : " ";
    out += joined(0, items_.size());
    return below(10) == 0 ? out + items_.back().separator : out;
  }

 private:
  struct Item {
    std::string text;
    std::string separator;  ///< between it and the next
  };

  std::size_t below(std::size_t limit) { return random_.below(limit); }
  Item& any() { return items_[below(items_.size())]; }

  std::string id() {
    static constexpr std::array<std::string_view, 8> domains = {
        "x", "b.example", "mail.example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]", "a-b.example", "[]", "[a;b]"};
    static constexpr std::array<std::string_view, 8> tails = {"", "", "", ".part", "!x", "=x", "+y/z", ".$1"};
    std::string out = std::to_string(number_++) + std::string(below(12), 'i');
    if (below(12) == 0) out += std::string(30 + below(60), 'l');
    if (below(200) == 0) out += std::string(900 + below(100), 'w');
    out += random_.of(tails);
    out += '@';
    out += random_.of(domains);
    return out;
  }

  std::string joined(std::size_t begin, std::size_t end) const {
    std::string out;
    for (std::size_t i = begin; i < end; ++i) out += items_[i].text + (i + 1 < end ? items_[i].separator : "");
    return out;
  }

  /// Puts one item in the place of several.
  void replace(std::size_t begin, std::size_t end, std::string text) {
    items_[begin] = {std::move(text), items_[end - 1].separator};
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(begin) + 1,
                 items_.begin() + static_cast<std::ptrdiff_t>(end));
  }

  void damage() {
    switch (below(10)) {
      case 0:
        return nest();
      case 1:
        return merge();
      case 2:
        return double_brackets();
      case 3:
        return drop_brackets();
      case 4:
      case 5:
        return exchange_separators();
      case 6:
        return insert_strays();
      case 7:
        return encode();
      case 8:
        return insert_space();
      default:
        return glue();
    }
  }

  /// All or some in one pair of brackets, with their own or without.
  void nest() {
    const std::size_t begin = below(3) == 0 ? below(items_.size()) : 0;
    const bool keeps_brackets = below(3) == 0;
    for (std::size_t i = begin; i < items_.size() && !keeps_brackets; ++i) {
      std::erase_if(items_[i].text, [](char c) { return c == '<' || c == '>'; });
    }
    replace(begin, items_.size(), "<" + joined(begin, items_.size()) + ">");
  }

  /// Two pairs lose what parted them.
  void merge() {
    static constexpr std::array<std::string_view, 7> seams = {" ", ",", ";", "\n ", "\n\t", "", ", "};
    if (items_.size() < 2) return;
    const std::size_t first = below(items_.size() - 1);
    std::string& text = items_[first].text;
    if (text.ends_with('>')) text.pop_back();
    std::string& next = items_[first + 1].text;
    if (next.starts_with('<')) next.erase(0, 1);
    items_[first].separator = random_.of(seams);
    replace(first, first + 2, joined(first, first + 2));
  }

  void double_brackets() {
    for (Item& item : items_) {
      const std::size_t sides = below(6);
      if (sides == 1 || sides == 3) item.text.insert(0, "<");
      if (sides == 2 || sides == 3) item.text += '>';
    }
  }

  void drop_brackets() {
    const bool drops_all = below(3) == 0;
    for (Item& item : items_) {
      const std::size_t sides = drops_all ? 3 : below(8);
      if ((sides == 1 || sides == 3) && item.text.starts_with('<')) item.text.erase(0, 1);
      if ((sides == 2 || sides == 3) && item.text.ends_with('>')) item.text.pop_back();
    }
  }

  void exchange_separators() {
    static constexpr std::array<std::string_view, 12> separators = {",",   ", ",   ";",  "; ", "",   "",
                                                                    "\n ", "\n\t", "  ", "\t", " ,", ",\n "};
    const std::string_view all = below(2) == 0 ? random_.of(separators) : std::string_view();
    for (Item& item : items_) {
      if (!all.empty() || below(3) == 0) item.separator = all.empty() ? random_.of(separators) : all;
    }
  }

  /// One stray character, or two that match in two items.
  void insert_strays() {
    static constexpr std::array<std::string_view, 7> strays = {"\"\"", "()", ")(", "((", "\\\"", "[]", "''"};
    const std::string_view pair = random_.of(strays);
    const std::size_t count = 1 + below(2);
    std::size_t item = below(items_.size());
    for (std::size_t i = 0; i < count; ++i, item += below(items_.size() - item)) {
      std::string& text = items_[item].text;
      const std::size_t place = below(3) == 0 ? below(2) * text.size() : below(text.size() + 1);
      text.insert(place, 1, pair[i]);
    }
  }

  /// Some or all as one run of encoded-words.
  void encode() {
    const std::size_t begin = below(2) == 0 ? 0 : below(items_.size());
    const std::size_t end = begin + 1 + below(below(2) == 0 ? items_.size() - begin : 1);
    const std::string text = joined(begin, end);
    const std::size_t words = 1 + below(4);
    std::string run;
    for (std::size_t i = 0, at = 0; i < words; ++i) {
      const std::size_t last = i + 1 == words ? text.size() : at + below(text.size() - at + 1);
      if (i > 0) run += below(2) == 0 ? " " : "\n ";
      run += encoded(std::string_view(text).substr(at, last - at));
      at = last;
    }
    replace(begin, end, std::move(run));
  }

  std::string encoded(std::string_view text) {
    static constexpr std::array<std::string_view, 6> charsets = {"us-ascii",   "utf-8",       "UTF-8",
                                                                 "iso-8859-1", "utf-8*en-us", "utf-16"};
    static constexpr std::string_view digits = "0123456789ABCDEF";
    static constexpr std::string_view unsafe = "=?_";
    std::string out = "=?";
    out += random_.of(charsets);
    if (below(2) == 0) return out + "?b?" + base64(text) + "?=";
    out += "?Q?";
    const bool is_literal = below(4) == 0;
    for (const char c : text) {
      const auto octet = static_cast<unsigned char>(c);
      const bool is_plain =
          std::isalnum(octet) != 0 || (is_literal && octet > 32 && unsafe.find(c) == std::string::npos);
      if (is_plain) {
        out += c;
      } else {
        out += {'=', digits[octet / 16U], digits[octet % 16U]};
      }
    }
    return out + "?=";
  }

  /// Often what a relay does that cuts a line.
  void insert_space() {
    static constexpr std::array<std::string_view, 5> spaces = {"\n ", "\n ", " ", "\n\t", "!\n "};
    std::string& text = any().text;
    text.insert(below(text.size() + 1), random_.of(spaces));
  }

  void glue() {
    static constexpr std::array<std::string_view, 10> words = {"re",   "Re: ", "x@",   " wrote ", "&lt;",
                                                               "&gt;", "[",    "(c) ", "phrase ", "=?"};
    std::string& text = any().text;
    text.insert(below(2) * text.size(), random_.of(words));
  }

  Random& random_;
  std::vector<Item> items_;
  int number_ = 0;
};

}  // namespace random_fields

#endif
