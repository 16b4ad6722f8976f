#!/bin/sh
# Bring the real senders that the tests of the collector drive: Debian's rsyslog, syslog-ng, nginx,
# Apache, logrotate and systemd-journal-remote. Nothing is started, now or at boot: the tests run
# each one in the foreground, with a configuration, a port and a folder of their own.
#
# rsyslog and syslog-ng may not both be installed; syslog-ng is unpacked beside, into SYSLOG_NG.
set -eu
SYSLOG_NG=${SYSLOG_NG:-/opt/sentinel-tests/syslog-ng}
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends \
  rsyslog rsyslog-openssl rsyslog-relp rsyslog-elasticsearch nginx-light apache2 logrotate \
  systemd-journal-remote
mkdir -p "$SYSLOG_NG"
packages=$(apt-get install -s --no-install-recommends syslog-ng-mod-http | awk '/^Inst/ {print $2}')
work=$(mktemp -d)
(cd "$work" && apt-get download -qq $packages)
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$SYSLOG_NG"; done
rm -rf "$work"
"$SYSLOG_NG"/usr/sbin/syslog-ng --version >/dev/null 2>&1 || true
