"""Whether the tokens of a field are what a field of msg-ids may hold, and where brackets are missing or too many: the
part of the second implementation that rule.brackets, rule.malformed and rule.strict-syntax ask.
"""

import re

from body import DOT_ATOM, SPACE, WORD, is_clean_bare_id, is_several

NAMES = ("message-id", "in-reply-to", "references", "resent-message-id")
ESCAPES = re.compile(r"&(?:lt|gt|#0*6[02]|#x0*3[ce]);|%3[ce]|\\u003[ce]|\\[rnt]|[\['\"]{2}<", re.IGNORECASE)


def is_clean(an_id):
    return is_clean_bare_id(an_id[1:-1])


def with_brackets(tokens, is_list):
    """The tokens with one pair of brackets around each clean id, or None."""
    out, is_bare, is_changed = [], False, False
    tokens = [token for token in tokens if token[1]]
    last = [token for token in tokens if token[0] != "space"][-1:]
    if is_list and last and last[0][0] == "unterminated":
        return None  # the rest of the id may have been cut off
    for number, (kind, text) in enumerate(tokens):
        before = tokens[number - 1] if number else ("space", "")
        after = tokens[number + 1] if number + 1 < len(tokens) else ("space", "")
        if kind in ("space", "comma", "comment", "id"):
            out.append((kind, text))
        elif kind == "unterminated":
            if text == "<" and (after[0] == "unterminated" or (after[0] == "id" and is_clean(after[1]))):
                is_changed = True
            elif is_clean_bare_id(text[1:]):
                out.append(("id", text + ">"))
                is_changed = True
            else:
                return None
        elif kind == "text":
            an_id = text.rstrip(">")
            has_end = an_id != text
            if not an_id:
                if before[0] != "id" or not is_clean(before[1]):
                    return None
            else:
                if not is_clean_bare_id(an_id) or before[0] not in ("space", "comma"):
                    return None
                if not has_end and after[0] not in ("space", "comma"):
                    return None
                is_bare = is_bare or not has_end
                out.append(("id", "<" + an_id + ">"))
            is_changed = True
        else:
            return None
    if is_bare and any(kind == "comment" for kind, _ in tokens):
        return None  # an address, and whose it is
    if not is_list and sum(kind == "id" for kind, _ in out) > 1:
        return None
    return out if is_changed else None


def is_control(text):
    return not text.strip("".join(map(chr, [*range(33), 127])))


def is_quoted(tokens):
    for number, (kind, text) in enumerate(tokens):
        if kind == "quoted":
            inside = text[1:-1].strip(" \t\n")
            if is_clean_bare_id(inside) or re.fullmatch(r"<[^<>]*>", inside) or WORD.fullmatch(inside):
                return True
        if kind == "text" and text[-1] in "'\"" and tokens[number + 1:] and tokens[number + 1][0] in ("id", "word"):
            return True
    return False


def is_glued(tokens):
    kinds = [kind for kind, _ in tokens]
    return any(pair in (("id", "text"), ("text", "id"), ("id", "quoted"), ("quoted", "id"))
               for pair in zip(kinds, kinds[1:]))


def fault_of(tokens, name, is_list, is_space_on):
    """What is wrong with the field, or nothing."""
    tokens = [token for token in tokens if token[0] != "text" or not is_control(token[1])]
    ids = [text for kind, text in tokens if kind == "id"]
    texts = [text for kind, text in tokens if kind == "text"]
    others = [token for token in tokens if token[0] not in ("space", "comma", "comment", "id")]
    if all(kind in ("space", "comma") for kind, _ in tokens):
        return "empty"
    if any(re.search(r"<[ \t\n]*>", text) for text in texts):
        return "empty"
    if any(ESCAPES.search(text) for text in texts):
        return "escaped"
    if is_quoted(tokens):
        return "quoted"
    for an_id in ids:
        inside = an_id[1:-1].strip(" \t\n")
        if inside[0] == "@" or inside[-1] == "@":
            return "empty-side"
    if any(kind == "unterminated" for kind, _ in tokens) or any(re.search("[<>]", text) for text in texts):
        return "unbalanced-brackets"
    if any(text.lower() in [other + ":" for other in NAMES] for text in texts):
        return "text-left-over"
    if ids and (others if not is_list else is_glued(tokens)):
        return "text-left-over"
    if not is_list and len(ids) > 1 or any(is_several(an_id) and not (is_space_on and SPACE.search(an_id))
                                           for an_id in ids):
        return "more-than-one-msg-id"
    words = {text for _, text in others}
    if not ids and (not is_list or len(words) == 1):
        return "no-msg-id"
    return ""


def strict_fault_of(an_id):
    """What is in the way of dot-atom "@" (dot-atom / no-fold-literal)."""
    inside = an_id[1:-1]
    if re.search(r"[ \t\n\x80-\xff]", inside) or inside[0] == "@" or inside[-1] == "@" or is_clean_bare_id(inside):
        return ""
    if "@" not in inside:
        return "no-at"
    if inside.count("@") > 1:
        return "two-at"
    left, _, right = inside.partition("@")
    for side in (left, right if right[0] != "[" else ""):
        if side and not re.fullmatch(DOT_ATOM.pattern[:DOT_ATOM.pattern.index("+")] + "*|[.]*", side.replace(".", "")):
            return "bad-character"
    return "bad-dots"
