(printf '\377\376'; sed 's/./&\x0/g' data/broken.eml) >utf-16.eml; gzip -c data/broken.eml >mail.eml.gz
printf '\3757zXZ\000' >mail.xz; printf 'BZh91AY' >mail.bz2; printf 'PK\003\004\024' >mail.zip; cp data/bounce-binary.msg mail.msg
"$AUDIT" check utf-16.eml mail.*; echo $?
"$AUDIT" fix mail.eml.gz; echo $?
"$AUDIT" explain utf-16.eml
