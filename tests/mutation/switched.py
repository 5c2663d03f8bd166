"""A C++ source with all of its mutants in it, of which the environment variable MUTANT switches one on: one compilation
for hundreds of mutants.

An expression is cut at its operators by their precedence, and each that has a mutant becomes a call: "a < b" is
lt(7, a, b), "a && b" is both(8, a, [&] { return b; }). What is evaluated at compile time cannot be switched.
"""

import re

PRELUDE = r"""
#ifndef MUTATION_PRELUDE
#define MUTATION_PRELUDE
#include <cstdlib>
namespace mutation {
inline int chosen() { static const int number = [] { const char* text = std::getenv("MUTANT");
  return text == nullptr ? 0 : std::atoi(text); }(); return number; }
inline int on(int number) { return chosen() == number ? 1 : 0; }
[[noreturn]] inline void not_built() { std::_Exit(77); }
template <class L, class R> bool lt(int n, const L& l, const R& r) { return on(n) ? l <= r : l < r; }
template <class L, class R> bool le(int n, const L& l, const R& r) { return on(n) ? l < r : l <= r; }
template <class L, class R> bool gt(int n, const L& l, const R& r) { return on(n) ? l >= r : l > r; }
template <class L, class R> bool ge(int n, const L& l, const R& r) { return on(n) ? l > r : l >= r; }
template <class L, class R> bool eq(int n, const L& l, const R& r) { return (l == r) != (on(n) == 1); }
template <class L, class R> bool ne(int n, const L& l, const R& r) { return (l != r) != (on(n) == 1); }
template <class R> bool both(int n, bool l, R r) { return on(n) ? l || r() : l && r(); }
template <class R> bool either(int n, bool l, R r) { return on(n) ? l && r() : l || r(); }
template <class L, class R> auto add(int n, const L& l, const R& r) {
  if (on(n)) { if constexpr (requires { decltype(l + r)(l - r); }) return decltype(l + r)(l - r); else not_built(); }
  return l + r; }
template <class L, class R> auto sub(int n, const L& l, const R& r) {
  if (on(n)) { if constexpr (requires { decltype(l - r)(l + r); }) return decltype(l - r)(l + r); else not_built(); }
  return l - r; }
template <class L, class R> void add_to(int n, L& l, const R& r) {
  if (on(n)) { if constexpr (requires { l -= r; }) { l -= r; return; } else not_built(); }
  l += r; }
template <class L, class R> void sub_from(int n, L& l, const R& r) {
  if (on(n)) { if constexpr (requires { l += r; }) { l += r; return; } else not_built(); }
  l -= r; }
}
#endif
"""
CALLS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne", "&&": "both", "||": "either", "+": "add",
         "-": "sub", "+=": "add_to", "-=": "sub_from"}
# Loosest first; those of a row are one precedence.
PRECEDENCE = [("||",), ("&&",), ("==", "!="), ("<", "<=", ">", ">="), ("+", "-")]
TOKEN = re.compile(r"""
    (?P<space> \s+ | //[^\n]* | /\*.*?\*/ | ^[ ]*\#[^\n]* )
  | (?P<literal> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
  | (?P<open> [(\[{] ) | (?P<close> [)\]}] )
  | (?P<operator> (?<=[ ])(?:<=|>=|==|!=|<|>|&&|\|\||\+=|-=|\+|-)(?=[ \n]) )
  | (?P<cut> ; | , | (?<=[ ])(?:=|\?|:|\|=|&=|\||&)(?=[ \n]) | \breturn\b | \belse\b | \bcase\b | \bdo\b )
  | (?P<head> \b(?:if|for|while|switch)\b(?:[ ]constexpr)? )
  | (?P<other> \w+ | \+\+ | -- | . )
""", re.VERBOSE | re.DOTALL | re.MULTILINE)


def behind_block(text, at):
    depth = 0
    for found in re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'|[{}]").finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.end()
    return len(text)


def fixed_regions(text):
    """[(begin, end)] of what the compiler evaluates: variables that are constexpr, assertions, heads of templates, sizes of arrays."""
    for found in re.finditer(r"\bconstexpr\b[^;({=]*[={]|\bstatic_assert\(|\benum class\b", text):
        at, depth = found.start(), 0
        while text[at] != ";" or depth > 0:
            if text[at] in "'\"":
                literal = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'").match(text, at)
                at = literal.end() if literal else at + 1
                continue
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text[at], 0)
            at += 1
        yield found.start(), at
    for found in re.finditer(r"\bconstexpr\b[^;({=]*\([^;{]*\{", text):
        yield found.start(), behind_block(text, found.end() - 1)
    for found in re.finditer(r"\bstd::array<[^;{}()]*>", text):
        yield found.span()


class Switched:
    """`numbers` maps mutants to numbers; `text` has those of `used` in it."""
    def __init__(self, text, numbers):
        self.source = text
        self.used = set()
        self.at = {}  # where one begins: [(mutant, number)]
        self.statements = {}  # where one begins: (where it ends, number)
        regions = list(fixed_regions(text))
        for mutant, number in numbers.items():
            if any(begin <= mutant.begin < end for begin, end in regions):
                continue
            if mutant.new == ";":
                self.statements[mutant.begin] = (mutant.end, number)
            else:
                self.at.setdefault(mutant.begin, []).append((mutant, number))
        self.tokens = [(found.lastgroup, found[0], found.start()) for found in TOKEN.finditer(text)]
        self.text = PRELUDE + self.rendered(0, len(self.tokens))

    def closing(self, at):
        depth = 0
        while True:
            depth += {"open": 1, "close": -1}.get(self.tokens[at][0], 0)
            if depth == 0:
                return at
            at += 1

    def leaf(self, at):
        """A token that is no operator, and its mutants."""
        kind, text, begin = self.tokens[at]
        if begin not in self.at:
            return text
        if text in ("true", "false"):
            return f"({text} != (mutation::on({self.number_at(begin)}) == 1))"
        if text == "!":
            return f"(mutation::on({self.number_at(begin)}) == 1) != !"
        if text[0].isdigit():
            for mutant, number in self.at[begin]:
                step = "+" if int(mutant.new.rstrip("uU"), 0) > int(text.split(" ")[0].rstrip("uU"), 0) else "-"
                self.used.add(number)
                text += f" {step} mutation::on({number})"
            return f"({text})"
        return text

    def expression(self, pieces):
        """`pieces` are ("operator", text, where) or ("", rendered text, where), without a cut."""
        for row in PRECEDENCE:
            for i in range(len(pieces) - 1, -1, -1):
                kind, text, begin = pieces[i]
                if kind == "operator" and text in row:
                    left, right = self.expression(pieces[:i]), self.expression(pieces[i + 1:])
                    if begin not in self.at:
                        return left + text + right
                    number = self.number_at(begin)
                    space = re.match(r"\s*", left)[0]
                    if text in ("&&", "||"):
                        return (f"{space}mutation::{CALLS[text]}({number}, static_cast<bool>({left}), "
                                f"[&]() -> bool {{ return static_cast<bool>({right}); }})")
                    return f"{space}mutation::{CALLS[text]}({number}, {left}, {right})"
        return "".join(text for _, text, _ in pieces)

    def number_at(self, begin):
        """Of the only mutant there; used from now on."""
        number = self.at[begin][0][1]
        self.used.add(number)
        return number

    def step(self, i):
        """++x or x++ with its mutant: (text, tokens used), or None."""
        _, text, begin = self.tokens[i]
        if text in ("++", "--") and begin in self.at:
            after = re.compile(r"[A-Za-z_][\w.]*(?:->\w+|\[\w+\])*").match(self.source, begin + 2)
            if after and self.source[after.end()] not in "[(-":
                end = next(j for j in range(i, len(self.tokens)) if self.tokens[j][2] >= after.end())
                other = "--" if text == "++" else "++"
                return f"(mutation::on({self.number_at(begin)}) ? {other}{after[0]} : {text}{after[0]})", end - i
        if re.fullmatch(r"[A-Za-z_]\w*", text) and i + 1 < len(self.tokens) and self.source[begin - 1] not in ".>":
            _, step, where = self.tokens[i + 1]
            if step in ("++", "--") and where in self.at:
                other = "--" if step == "++" else "++"
                return f"(mutation::on({self.number_at(where)}) ? {text}{other} : {text}{step})", 2
        return None

    def rendered(self, i, end):
        out, pieces = "", []
        statement_ends = []
        open_calls = 0  # of add_to(), up to the end of the statement
        while i < end:
            kind, text, begin = self.tokens[i]
            if begin in self.statements:
                out += self.expression(pieces)
                pieces = []
                stop, number = self.statements[begin]
                self.used.add(number)
                out += f"{{ if (mutation::on({number}) == 0) "
                statement_ends.append(stop)
            step = self.step(i)
            if step:
                pieces.append(("", step[0], begin))
                i += step[1]
                continue
            if kind == "open":
                close = self.closing(i)
                inside = text + self.rendered(i + 1, close) + self.tokens[close][1]
                pieces.append(("", inside, begin))
                before = next((self.tokens[j][1] for j in range(i - 1, -1, -1) if self.tokens[j][0] != "space"), "")
                i = close + 1
                if text == "{" and (before in (")", "else", "do", "const", "noexcept", "mutable") or before == ">"):
                    out += self.expression(pieces)
                    pieces = []
                continue
            if kind == "head":
                out += self.expression(pieces) + text
                pieces = []
                i += 1
                while self.tokens[i][1] != "(":
                    out += self.tokens[i][1]
                    i += 1
                close = self.closing(i)
                out += "(" + self.rendered(i + 1, close) + ")"
                i = close + 1
                continue
            if kind == "cut":
                out += self.expression(pieces)
                if text == ";":
                    out += ")" * open_calls
                    open_calls = 0
                out += text
                pieces = []
                if statement_ends and begin + len(text) == statement_ends[-1]:
                    out += " }"
                    statement_ends.pop()
            elif text in ("+=", "-=") and begin in self.at:
                left = self.expression(pieces)
                space = re.match(r"\s*", left)[0]
                out += f"{space}mutation::{CALLS[text]}({self.number_at(begin)}, {left}, "
                pieces = []
                open_calls += 1
            elif kind == "operator":
                pieces.append((kind, text, begin))
            else:
                pieces.append(("", self.leaf(i), begin))
            i += 1
        return out + self.expression(pieces) + ")" * open_calls
