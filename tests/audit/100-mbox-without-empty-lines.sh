"$AUDIT" check data/joined.mbox; "$AUDIT" fix data/joined.mbox | diff data/joined.mbox -
