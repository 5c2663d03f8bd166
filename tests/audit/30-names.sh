name=$(printf "a\\033[31m\\xff\\nb") && cp data/broken.eml "$name" && "$AUDIT" check "$name" "$name.none"; "$AUDIT" check --format=json -- "$name"
