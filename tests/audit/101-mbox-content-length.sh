# Message 3 has a wrong length: its body is split. A pipe gives the same.
"$AUDIT" check data/mboxcl2.mbox; cat data/mboxcl2.mbox | "$AUDIT" check | tail -1
"$AUDIT" fix data/mboxcl2.mbox | diff data/mboxcl2.mbox -
