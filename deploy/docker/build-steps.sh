#!/bin/sh
# The RUN steps of the Dockerfile; each can be run without a container engine.
#
#   build-steps.sh build PROGRAM DIR   compile PROGRAM and lay out the root file system of its image in DIR
#   build-steps.sh browser             install the browser and fonts for printing (as root, Debian)
#   build-steps.sh check PROGRAM DIR   as root: run PROGRAM --help with DIR as its root, as the image's user
set -eu

# package PROGRAM prints where its main package is.
package() {
  case "$1" in
    redress) echo ./services/suite/cmd/redress ;;
    gateway) echo ./gateway/cmd/gateway ;;
    *) echo "./services/$1/cmd/$1" ;;
  esac
}

step=${1:-}
case "$step" in
  build)
    program=$2 dir=$3
    mkdir -p "$dir/usr/bin" "$dir/etc/ssl/certs" "$dir/etc/redress" "$dir/var/lib/redress/keys" "$dir/var/lib/redress/evidence" "$dir/tmp"
    CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '-s -w' -o "$dir/usr/bin/$program" "$(package "$program")"
    ln -sf "$program" "$dir/usr/bin/entry" # an ENTRYPOINT cannot hold an ARG
    cp /etc/ssl/certs/ca-certificates.crt "$dir/etc/ssl/certs/"
    echo 'redress:x:65532:65532:redress:/var/lib/redress:/sbin/nologin' >"$dir/etc/passwd"
    echo 'redress:x:65532:' >"$dir/etc/group"
    chmod 1777 "$dir/tmp"
    if [ "$(id -u)" -eq 0 ]; then chown -R 65532:65532 "$dir/var/lib/redress"; fi
    ;;
  browser)
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-noto-cjk fonts-dejavu-core
    rm -rf /var/lib/apt/lists/*
    ;;
  check)
    # A static binary needs nothing but itself: where a library were missing, chroot would say "No such file".
    chroot --userspec=65532:65532 "$3" /usr/bin/entry --help >/dev/null
    ;;
  *)
    sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
    exit 2
    ;;
esac
