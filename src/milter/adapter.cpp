#include "milter/adapter.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <exception>
#include <optional>
#include <string>

#include "milter/agreed_terms.h"
#include "milter/session.h"

namespace milter {

namespace {

Service* service = nullptr;

/// What libmilter keeps for a session.
struct Private {
  explicit Private(const Terms& terms)
      : session(terms.settings, service->log, service->trail, service->counters),
        protocol(terms.protocol),
        wants_recipients(terms.wants_recipients),
        wants_user(terms.wants_user),
        entry(service->sessions, terms.settings.get()),
        meter(service->counters) {}

  Session session;
  unsigned long protocol;
  bool wants_recipients;
  bool wants_user;
  OpenSessions::Entry entry;
  SessionMeter meter;
};

// Never freed: sessions can outlive main().
AgreedTerms& agreed_terms = *new AgreedTerms;

Private* private_of(SMFICTX* context) {
  return static_cast<Private*>(smfi_getpriv(context));
}

std::string_view text(const char* value) {
  return value == nullptr ? std::string_view() : value;
}

std::string_view macro(SMFICTX* context, const char* name) {
  // mfapi.h of 8.17.1 takes a char* here and does not write to it.
  return text(smfi_getsymval(context, const_cast<char*>(name)));
}

/// `i` is not there at MAIL in Postfix, and not in every MTA at all.
std::string_view queue_id(SMFICTX* context) {
  return macro(context, "i");
}

/// Runs one call of the session. Whatever is thrown ends here: the message passes unchanged.
template <typename Call>
void call(SMFICTX* context, Call step) noexcept {
  Private* const mine = private_of(context);
  // A session for which there was no memory, and xxfi_close of a connection that never spoke.
  if (mine == nullptr) return;
  mine->entry.begin_callback();
  const SessionMeter::Callback running(mine->meter);
  try {
    step(mine->session);
  } catch (const std::exception& error) {
    mine->session.fail(queue_id(context), error.what());
  } catch (...) {
    mine->session.fail(queue_id(context), {});
  }
  mine->entry.end_callback();
}

/// The answer to a step: none where that was agreed on. libmilter 8.17.1 logs an error for any other then, and the MTA
/// waits for one where none was agreed on.
sfsistat answer(SMFICTX* context, unsigned long no_reply_bit) {
  const Private* const mine = private_of(context);
  return mine != nullptr && (mine->protocol & no_reply_bit) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/// Returns which steps the MTA is asked to leave out, and which to send without waiting for an answer, of those that
/// it offers.
///
/// On a TCP socket DATA stays and is answered: with it left out, Postfix 3.7.11 sends two small packets without an
/// answer between them, and Nagle's algorithm and the delayed acknowledgement hold the second for 40 ms. NR_BODY is not
/// asked for, and there is no xxfi_body: the last octets of a body come with the end of the message, and
/// libmilter 8.17.1 calls xxfi_eom only if xxfi_body has answered SMFIS_CONTINUE.
///
/// libmilter drops a packet without an answer where its table of states (next_states and trans_ok() in engine.c) has no
/// way to it, and the MTA waits until its timeout. Read in 8.17.1, 2026-11-30, there are two such holes for what an MTA
/// may send. tests/milter/steps_test.cpp sends it all.
/// - From DATA to the body or the end of the message, without a field or the end of the header between them. A message
///   may have no field. So the end of the header may be left out only if DATA is.
/// - From an unknown command after RCPT to the header. So DATA may be left out only if unknown commands are.
unsigned long agreed_protocol(unsigned long offered, bool is_unix, bool wants_recipients) {
  unsigned long wanted = SMFIP_NOHELO | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_HELO |
                         SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_UNKN |
                         SMFIP_HDR_LEADSPC;
  if (is_unix) wanted |= SMFIP_NODATA | SMFIP_NR_DATA;
  if (!wants_recipients) wanted |= SMFIP_NORCPT;
  unsigned long agreed = wanted & offered;
  if ((agreed & SMFIP_NOUNKNOWN) == 0) agreed &= ~static_cast<unsigned long>(SMFIP_NODATA);
  if ((agreed & SMFIP_NODATA) == 0) agreed &= ~static_cast<unsigned long>(SMFIP_NOEOH);
  return agreed;
}

void close_session(SMFICTX* context) noexcept {
  Private* const mine = private_of(context);
  if (mine != nullptr) mine->session.close();
  delete mine;
  smfi_setpriv(context, nullptr);
}

void open_session(SMFICTX* context, const Terms& terms) {
  auto mine = std::make_unique<Private>(terms);
  mine->session.negotiated({(terms.protocol & SMFIP_HDR_LEADSPC) != 0, terms.may_change});
  smfi_setpriv(context, mine.release());
}

void log_no_session(const char* what) noexcept {
  try {
    service->log.callback_failed({}, what);
  } catch (...) {
    // No memory for a line either. Mail passes.
  }
}

sfsistat on_negotiate(SMFICTX* context, unsigned long offered_actions, unsigned long offered_protocol, unsigned long,
                      unsigned long, unsigned long* actions, unsigned long* protocol, unsigned long* unused_2,
                      unsigned long* unused_3) noexcept {
  Terms terms;
  terms.settings = service->settings();
  const config::Scope& scope = terms.settings->scope;
  terms.wants_recipients =
      (service->trail != nullptr && terms.settings->audit_recipients) || scope.only_recipient.is_given();
  terms.wants_user = service->trail != nullptr || scope.exempt_authenticated;
  terms.protocol = agreed_protocol(offered_protocol, service->is_unix, terms.wants_recipients);
  const bool wants_change = terms.settings->mode == config::Mode::rewrite;
  terms.may_change = wants_change && (offered_actions & SMFIF_CHGHDRS) != 0;
  *actions = terms.may_change ? SMFIF_CHGHDRS : SMFIF_NONE;
  *protocol = terms.protocol;
  *unused_2 = 0;
  *unused_3 = 0;
  close_session(context);
  // libmilter ends the connection then, as the transport does before it is libmilter's. Some may begin at one moment.
  if (service->refused != nullptr && service->sessions.count() >= terms.settings->max_sessions) {
    service->refused->happened(transport::Shortage::sessions);
    return SMFIS_REJECT;
  }
  try {
    agreed_terms.put(context, terms);
    open_session(context, terms);
    if (wants_change && !terms.may_change) service->log.cannot_change_fields();
  } catch (const std::exception& error) {
    // Without a session every callback does nothing and answers, so no bit may say that it does not.
    log_no_session(error.what());
    agreed_terms.erase(context);
    close_session(context);
    *protocol = 0;
  }
  return SMFIS_CONTINUE;
}

/// A session for the next SMTP connection of an MTA that said SMFIC_QUIT_NC.
void reopen_session(SMFICTX* context) noexcept {
  const std::optional<Terms> terms = agreed_terms.find(context, service->settings());
  if (!terms) return;
  try {
    open_session(context, *terms);
  } catch (const std::exception& error) {
    log_no_session(error.what());
  }
}

std::string_view address_text(const _SOCK_ADDR* address, std::array<char, INET6_ADDRSTRLEN>& buffer) {
  if (address == nullptr) return {};
  const void* octets = nullptr;
  if (address->sa_family == AF_INET) octets = &reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
  if (address->sa_family == AF_INET6) octets = &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (octets == nullptr) return "local";
  return text(inet_ntop(address->sa_family, octets, buffer.data(), static_cast<socklen_t>(buffer.size())));
}

sfsistat on_connect(SMFICTX* context, char* name, _SOCK_ADDR* address) noexcept {
  if (private_of(context) == nullptr) reopen_session(context);
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  call(context, [&](Session& session) { session.connect(text(name), address_text(address, buffer)); });
  return answer(context, SMFIP_NR_CONN);
}

sfsistat on_mail(SMFICTX* context, char** arguments) noexcept {
  // Postfix and Sendmail send {auth_authen} with MAIL unless told otherwise.
  const Private* const mine = private_of(context);
  const bool wants_user = mine != nullptr && mine->wants_user;
  const std::string_view user = wants_user ? macro(context, "{auth_authen}") : std::string_view();
  call(context, [&](Session& session) { session.mail(text(arguments[0]), user); });
  return answer(context, SMFIP_NR_MAIL);
}

sfsistat on_rcpt(SMFICTX* context, char** arguments) noexcept {
  if (const Private* const mine = private_of(context); mine != nullptr && mine->wants_recipients) {
    call(context, [&](Session& session) { session.recipient(text(arguments[0])); });
  }
  return answer(context, SMFIP_NR_RCPT);
}

sfsistat on_header(SMFICTX* context, char* name, char* body) noexcept {
  call(context, [&](Session& session) { session.header(text(name), text(body)); });
  return answer(context, SMFIP_NR_HDR);
}

sfsistat on_end_of_message(SMFICTX* context) noexcept {
  call(context, [&](Session& session) {
    session.end_of_message(
        queue_id(context), [context](const std::string& name, int instance, const std::string& body) {
          // smfi_chgheader() takes char* and writes to neither.
          return smfi_chgheader(context, const_cast<char*>(name.c_str()), instance, const_cast<char*>(body.c_str())) ==
                 MI_SUCCESS;
        });
  });
  if (Private* const mine = private_of(context)) mine->meter.message_ended();
  return SMFIS_CONTINUE;
}

sfsistat on_abort(SMFICTX* context) noexcept {
  call(context, [](Session& session) { session.abort(); });
  if (Private* const mine = private_of(context)) mine->meter.message_aborted();
  return SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context) noexcept {
  close_session(context);
  return SMFIS_CONTINUE;
}

// Steps that are not wanted, from an MTA that cannot leave them out.

sfsistat on_helo(SMFICTX* context, char*) noexcept {
  return answer(context, SMFIP_NR_HELO);
}
sfsistat on_data(SMFICTX* context) noexcept {
  return answer(context, SMFIP_NR_DATA);
}
sfsistat on_end_of_header(SMFICTX* context) noexcept {
  return answer(context, SMFIP_NR_EOH);
}
sfsistat on_unknown(SMFICTX* context, const char*) noexcept {
  return answer(context, SMFIP_NR_UNKN);
}

}  // namespace

bool register_callbacks(Service& with) {
  service = &with;
  static std::string name = "msgid-milter";
  smfiDesc description = {};
  description.xxfi_name = name.data();
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = SMFIF_CHGHDRS;  // the most that on_negotiate() asks for
  description.xxfi_connect = on_connect;
  description.xxfi_helo = on_helo;
  description.xxfi_envfrom = on_mail;
  description.xxfi_envrcpt = on_rcpt;
  description.xxfi_header = on_header;
  description.xxfi_eoh = on_end_of_header;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_abort;
  description.xxfi_close = on_close;
  description.xxfi_unknown = on_unknown;
  description.xxfi_data = on_data;
  description.xxfi_negotiate = on_negotiate;
  return smfi_register(description) == MI_SUCCESS;
}

}  // namespace milter
