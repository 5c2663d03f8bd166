"$AUDIT" check --format json $CORPUS/0[1-4]-*.eml | "$AUDIT" report - | sed "s,$CORPUS,CORPUS,"
