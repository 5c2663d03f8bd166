# As Mac OS before X wrote them; also of an mbox, and of a bounce.
tr '\n' '\r' <data/broken.eml >cr.eml; tr '\n' '\r' <data/four.mbox >cr.mbox; tr '\n' '\r' <data/bounce-postfix.eml >bounce.eml
"$AUDIT" check cr.eml cr.mbox
"$AUDIT" fix --in-place cr.eml; "$AUDIT" fix cr.mbox >fixed.mbox
tr '\r' '\n' <cr.eml | diff data/broken.eml -; tr '\r' '\n' <fixed.mbox | diff data/four.mbox -
"$AUDIT" explain bounce.eml | cmp - <("$AUDIT" explain data/bounce-postfix.eml)
