#!/bin/sh
# Bring veraPDF (GPL 3 or MPL 2: it runs beside us in tests and is shipped nowhere) from Maven
# Central into VERAPDF. Needs maven and a Java of 11 or later.
set -eu
VERAPDF=${VERAPDF:-/opt/sentinel-tests/verapdf}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$VERAPDF"
mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$VERAPDF/lib"
