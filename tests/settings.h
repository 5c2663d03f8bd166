// Whether two settings are the same, as one comparison that tests and fuzz targets share.
#ifndef MSGID_TESTS_SETTINGS_H
#define MSGID_TESTS_SETTINGS_H

#include <algorithm>
#include <string>

#include "config/settings.h"

namespace settings {

/// The options in which two settings differ: "fold-at, mode"; empty where they are the same.
inline std::string difference(const config::Settings& a, const config::Settings& b) {
  std::string names;
  const auto compare = [&names](const char* name, bool is_same) {
    if (!is_same) names += (names.empty() ? "" : ", ") + std::string(name);
  };
  const auto same_endpoint = [](const config::Endpoint& x, const config::Endpoint& y) {
    return x.is_unix == y.is_unix && x.path == y.path && x.host == y.host && x.port == y.port && x.is_ipv6 == y.is_ipv6;
  };
  compare("socket", same_endpoint(a.socket, b.socket));
  compare("socket-mode", a.socket_mode == b.socket_mode);
  compare("socket-group", a.socket_group == b.socket_group);
  compare("user", a.user == b.user);
  compare("group", a.group == b.group);
  compare("timeout", a.timeout == b.timeout);
  compare("drain-timeout", a.drain_timeout == b.drain_timeout);
  compare("transport", a.transport == b.transport);
  compare("max-sessions", a.max_sessions == b.max_sessions);
  compare("mode", a.mode == b.mode);
  compare("log", a.log == b.log);
  compare("log-buffer", a.log_buffer == b.log_buffer);
  compare("audit-log", a.audit_log == b.audit_log);
  compare("audit-recipients", a.audit_recipients == b.audit_recipients);
  compare("metrics", same_endpoint(a.metrics, b.metrics));
  compare("only-recipient", a.scope.only_recipient.values == b.scope.only_recipient.values);
  compare("only-client", a.scope.only_client.values == b.scope.only_client.values);
  compare("exempt-client", a.scope.exempt_client.values == b.scope.exempt_client.values);
  compare("exempt-sender", a.scope.exempt_sender.values == b.scope.exempt_sender.values);
  compare("exempt-authenticated", a.scope.exempt_authenticated == b.scope.exempt_authenticated);
  compare("audit-exempt", a.scope.audit_exempt == b.scope.audit_exempt);
  const msgid::Policy& p = a.policy;
  const msgid::Policy& q = b.policy;
  compare("signed", p.signed_fields == q.signed_fields);
  compare("exchange", p.exchange == q.exchange);
  compare("exchange-header-size", p.exchange_header_size == q.exchange_header_size);
  compare("rule", p.actions == q.actions);
  compare("line-length", p.line_length == q.line_length);
  compare("fold-at", p.fold_at == q.fold_at);
  compare("msgid-length", p.msgid_length == q.msgid_length);
  compare("references-length", p.references_length == q.references_length);
  compare("header-size", p.header_size == q.header_size);
  compare("msgid-domain", p.msgid_domain == q.msgid_domain);
  compare("extra-field", std::equal(p.fields.begin(), p.fields.end(), q.fields.begin(), q.fields.end(),
                                    [](const msgid::ListedField& x, const msgid::ListedField& y) {
                                      return x.name == y.name && x.is_list == y.is_list &&
                                             x.at_most_once == y.at_most_once;
                                    }));
  return names;
}

}  // namespace settings

#endif
