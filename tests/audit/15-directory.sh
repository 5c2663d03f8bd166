mkdir mail mail/sub && cp data/broken.eml mail/sub/b && cp data/clean.eml mail/c && cp data/four.mbox mail/d && cp data/text.txt mail/e && ln -s c mail/link && "$AUDIT" check mail
