"$AUDIT" check --help; "$AUDIT" --help; "$AUDIT" --version | sed "s/[0-9.]*$/N/"
