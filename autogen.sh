#!/bin/sh
# Makes configure out of configure.ac. Needed once after a clone; a release brings configure along.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --warnings=all,no-obsolete "$@"
