# shellcheck shell=bash
# tools/roots.sh - root folders of Debian releases: made, kept, entered.
# Sourced after tools/common.sh, not run.
#
# SPDX-License-Identifier: GPL-2.0-or-later

# What builds and tests the plugin. CMake's file for Wireshark is in wireshark-dev since 4.4.
# shellcheck disable=SC2034 # used by the scripts that source this one
build_packages=gcc,clang,libc6-dev,meson,cmake,make,pkgconf,libwireshark-dev,wireshark-dev,libglib2.0-dev,tshark,python3
roots=${MQTTSCOPE_ROOTS:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/mqttscope/roots}

# The options for mmdebstrap that make it fetch packages the way this machine does.
apt_options=()
mirror=()
read_apt_configuration() {
    local setting host_suite uri
    while IFS= read -r setting; do
        [ -z "$setting" ] || apt_options+=("--aptopt=$setting")
    done <<<"$(apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-|Retries)' || true)"
    if [ -n "${MQTTSCOPE_MIRROR:-}" ]; then
        mirror=("$MQTTSCOPE_MIRROR")
        return
    fi
    host_suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    # shellcheck disable=SC2016 # apt fills in $(REPO_URI)
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
        'Origin: Debian' "Codename: $host_suite" 2>/dev/null | sed -n 1p)
    if [ -n "$uri" ]; then
        mirror=("$uri")
    fi
}

# remove_root FOLDER: removes a root folder, but not where anything is mounted in it: that may be this machine's /dev. What these
# scripts mount is in a namespace of its own, and gone with it.
remove_root() {
    local folder mounted
    folder=$(realpath -m "$1")
    while read -r _ _ _ _ mounted _; do
        mounted=$(printf '%b' "${mounted//\\/\\0}")
        if [[ $mounted == "$folder" || $mounted == "$folder"/* ]]; then
            # shellcheck disable=SC2034 # for the caller
            reason="$folder is not removed, since $mounted is mounted; unmount that"
            return 1
        fi
    done </proc/self/mountinfo
    rm -rf --one-file-system "$folder"
}

# make_root NAME SUITE PACKAGES: a complete root folder of a Debian release at $roots/NAME; on failure "reason" says why.
# With fresh=yes one that is there is made anew.
fresh=no
make_root() {
    local root=$roots/$1 suite=$2 packages=$3 stamp=$roots/$1.complete options=("${apt_options[@]}") log
    if [ "$fresh" = no ] && [ -d "$root" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$packages" ]; then
        return 0
    fi
    command -v mmdebstrap >/dev/null || {
        # shellcheck disable=SC2034 # for the caller
        reason="mmdebstrap is not installed"
        return 1
    }
    if [ "$suite" = forky ]; then
        # Not released yet: its list of packages is often kept past the date it carries.
        options+=('--aptopt=Acquire::Check-Valid-Until "false"')
    fi
    say "Making a root folder of Debian $suite at $root"
    rm -f "$stamp"
    remove_root "$root" && remove_root "$root.part" || return 1
    log=$roots/$1.log
    if ! timeout 900 mmdebstrap --variant=minbase --include="$packages" "${options[@]}" \
        "$suite" "$root.part" "${mirror[@]}" >"$log" 2>&1; then
        remove_root "$root.part" && reason="mmdebstrap failed: $(grep -E '^E: ' "$log" | head -n 1)"
        return 1
    fi
    mv "$root.part" "$root"
    printf '%s\n' "$packages" >"$stamp"
}

# in_root ROOT COMMAND...: as nobody, in a mount namespace of its own where that is allowed, so
# that /proc and /dev are there and gone again afterwards.
in_root() {
    local root=$1
    shift
    local enter=(chroot "--userspec=$nobody:$nobody" --groups= "$root"
        env -i HOME=/tmp LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 "$@")
    if unshare --mount true 2>/dev/null; then
        # shellcheck disable=SC2016 # expanded by the inner shell
        unshare --mount sh -c 'for each in proc dev; do
                mount --rbind "/$each" "$1/$each" 2>/dev/null || true
            done
            shift
            exec "$@"' sh "$root" "${enter[@]}"
    else
        "${enter[@]}"
    fi
}

# can_pass_roots: true where in_passing_root can work.
can_pass_roots() {
    local folder status=0
    folder=$(mktemp -d "$roots/try.XXXXXX")
    mkdir "$folder/below" "$folder/changes" "$folder/work" "$folder/root"
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child sh -c 'mount -t overlay \
        -o "lowerdir=$1/below,upperdir=$1/changes,workdir=$1/work" none "$1/root"' sh "$folder" 2>/dev/null || status=1
    remove_root "$folder"
    return "$status"
}

# in_passing_root ROOT PACKAGES COMMAND...: as root, with the tree at /tree and the folder PACKAGES at /packages; whatever else
# the command changes is thrown away, and what it started ends with it. One at a time for each ROOT.
in_passing_root() {
    local root=$1 packages=$2 above=$1.above status=0
    shift 2
    # A run that was killed has left it.
    remove_root "$above" || die "$reason"
    mkdir "$above" "$above/changes" "$above/work" "$above/root"
    # shellcheck disable=SC2016,SC2154 # expanded by the inner shell; the scripts that source this one set tree
    unshare --mount --pid --fork --kill-child sh -c 'set -e
        mount -t overlay -o "lowerdir=$2,upperdir=$1/changes,workdir=$1/work" none "$1/root"
        mkdir "$1/root/tree" "$1/root/packages"
        mount --bind "$3" "$1/root/tree"
        mount --bind "$4" "$1/root/packages"
        mount -t proc none "$1/root/proc"
        for each in dev sys; do
            mount --rbind "/$each" "$1/root/$each"
        done
        cp /etc/resolv.conf "$1/root/etc/resolv.conf" 2>/dev/null || true
        root=$1/root
        shift 4
        exec chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
    ' sh "$above" "$root" "$tree" "$packages" "$@" || status=$?
    remove_root "$above" || die "$reason"
    return "$status"
}
