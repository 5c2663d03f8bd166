"$AUDIT" check data/empty; echo $?; "$AUDIT" check </dev/null; echo $?; mkdir none && "$AUDIT" check none
