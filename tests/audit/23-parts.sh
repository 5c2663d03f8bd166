"$AUDIT" check data/parts.eml
