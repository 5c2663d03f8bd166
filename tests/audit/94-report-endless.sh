yes | "$AUDIT" report -; echo $?; "$AUDIT" report /dev/zero; echo $?; truncate -s 10G sparse; "$AUDIT" report sparse
