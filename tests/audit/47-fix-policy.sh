"$AUDIT" fix data/broken.eml --rule.encoded-word=report --rule.space-in-msgid=off --config=data/check.conf
