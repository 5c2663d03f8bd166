head -c 2000 /dev/zero > zeros; : > empty; cp $CORPUS/01-python-message-id.eml mail; "$AUDIT" report none data zeros mail; echo $?; "$AUDIT" report none empty; echo $?; "$AUDIT" report empty
