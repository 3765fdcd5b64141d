# shellcheck shell=bash
# What quickstart and check share: which packages, and how they get here. Sourced, never run.

# To build and run.
# shellcheck disable=SC2034
BUILD_PACKAGES=(autoconf automake libtool pkg-config gcc libc6-dev make
	libuv1-dev librrd-dev libjansson-dev libsqlite3-dev)
# To test, besides.
# shellcheck disable=SC2034
TEST_PACKAGES=(libcmocka-dev python3 python3-pytest python3-pytest-xdist rrdtool collectd-core collectd-utils
	abigail-tools clang libclang-rt-14-dev socat bash-completion shellcheck git xz-utils)

# Those of the given packages that are not installed.
packages_missing()
{
	local package
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || echo "$package"
	done
}

as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "root is needed for: $*" >&2
		return 1
	fi
}

# Installs what is missing of the given packages; says so only when there is something to do. Never starts a service in CI.
packages_install()
{
	local missing held=
	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" -gt 0 ] || return 0
	if ! command -v apt-get >/dev/null; then
		echo "these packages are missing, and there is no apt-get to install them: ${missing[*]}" >&2
		return 1
	fi
	echo "installing ${missing[*]}"
	if [ "${CI:-}" = true ] && [ ! -e /usr/sbin/policy-rc.d ]; then
		printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
		as_root chmod 755 /usr/sbin/policy-rc.d
		held=yes
	fi
	local status=0
	{
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
			as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install "${missing[@]}"
	} </dev/null || status=$?
	[ -z "$held" ] || as_root rm -f /usr/sbin/policy-rc.d
	return "$status"
}

# configured BUILD TOP OPTION…: configures in BUILD unless that was done with the same options already.
configured()
{
	local build=$1 top=$2
	shift 2
	[ -x "$top/configure" ] || "$top/autogen.sh"
	mkdir -p "$build"
	if [ ! -e "$build/Makefile" ] || [ "$(cat "$build/options" 2>/dev/null)" != "$*" ]; then
		(cd "$build" && "$top/configure" --quiet "$@")
		printf '%s' "$*" >"$build/options"
	fi
}
