# A message by Ruby's mail gem, for cases.py: `ruby producer.rb SHAPE`.
require "mail"

mail = Mail.new do
  from "Shop <shop@app.example>"
  to "Customer <customer@exchange.example>"
  date "Sat, 21 Nov 2026 12:00:00 +0000"
  subject "Your order"
  body "Thank you.\n"
end

case ARGV.fetch(0)
when "non-ascii" # encoded as one word: mail 2.7
  mail.message_id = "<abc é@app.example>"
when "thread" # all clean, one id a line
  mail.message_id = "<#{"y" * 90}@app.example>"
  mail.in_reply_to = "<b@app.example>"
  mail.references = ["<#{"z" * 90}@app.example>", "<a@app.example>", "<b@app.example>"]
else
  abort "unknown shape"
end

$stdout.binmode.write(mail.encoded)
