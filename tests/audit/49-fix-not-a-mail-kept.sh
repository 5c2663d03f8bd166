echo old >out; "$AUDIT" fix data/text.txt -o out; "$AUDIT" fix data/text.txt --in-place; cat out; cmp data/text.txt "$CORPUS"/../audit/data/text.txt
