# Neither MH's own files nor a desktop's are messages, nor files of a Maildir whose names begin with a dot.
mkdir -p Mail/inbox Mail/.hidden box/cur box/new && cp data/broken.eml Mail/inbox/1 && cp data/clean.eml Mail/.hidden/2
cp data/clean.eml box/new/3 && echo 'cur: 1' >Mail/inbox/.mh_sequences && : >box/cur/.nfs0001 && ln -s x Mail/.DS_Store
"$AUDIT" check Mail box
