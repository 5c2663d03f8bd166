"""What can be changed in a C++ source: one small change each, found by reading tokens.

clang-format's layout is relied on: an operator between spaces is a binary one, a "<" without them is a template's.
"""

import re
import typing

TOKEN = re.compile(r"""
    (?P<skip> ^[ ]*[{]*(?:(?:0x)?[0-9a-f]+[,{} ]*)+[;]?$   # a row of data
            | //[^\n]* | /\*.*?\*/ | ^[ ]*\#[^\n]* | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | \bstatic_assert\( )
  | (?P<number> \b(?:0x[0-9a-fA-F]+|[0-9]+)[uU]?\b )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<operator> (?<=[ ])(?:<=|>=|==|!=|<|>|&&|\|\||\+=|-=|\+|-)(?=[ \n]) | \+\+ | -- | !(?!=) )
""", re.VERBOSE | re.DOTALL | re.MULTILINE)
SWAPS = {"<": ["<="], "<=": ["<"], ">": [">="], ">=": [">"], "==": ["!="], "!=": ["=="], "&&": ["||"], "||": ["&&"],
         "+": ["-"], "-": ["+"], "+=": ["-="], "-=": ["+="], "++": ["--"], "--": ["++"], "!": [""],
         "true": ["false"], "false": ["true"]}
# A statement of its own line that declares nothing: a jump, a call, an assignment.
STATEMENT = re.compile(r"^ *(?:continue|break|(?:\+\+|--)?\*?[\w.>-]+(?:\[[^]]*\])?"
                       r"(?:\(.*\)|(?: [-+|&]?=(?!=) .*)|\+\+|--)?);(?= *(?://.*)?$)", re.MULTILINE)


class Mutant(typing.NamedTuple):
    file: str  # its path from the top
    line: int
    source: str  # the line without the space around it, and which of several such lines
    change: str  # "old -> new", and which of several in the line
    begin: int
    end: int
    new: str

    def key(self):
        """What stays when lines are added above."""
        return f"{self.file} | {self.source} | {self.change}"

    def applied(self, text):
        return text[:self.begin] + self.new + text[self.end:]


def end_of_call(text, at):
    """Behind the parenthesis that closes the one before `at`."""
    depth = 1
    while depth > 0:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def replacements(kind, text):
    if kind == "number":
        digits = text.rstrip("uU")
        value = int(digits, 0)
        suffix = text[len(digits):]
        return [f"{new}{suffix}" for new in ([value + 1, value - 1] if value > 0 else [1])]
    return SWAPS.get(text, [])


def begins_statement(text, at):
    """Whether a statement, and not the rest of one, begins on the line that begins at `at`."""
    before = re.sub(r"//[^\n]*", "", text[:at]).rstrip()
    last_line = before[before.rfind("\n") + 1:].lstrip()
    return before.endswith((";", "{", "}", ":")) or re.match(r"(?:\} else )?(?:if|for|while)\b", last_line) is not None


def changes(text):
    """(begin, end, new) of each change."""
    at = 0
    while True:
        found = TOKEN.search(text, at)
        if not found:
            break
        at = found.end()
        if found.lastgroup == "skip":
            if found[0].startswith("static_assert"):
                at = end_of_call(text, at)
            continue
        for new in replacements(found.lastgroup, found[0]):
            yield found.start(), found.end(), new
    for found in STATEMENT.finditer(text):
        if not begins_statement(text, found.start()):
            continue
        begin = found.end() - len(found[0].lstrip())
        if not found[0].lstrip().startswith(("return", "using", "namespace", "else", "static_assert")):
            yield begin, found.end(), ";"


def mutants_of(file, text):
    seen = {}
    lines = {}  # line: where it stands
    for begin, end, new in sorted(changes(text)):
        line_begin = text.rfind("\n", 0, begin) + 1
        source = text[line_begin:text.find("\n", begin)].strip()
        number = text.count("\n", 0, begin) + 1
        same = lines.setdefault(source, [])
        if number not in same:
            same.append(number)
        if len(same) > 1:
            source += f" #{len(same)}"
        what = "deleted" if new == ";" else f"{text[begin:end]} -> {new or 'nothing'}"
        seen[number, what] = seen.get((number, what), 0) + 1
        which = f" ({seen[number, what]})" if seen[number, what] > 1 else ""
        yield Mutant(file, number, source, what + which, begin, end, new)
