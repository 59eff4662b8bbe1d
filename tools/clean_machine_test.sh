#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/clean_machine_test.sh <directory> [make target]: shows that a fresh Debian 12 with nothing
# but git, make, g++ and cmake gets from a clone to the console by `make run`, which Ctrl-C ends; or
# through another target.
#
# Makes <directory>/root a new Debian (debootstrap, so it must run as root), clones this checkout's
# last commit into it, runs make there, and prints set-up and build times. What this machine knows
# of mirrors, proxies and certificates is handed on, nothing else. Run again, it starts anew from
# the Debian it kept in <directory>/debian.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)

die() {
  echo "clean_machine_test: $*" >&2
  exit 1
}

(($# >= 1 && $# <= 2)) || die "usage: tools/clean_machine_test.sh <directory> [make target]"
(($(id -u) == 0)) || die "debootstrap and chroot need root"
command -v debootstrap >/dev/null || die "debootstrap is missing"
mkdir -p "$1"
directory=$(cd "$1" && pwd)
target=${2:-run}
debian=$directory/debian
root=$directory/root

if [[ ! -e $debian/complete ]]; then
  rm -rf "$debian"
  mkdir -p "$debian"
  # HOLDFAST_MIRROR: where debootstrap fetches from, its own default when empty.
  debootstrap --variant=minbase --include=git,make,g++,cmake,ca-certificates bookworm \
    "$debian/root" ${HOLDFAST_MIRROR:+"$HOLDFAST_MIRROR"} >"$directory/debootstrap.log" 2>&1 ||
    die "debootstrap failed, see $directory/debootstrap.log"
  touch "$debian/complete"
fi
rm -rf "$root"
cp -a --reflink=auto "$debian/root" "$root"

# apt: where from (sources and keys), and how (Acquire settings; hooks of other programs stay here).
rm -f "$root"/etc/apt/sources.list
for path in sources.list sources.list.d preferences.d keyrings trusted.gpg.d; do
  [[ ! -e /etc/apt/$path ]] || cp -a "/etc/apt/$path" "$root/etc/apt/"
done
cp -an /usr/share/keyrings/. "$root/usr/share/keyrings/"
grep -ls '^ *Acquire' /etc/apt/apt.conf /etc/apt/apt.conf.d/* | while read -r file; do
  grep '^ *Acquire' "$file" >"$root/etc/apt/apt.conf.d/90host-$(basename "$file")"
done || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"

# Certificates this machine trusts besides Debian's.
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
  cp -L /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
  chroot "$root" update-ca-certificates >/dev/null 2>&1
fi

# Client settings that live in the environment; npm's registry is asked of npm, so that no file
# that may hold a password is copied.
handed_on=(HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
  [[ -z ${!name:-} ]] || handed_on+=("$name=${!name}")
done
if command -v npm >/dev/null; then
  handed_on+=("npm_config_registry=$(npm config get registry 2>/dev/null)")
fi
handed_on+=(NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)

git clone -q --no-hardlinks "$repository" "$root/srv/holdfast"
[[ -z $(git -C "$repository" status --porcelain) ]] ||
  echo "clean_machine_test: what is not committed is not tested" >&2

# Until the address is printed and the page answers; then as Ctrl-C ends it.
# shellcheck disable=SC2016,SC2034  # Expanded, and used, inside.
export run_until_it_answers='
  set -m
  began=$SECONDS
  make -C /srv/holdfast --no-print-directory run >/run.log 2>&1 &
  job=$!
  until address=$(sed -n "s,^Listening on http://,,p" /run.log) && [[ -n $address ]]; do
    kill -0 "$job" 2>/dev/null || { cat /run.log; exit 1; }
    sleep 0.2
  done
  exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
  printf "GET /console/ HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" "$address" >&3
  page=$(cat <&3)
  [[ $page == "HTTP/1.1 200 OK"* && $page == *"<div id=\"app\">"* ]] || { echo "$page"; exit 1; }
  took=$((SECONDS - began))
  kill -INT -- "-$job"
  wait "$job" || true
  cat /run.log
  echo "console: $took s"
'

# Mounts and processes of the new machine end with the command.
# shellcheck disable=SC2016  # Expanded inside.
unshare --mount --pid --fork bash -euc '
  mount --make-rprivate /
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount -t tmpfs tmpfs "$1/tmp"
  root=$1 target=$2
  shift 2
  if [[ $target != run ]]; then
    exec chroot "$root" env -i "$@" make -C /srv/holdfast --no-print-directory "$target"
  fi
  exec chroot "$root" env -i "$@" bash -euc "$run_until_it_answers"
' _ "$root" "$target" "${handed_on[@]}" </dev/null | tee "$directory/make.log"

echo
echo "clean machine, $(nproc) cores:"
grep -E '^(set-up|build|console): [0-9.]+ s$' "$directory/make.log" | sed 's/^/  /'
