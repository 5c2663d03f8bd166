#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "config/settings.h"
#include "config/value.h"

namespace config {
namespace {

bool is_address(int family, const std::string& text) {
  in6_addr address{};
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<int> port_number(std::string_view text) {
  const auto port = whole_number(text);
  if (!port || *port < 1 || *port > 65535) return std::nullopt;
  return static_cast<int>(*port);
}

Endpoint unix_endpoint(const std::string& path) {
  constexpr std::size_t longest = sizeof(sockaddr_un::sun_path) - 1;
  if (!path.starts_with('/')) refuse("the path must be absolute: unix:/path");
  if (path.ends_with('/')) refuse("the path is that of a directory");
  if (path.size() > longest) refuse("the path is over " + std::to_string(longest) + " octets");
  Endpoint endpoint;
  endpoint.is_unix = true;
  endpoint.path = path;
  return endpoint;
}

/// The two spellings cut into host and port. Postfix puts the host first, libmilter the port.
struct Parts {
  std::string host;
  std::string port;
};

Parts cut(const std::string& text, const std::string& kind) {
  constexpr auto none = std::string::npos;
  if (const auto at = text.find('@'); at != none) {
    const Parts parts{text.substr(at + 1), text.substr(0, at)};
    if (!port_number(parts.port) && port_number(parts.host)) {
      refuse("the port comes before the \"@\": " + kind + ":" + parts.host + "@" + parts.port);
    }
    if (parts.host.empty()) refuse("there is no host behind the \"@\"");
    return parts;
  }
  const auto colon = text.rfind(':');
  if (is_digits(text)) return {"", text};
  if (colon == none || text.ends_with(']'))
    refuse("there is no port: " + kind + ":port@host or " + kind + ":host:port");
  const Parts parts{text.substr(0, colon), text.substr(colon + 1)};
  if (!port_number(parts.port) && port_number(parts.host)) {
    refuse("the port comes last: " + kind + ":" + parts.port + ":" + parts.host);
  }
  if (parts.host.empty()) refuse("there is no host before the \":\"; for every interface write " + kind + ":port");
  if (!parts.host.starts_with('[') && parts.host.find(':') != none) {
    refuse("an IPv6 address needs brackets: " + kind + ":[::1]:8891");
  }
  return parts;
}

/// The host without its brackets.
std::string host_name(const std::string& text) {
  if (text.starts_with('[')) {
    if (!text.ends_with(']')) refuse("\"[\" without \"]\"");
    const std::string address = text.substr(1, text.size() - 2);
    if (!is_address(AF_INET6, address) && !is_address(AF_INET, address)) refuse("no address between the brackets");
    return address;
  }
  if (text.find(':') != std::string::npos) {
    if (!is_address(AF_INET6, text)) refuse("the host is not an IPv6 address");
    return text;
  }
  const bool could_be_name = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
  if (!could_be_name || text.size() > 253) refuse("the host is neither a name nor an address");
  const bool numeric = text.find_first_not_of("0123456789.") == std::string::npos;
  if (numeric && !is_address(AF_INET, text)) refuse("the host is not an IPv4 address");
  return text;
}

Endpoint tcp_endpoint(const std::string& text, const std::string& kind) {
  const Parts parts = cut(text, kind);
  const auto port = port_number(parts.port);
  if (!port) refuse("the port is not a number from 1 to 65535");
  Endpoint endpoint;
  endpoint.port = *port;
  endpoint.host = parts.host.empty() ? "" : host_name(parts.host);
  endpoint.is_ipv6 = kind == "inet6" || endpoint.host.find(':') != std::string::npos;
  if (endpoint.is_ipv6 && is_address(AF_INET, endpoint.host)) refuse("an IPv4 address goes with inet:, not inet6:");
  return endpoint;
}

constexpr const char* loopback = "127.0.0.1";

}  // namespace

// metrics-address = [ address ":" / ":" ] port
// address         = IPv4address / "[" IPv6address "]"                      ; RFC 3986 3.2.2
Endpoint parse_metrics_address(const std::string& text) {
  const auto colon = text.rfind(':');
  const bool has_colon = colon != std::string::npos;
  const std::string address = has_colon ? text.substr(0, colon) : "";
  const auto port = port_number(has_colon ? text.substr(colon + 1) : text);
  if (text.ends_with(']') || is_address(AF_INET, text)) refuse("there is no port: ADDRESS:PORT");
  if (is_address(AF_INET6, address)) refuse("an IPv6 address needs brackets: [::1]:9891");
  if (!port) refuse("the port is not a number from 1 to 65535");
  Endpoint endpoint;
  endpoint.port = *port;
  endpoint.host = address.empty() ? loopback : address;
  if (address.starts_with('[')) endpoint.host = host_name(address);
  endpoint.is_ipv6 = is_address(AF_INET6, endpoint.host);
  if (!endpoint.is_ipv6 && !is_address(AF_INET, endpoint.host)) {
    refuse("only an address before the port, no name: 127.0.0.1:9891 for this machine, 0.0.0.0:9891 for all");
  }
  return endpoint;
}

std::string Endpoint::host_and_port() const {
  std::string text = is_ipv6 ? "[" : "";
  text += host;
  text += is_ipv6 ? "]:" : ":";
  text += std::to_string(port);
  return text;
}

Endpoint parse_endpoint(const std::string& text) {
  if (text.starts_with('/')) refuse("a path needs its kind before it: unix:" + text);
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (colon != std::string::npos && (kind == "unix" || kind == "local")) return unix_endpoint(rest);
  if (colon != std::string::npos && (kind == "inet" || kind == "inet6")) return tcp_endpoint(rest, kind);
  refuse("only unix:/path, inet:port@host, inet6:port@host or inet:host:port");
}

Endpoint default_endpoint(const std::string& root) {
  const std::string in_queue = "/var/spool/postfix/msgid-milter";
  std::error_code unseen;  // it may be there and not to be seen: the service's user sees it
  const bool is_there = std::filesystem::is_directory(root + in_queue, unseen);
  return unix_endpoint((is_there ? in_queue : "/run/msgid-milter") + "/milter.sock");
}

std::string Endpoint::for_libmilter() const {
  if (is_unix) return "unix:" + path;
  const std::string kind_and_port = (is_ipv6 ? "inet6:" : "inet:") + std::to_string(port);
  if (host.empty()) return kind_and_port;
  const bool is_literal = host.find(':') != std::string::npos;
  return kind_and_port + "@" + (is_literal ? "[" + host + "]" : host);
}

}  // namespace config
