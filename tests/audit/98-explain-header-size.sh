/usr/bin/python3 data/over_header_size.py >mbox; for options in "--header-size=4096 --signed=keep" --header-size=4096; do "$AUDIT" explain $options mbox | sed -n "/^What is broken/,\$p"; done
