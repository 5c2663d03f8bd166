// A libmilter filter that does nothing, as the yardstick: it asks for the same steps as msgid-milter and receives the
// same fields. Built on libmilter as it comes, without our transport.
//
//   noop_milter SOCKET        (libmilter's spelling: unix:/path or inet:port@host)

#include <libmilter/mfapi.h>
#include <sys/resource.h>

#include <cstdio>
#include <string_view>

namespace {

bool on_tcp = false;

// What msgid-milter asks for; bench_milter fails where that is no longer so.
constexpr unsigned long steps = SMFIP_NOHELO | SMFIP_NORCPT | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN |
                                SMFIP_NR_CONN | SMFIP_NR_MAIL | SMFIP_NR_HDR | SMFIP_HDR_LEADSPC;

sfsistat on_negotiate(SMFICTX*, unsigned long actions, unsigned long protocol, unsigned long, unsigned long,
                      unsigned long* wanted_actions, unsigned long* wanted_protocol, unsigned long* rest1,
                      unsigned long* rest2) {
  *wanted_actions = actions & SMFIF_CHGHDRS;
  *wanted_protocol = protocol & (on_tcp ? steps : steps | SMFIP_NODATA);
  *rest1 = *rest2 = 0;
  return SMFIS_CONTINUE;
}

sfsistat on_connect(SMFICTX*, char*, _SOCK_ADDR*) {
  return SMFIS_NOREPLY;
}
sfsistat on_mail(SMFICTX*, char**) {
  return SMFIS_NOREPLY;
}
sfsistat on_header(SMFICTX*, char*, char*) {
  return SMFIS_NOREPLY;
}
sfsistat on_data(SMFICTX*) {
  return SMFIS_CONTINUE;
}
sfsistat on_message(SMFICTX*) {
  return SMFIS_CONTINUE;
}
sfsistat on_nothing(SMFICTX*) {
  return SMFIS_CONTINUE;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 64;
  on_tcp = std::string_view(argv[1]).starts_with("inet");
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  smfiDesc filter{};
  char name[] = "noop";
  filter.xxfi_name = name;
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = SMFIF_CHGHDRS;
  filter.xxfi_connect = on_connect;
  filter.xxfi_envfrom = on_mail;
  filter.xxfi_header = on_header;
  filter.xxfi_data = on_data;
  filter.xxfi_eom = on_message;
  filter.xxfi_abort = on_nothing;
  filter.xxfi_close = on_nothing;
  filter.xxfi_negotiate = on_negotiate;
  if (smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE || smfi_opensocket(true) == MI_FAILURE)
    return 78;
  std::fprintf(stderr, "noop: serving %s\n", argv[1]);
  return smfi_main();
}
