"$AUDIT" check --exchange=off data/parts.eml
