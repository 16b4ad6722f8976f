#!/bin/sh
# Build the OpenTelemetry Collector that the tests drive: the components which the shipped
# configuration names, of one version, whose sums stand in otelcol/go.sum. Needs Go 1.25 or later;
# takes some minutes of one processor, once.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
house=$HOME/.cache/sentinel-tests
if [ "$(id -u)" = 0 ]; then house=/opt/sentinel-tests; fi
house=${TEST_SERVERS_DIR:-$house}
mkdir -p "$house"
cd "$here/otelcol"
nice -n 15 go build -p 1 -mod=readonly -trimpath -ldflags='-s -w' -o "$house/otelcol-0.149.0" .
