"$AUDIT" fix --in-place data/fix.mbox && "$AUDIT" fix --in-place data/fix.mbox && "$AUDIT" fix data/fix.mbox | cmp - data/fix.mbox && ls -A data | grep -c msgid-audit; cat data/fix.mbox
