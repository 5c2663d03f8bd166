// Headers as a relay in front of Exchange sees them.
#ifndef BENCH_SAMPLE_H
#define BENCH_SAMPLE_H

#include <string>

namespace sample {

/// 25 fields, four of them listed by the default policy, two context for the log (User-Agent, X-Mailer). `n` makes the
/// ids differ.
inline std::string clean_header(int n) {
  const std::string id = std::to_string(1000 + n);
  return "Received: from mail-db8eur05on2104.outbound.example.net (mail-db8eur05on2104.outbound.example.net\n"
         " [192.0.2.104])\n"
         "\t(using TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits))\n"
         "\tby mx.example.org (Postfix) with ESMTPS id 4cVq2S0zQ2z9s" +
         id +
         "\n"
         "\tfor <someone@example.org>; Sat, 21 Nov 2026 10:20:30 +0000 (UTC)\n"
         "Received: from am6pr05mb" +
         id +
         ".example.net (2603:10a6:20b:1::10) by\n"
         " vi1pr05mb4512.example.net (2603:10a6:803:1::20) with Microsoft SMTP Server\n"
         " (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id\n"
         " 15.20.3499.18; Sat, 21 Nov 2026 10:20:28 +0000\n"
         "Received: from localhost (localhost [127.0.0.1])\n"
         "\tby out.example.com (Postfix) with ESMTP id 7D3F2A1" +
         id +
         "\n"
         "\tfor <someone@example.org>; Sat, 21 Nov 2026 11:20:27 +0100 (CET)\n"
         "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s2026;\n"
         "\tt=1795256427; bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\n"
         "\th=From:To:Subject:Date:Message-ID:In-Reply-To:References;\n"
         "\tb=Vbyi0c3fXQX1XkX8nKQXQb0q3m3kfYl3YyqzIuVJc1yqJv5GcB6y2rAq4kC8m3b0J\n"
         "\t GQmYhZ0w1mB7vLJ2s8y5Q0H8Zp1nW4tq9bB2k1w6f7u8i9o0p1a2s3d4f5g6h7j8k9\n"
         "Authentication-Results: mx.example.org; dkim=pass header.d=example.com;\n"
         "\tspf=pass smtp.mailfrom=example.com\n"
         "From: =?utf-8?q?J=C3=B6rg_Beispiel?= <joerg@example.com>\n"
         "To: Some One <someone@example.org>\n"
         "Cc: Team <team@example.org>, Office <office@example.org>\n"
         "Subject: Re: =?utf-8?q?Angebot_f=C3=BCr_die_n=C3=A4chste_Lieferung?= #" +
         id +
         "\n"
         "Thread-Topic: Angebot\n"
         "Thread-Index: AdrAxu3V1cJxW0e2Q5y0h5m1b1n1AAACm3gg\n"
         "Date: Sat, 21 Nov 2026 11:20:26 +0100\n"
         "Message-ID: <AM6PR05MB" +
         id +
         "4C1A0B2E3F4D5A6B7C8D9E0F1A2@AM6PR05MB4512.eurprd05.example.net>\n"
         "In-Reply-To: <c0ffee42-" +
         id +
         "-4c1a-9b2e-3f4d5a6b7c8d@app.example.org>\n"
         "References: <20261119081500.4711-1-someone@example.org>\n"
         " <c0ffee41-" +
         id +
         "-4c1a-9b2e-3f4d5a6b7c8d@app.example.org>\n"
         "\t<c0ffee42-" +
         id +
         "-4c1a-9b2e-3f4d5a6b7c8d@app.example.org>\n"
         "Resent-Message-ID: <resent." +
         id +
         "@list.example.com>\n"
         "Accept-Language: de-DE, en-US\n"
         "Content-Language: de-DE\n"
         "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.4\n"
         "X-Mailer: Example Mailer 16.0\n"
         "X-Originating-IP: [192.0.2.55]\n"
         "X-Spam-Status: No, score=-2.1 required=5.0 tests=BAYES_00,DKIM_SIGNED,\n"
         "\tDKIM_VALID,SPF_PASS autolearn=ham version=3.4.6\n"
         "MIME-Version: 1.0\n"
         "Content-Type: multipart/alternative;\n"
         "\tboundary=\"_000_AM6PR05MB45121A2B3C4D5E6F_\"\n"
         "Content-Transfer-Encoding: 7bit\n";
}

/// The same, its Message-ID as CPython 3.7 wrote it.
inline std::string affected_header(int n) {
  std::string header = clean_header(n);
  const std::size_t begin = header.find("\nMessage-ID:") + 1;
  header.replace(begin, header.find('\n', begin) - begin,
                 "Message-ID: =?utf-8?q?=3C162193893844=2E19864=2E11243857306847" + std::to_string(1000 + n) +
                     "486=40web01=2Eexamp?=\n =?utf-8?q?le=2Ecom=3E?=");
  return header;
}

}  // namespace sample

#endif
