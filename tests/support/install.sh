#!/usr/bin/env bash
# Brings the programs that the tests need. With apt and root it installs what is missing and starts
# no service; otherwise it says what is missing and fails, because no test is ever skipped.
set -euo pipefail

missing_packages() {
  local pg
  pg=$(find /usr/lib/postgresql -path '*/bin/pg_ctl' 2>/dev/null | cut -d/ -f5 | sort -n | tail -n 1) || true
  if [ "${pg:-0}" -lt 15 ] && ! command -v pg_ctl >/dev/null; then echo postgresql; fi
  if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null \
    && ! command -v google-chrome >/dev/null; then echo chromium; fi
  if ! command -v fc-list >/dev/null || [ -z "$(fc-list 2>/dev/null | head -n 1)" ]; then
    printf '%s\n' fontconfig fonts-dejavu-core
  fi
  if [ ! -x /usr/sbin/slapd ] || [ ! -e /usr/lib/ldap/ppolicy.so ]; then echo slapd; fi
  if ! command -v ldapmodify >/dev/null; then echo ldap-utils; fi
  if [ ! -x /usr/sbin/samba ]; then echo samba; fi
  if [ ! -d /usr/share/samba/setup ]; then echo samba-ad-provision; fi
  if ! compgen -G '/usr/lib/*/samba/ldb/samba_dsdb.so' >/dev/null; then echo samba-dsdb-modules; fi
  if ! command -v ldbmodify >/dev/null; then echo ldb-tools; fi
  if [ ! -x /usr/sbin/ns-slapd ]; then echo 389-ds-base; fi
  if ! command -v certutil >/dev/null; then echo libnss3-tools; fi
  if ! command -v openssl >/dev/null; then echo openssl; fi
  if ! command -v unshare >/dev/null; then echo util-linux; fi
}

mapfile -t packages < <(missing_packages)
if [ "${#packages[@]}" -eq 0 ]; then exit 0; fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  {
    echo "The tests need programs that are not on this machine: ${packages[*]}"
    echo "On Debian or Ubuntu:  sudo apt-get install --no-install-recommends ${packages[*]}"
    echo "Elsewhere: PostgreSQL 15 or newer with its server programs on PATH (pg_ctl, initdb), Chromium, OpenLDAP 2.5 or newer (slapd, ldapmodify), Samba 4.17 or newer as a domain controller (samba, its Python modules) and 389 Directory Server (ns-slapd, certutil). Samba needs root: it runs in a network of its own."
  } >&2
  exit 1
fi

echo "Installing for the tests: ${packages[*]}"
# Packages may install a service but not start it, and PostgreSQL makes no cluster of its own.
undo=()
policy=/usr/sbin/policy-rc.d
leave() {
  if [ "${#undo[@]}" -gt 0 ]; then rm -f "${undo[@]}"; fi
  if [ -e "$policy.before-idp" ]; then mv -f "$policy.before-idp" "$policy"; fi
}
trap leave EXIT
if [ -e "$policy" ] && [ ! -e "$policy.before-idp" ]; then mv "$policy" "$policy.before-idp"; fi
undo+=("$policy")
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 0755 "$policy"
cluster=/etc/postgresql-common/createcluster.d/idp-tests.conf
if [ ! -e "$cluster" ]; then
  undo+=("$cluster")
  mkdir -p "${cluster%/*}"
  echo 'create_main_cluster = false' >"$cluster"
fi
export DEBIAN_FRONTEND=noninteractive
apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
"${apt[@]}" update
"${apt[@]}" install -y --no-install-recommends "${packages[@]}" >/dev/null

mapfile -t packages < <(missing_packages)
if [ "${#packages[@]}" -gt 0 ]; then
  echo "apt installed the packages, but these are still not usable: ${packages[*]}" >&2
  exit 1
fi
