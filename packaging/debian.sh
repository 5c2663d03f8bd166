# Debian packages for try-it and tests/run; sourced by both. Needs root and apt-get.
#
# Nothing but packages is changed: where Postfix is new, it is installed with "No configuration", so that Debian
# neither configures nor starts it, and nothing that is installed is ever removed for it.
# shellcheck shell=bash

# Those of the named packages that are not installed, one a line.
missing_packages() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s\n' "$package"
  done
}

# Why Postfix must not be installed here; nothing where it may, or is installed already.
postfix_obstacle() {
  local other_mta
  [ -n "$(missing_packages postfix)" ] || return 0
  other_mta=$(dpkg-query -W -f='${db:Status-Status} ${Package} ${Provides}\n' |
    awk '$1 == "installed" && / mail-transport-agent/ { print $2; exit }')
  if [ -n "$other_mta" ]; then
    echo "the mail server of this machine is $other_mta, and Debian would remove it to install Postfix"
  elif [ -e /etc/postfix/main.cf ]; then
    echo "there is an /etc/postfix/main.cf of a Postfix that was removed, and Debian would start it again"
  fi
}

# Installs them; what apt-get prints is shown only if it fails.
install_packages() {
  local log status=0
  log=$(mktemp)
  case " $* " in
    *" postfix "*) echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections ;;
  esac
  set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends --no-remove "$@"
  # Lists that are missing or older than the archive are the usual reason for a failure.
  "$@" >"$log" 2>&1 </dev/null || { apt-get update && "$@"; } >"$log" 2>&1 </dev/null || status=1
  [ "$status" = 0 ] || tail -n 30 "$log" >&2
  rm -f "$log"
  return "$status"
}
