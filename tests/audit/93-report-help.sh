"$AUDIT" report --help
