for case in 46-signed 47-signed-keep 48-signed-fold; do "$AUDIT" check - <"$CORPUS/$case.eml"; done; "$AUDIT" check --signed=keep - <"$CORPUS/47-signed-keep.eml"
