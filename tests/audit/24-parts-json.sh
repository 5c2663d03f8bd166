"$AUDIT" check --format json data/parts.eml
