printf 'Message-ID: <a@sender.example>\nSubject: a\0b\nX: 1\rMessage-ID: < c@sender.example>\nY: \0\n\n' >mail.eml
(printf 'X: '; head -c 200000 /dev/zero | tr '\0' x; printf '\nMessage-ID: <a@sender.example>\n\n') >long.eml
"$AUDIT" check mail.eml long.eml --exchange=off | cut -c 1-80
