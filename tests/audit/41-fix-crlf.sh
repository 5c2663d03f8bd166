sed "s/\$/\r/" data/broken.eml | "$AUDIT" fix | cat -v
