#!/bin/sh
# Makes configure out of configure.ac. Needed once after a clone; a release brings configure along.
set -eu
cd "$(dirname "$0")"
autoreconf --install --warnings=all,no-obsolete "$@"
# Autoconf tidies up behind a crashed probe by "rm -f core", which here is the folder of the core.
sed -e 's/rm -f core /rm -f /' configure >configure.tmp
cat configure.tmp >configure
rm configure.tmp
