"$AUDIT" check data/hostile.eml; "$AUDIT" check --format=json data/hostile.eml
