"$AUDIT" explain --help
