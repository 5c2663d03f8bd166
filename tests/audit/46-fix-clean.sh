"$AUDIT" fix - <data/clean.eml | cmp - data/clean.eml && echo as it was
