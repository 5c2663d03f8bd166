"""Whether the tokens of a field are what a field of msg-ids may hold, and where brackets are missing or too many: the
part of the second implementation that rule.brackets, rule.malformed and rule.strict-syntax ask.
"""

import re

from body import DOT_ATOM, WORD, inner_space, is_clean_bare_id, is_several

ESCAPES = re.compile(r"&(?:lt|gt|#60|#62|#x3c|#x3e);|%3[ce]|\\u003[ce]", re.IGNORECASE)


def ids_in_brackets(text):
    """([ids], whether brackets were missing or too many, whether it is bare, whether its end is missing) of what
    touches: ids with brackets on one side at least, or one bare id. None where it is anything else."""
    if is_clean_bare_id(text) and not re.search("[<>]", text) and not ESCAPES.search(text):
        return ["<" + text + ">"], True, True, False
    parts = re.findall(r"(<*)([^<>]+)(>*)", text)
    if "".join(map("".join, parts)) != text or not parts:
        return None
    if any(not is_clean_bare_id(inside) or ESCAPES.search(inside) or not begin + end for begin, inside, end in parts):
        return None
    is_repaired = any((begin, end) != ("<", ">") for begin, _, end in parts)
    return ["<" + inside + ">" for _, inside, _ in parts], is_repaired, False, not parts[-1][2]


def is_odd_id(token):
    return token[0] == "id" and not is_clean_bare_id(token[1][1:-1])


def with_brackets(tokens, is_list):
    """The tokens with one pair of brackets around each clean id, or None."""
    if any(kind in ("quoted", "word") for kind, _ in tokens):
        return None
    out, is_repaired, has_bare = [], False, False
    at = 0
    while at < len(tokens):
        if tokens[at][0] in ("space", "comma", "comment"):
            out.append(tokens[at])
            at += 1
            continue
        if is_odd_id(tokens[at]):
            out.append(tokens[at])
            at += 1
            continue
        end = at
        while end < len(tokens) and tokens[end][0] in ("id", "unterminated", "text") and not is_odd_id(tokens[end]):
            end += 1
        text = "".join(text for _, text in tokens[at:end])
        if at > 0 and is_odd_id(tokens[at - 1]) and text[0] != "<":
            return None  # half of an id that has a bracket inside
        if end < len(tokens) and is_odd_id(tokens[end]) and text[-1] != ">":
            return None
        found = ids_in_brackets(text)
        if not found:
            return None
        if found[3] and is_list and all(kind == "space" for kind, _ in tokens[end:]):
            return None  # the rest of the id may have been cut off
        out += [("id", an_id) for an_id in found[0]]
        is_repaired = is_repaired or found[1]
        has_bare = has_bare or found[2]
        at = end
    if has_bare and any(kind == "comment" for kind, _ in tokens):
        return None  # an address, and whose it is
    if not is_list and sum(kind == "id" for kind, _ in out) > 1:
        return None
    return out if is_repaired else None


def is_control(text):
    return not text.strip("".join(map(chr, [*range(33), 127])))


def is_text(token):
    """Text that is not left to control-character."""
    return token[0] == "text" and not is_control(token[1])


def is_escaped(tokens):
    visible = [token for token in tokens if token[0] != "space"]
    if any(kind in ("id", "quoted") for kind, _ in visible) and is_text(visible[0]) and is_text(visible[-1]):
        if visible[0][1].startswith("[") and visible[-1][1].endswith("]"):
            return True  # a list as programming languages print it
    return any(is_text(token) and (ESCAPES.search(token[1]) or re.fullmatch(r"(?:\\[rnt])+", token[1]))
               for token in tokens)


def is_quoted(tokens):
    for number, (kind, text) in enumerate(tokens):
        inside = text[1:-1].strip(" \t\n")
        if kind == "quoted" and (is_clean_bare_id(inside) or re.fullmatch(r"<.+>", inside, re.DOTALL) or
                                 WORD.match(inside)):
            return True
        if kind == "text" and not text.strip("\"'`"):
            around = [token[0] for token in tokens[max(number - 1, 0):number] + tokens[number + 1:number + 2]]
            if not {"id", "unterminated", "word"}.isdisjoint(around):
                return True  # a mark without its partner
    return False


def fault_of(tokens, is_list, names, is_space_on):
    """What is wrong with the field, the most telling fault first, or nothing. The documents leave the order of the
    reasons open."""
    ids = [text for kind, text in tokens if kind == "id"]
    texts = [token[1] for token in tokens if is_text(token)]
    empty_pairs = [text for text in texts if re.fullmatch(r"<[ \t\n]*>", text)]
    others = [token[1] for token in tokens
              if (is_text(token) and token[1] not in empty_pairs) or token[0] in ("quoted", "word")]
    if is_escaped(tokens):
        return "escaped"
    if is_quoted(tokens):
        return "quoted"
    if any(kind == "unterminated" for kind, _ in tokens) or any(re.search("[<>]", text) and text not in empty_pairs
                                                                for text in texts):
        return "unbalanced-brackets"
    is_glued = any({first[0], second[0]} == {"id", "text"} and all(is_text(one) and one[1] not in empty_pairs
                                                                   for one in (first, second) if one[0] == "text")
                   for first, second in zip(tokens, tokens[1:]))
    if is_glued or any(text[-1] == ":" and text[:-1].lower() in names for text in texts):
        return "text-left-over"
    if not is_list and ids and others:
        return "text-left-over"
    if not is_list and len(ids) > 1:
        return "more-than-one-msg-id"
    if any(is_several(an_id) and not (is_space_on and inner_space(an_id) == "uncertain") for an_id in ids):
        return "more-than-one-msg-id"
    if empty_pairs or all(kind in ("space", "comma") for kind, _ in tokens):
        return "empty"
    sides = [an_id[1:-1].strip(" \t\n") for an_id in ids]
    if any(side[0] == "@" or side[-1] == "@" for side in sides):
        return "empty-side"
    if ids:
        return ""
    has_one_word = len(set(others)) == 1 and not re.search("[ \t\n]", others[0]) and all(
        token[1] in others or token[0] in ("space", "comma") for token in tokens)
    return "no-msg-id" if not is_list or has_one_word else ""


def strict_fault_of(an_id):
    """What is in the way of dot-atom "@" (dot-atom / no-fold-literal)."""
    inside = an_id[1:-1].strip(" \t\n")
    if inside[0] == "@" or inside[-1] == "@" or is_clean_bare_id(inside):
        return ""
    literal = inside.rfind("@[") if inside[-1] == "]" else -1
    atoms = inside if literal < 0 else inside[:literal]
    ats = atoms.count("@") + (literal >= 0)
    if re.search(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.@-]", atoms):
        return "bad-character"
    if ats != 1:
        return "two-at" if ats else "no-at"
    return "bad-character" if literal >= 0 and DOT_ATOM.fullmatch(atoms) else "bad-dots"
