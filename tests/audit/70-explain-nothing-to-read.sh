"$AUDIT" explain data/bounce-binary.msg; echo $?; "$AUDIT" explain /dev/null; echo $?; "$AUDIT" explain data; echo $?; "$AUDIT" explain no-such-file; echo $?; "$AUDIT" explain a b
