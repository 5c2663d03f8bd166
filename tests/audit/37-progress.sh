/usr/bin/python3 data/progress.py "$AUDIT" check
