"$AUDIT" fix data/parts.eml | diff data/parts.eml - && echo as it was
