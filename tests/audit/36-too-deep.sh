/usr/bin/python3 -c "print(\"Message-ID: <a@b>\\nMIME-Version: 1.0\"); [print(f\"Content-Type: multipart/mixed; boundary={n}\\n\\n--{n}\") for n in range(100000)]" | "$AUDIT" check
