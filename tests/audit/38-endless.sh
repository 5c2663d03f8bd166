/usr/bin/python3 data/endless.py "$AUDIT" check
