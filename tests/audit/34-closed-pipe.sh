/usr/bin/python3 data/closed_pipe.py "$AUDIT" check data/broken.eml
