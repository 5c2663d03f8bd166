for file in data/text.txt data/empty data/binary data/missing data; do "$AUDIT" fix "$file"; echo "$?"; done 2>&1
