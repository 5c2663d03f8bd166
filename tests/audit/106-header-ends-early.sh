# By default, in every output, and as the exit status tells.
printf '%s\r\n' 'Message-ID: <a@sender.example>' 'Subject: x' 'no field' 'References: < b@sender.example>' '' text >no-colon.eml
printf '%s\n' 'Subject: y' 'Sübject: z' 'Message-ID: < c@sender.example>' '' text >name.eml
printf '%s\n' 'From x@sender.example Sat Nov 21 10:20:30 2026' 'Subject: z' '>From y' 'Message-ID: < d@sender.example>' >from.mbox
"$AUDIT" check no-colon.eml name.eml from.mbox; "$AUDIT" check --exchange=off no-colon.eml >/dev/null; echo $?
"$AUDIT" check --format=json no-colon.eml name.eml from.mbox | tee findings.jsonl
"$AUDIT" report findings.jsonl | grep -A3 '^By rule'; "$AUDIT" report --format=html findings.jsonl | grep -c 'a line in the header that is no field'
for file in no-colon.eml name.eml from.mbox; do "$AUDIT" fix $file | cmp - $file; done
