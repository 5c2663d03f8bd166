"$AUDIT" fix --help
