(printf '\357\273\277\r\n\n'; cat data/broken.eml) >bom.eml; (printf '\n\n'; cat data/four.mbox) >lines.mbox
"$AUDIT" check bom.eml lines.mbox | tail -1
"$AUDIT" fix bom.eml >fixed.eml; "$AUDIT" fix lines.mbox >fixed.mbox
"$AUDIT" fix data/broken.eml | cmp - <(tail -c +7 fixed.eml); "$AUDIT" fix data/four.mbox | cmp - <(tail -c +3 fixed.mbox)
cmp -n 6 bom.eml fixed.eml; cmp -n 2 lines.mbox fixed.mbox
(printf '\357\273\277'; cat data/bounce-postfix.eml) | "$AUDIT" explain | cmp - <("$AUDIT" explain data/bounce-postfix.eml)
