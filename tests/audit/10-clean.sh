"$AUDIT" check data/clean.eml
