"$AUDIT" fix data/fix.mbox | diff data/fix.mbox -
