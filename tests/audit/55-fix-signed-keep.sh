"$AUDIT" fix "$CORPUS"/46-signed.eml --signed=keep | diff "$CORPUS"/46-signed.eml - && echo as it was
