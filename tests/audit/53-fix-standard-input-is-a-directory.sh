"$AUDIT" fix - <data
