# shellcheck shell=bash
# tools/common.sh - what the set-up and test scripts share: messages, packages, copies, counts.
# Sourced, not run.
#
# SPDX-License-Identifier: GPL-2.0-or-later

program=${0##*/}
# An ordinary user's path lacks these, and chroot is there.
export PATH=$PATH:/usr/sbin:/sbin
# The uid and gid that tests drop to: run as root, Wireshark ignores WIRESHARK_PLUGIN_DIR.
# shellcheck disable=SC2034 # used by the scripts that source this one
nobody=65534

say() { printf '%s\n' "$*" >&2; }
die() {
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# --- Packages ---------------------------------------------------------------------------------

missing=()

# need PACKAGE COMMAND...: when COMMAND fails, PACKAGE is to be installed.
need() {
    local package=$1
    shift
    if [[ " ${missing[*]} " != *" $package "* ]] && ! "$@" >/dev/null 2>&1; then
        missing+=("$package")
    fi
}

wanted=()

# want PACKAGE COMMAND...: as need, but whoever asked does without where it cannot be installed.
want() {
    local package=$1
    shift
    if [[ " ${wanted[*]} " != *" $package "* ]] && ! "$@" >/dev/null 2>&1; then
        wanted+=("$package")
    fi
}

has_package() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

can_compile_with() {
    printf '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n' |
        "$1" -x c -o /dev/null -
}

# True where clang can link a fuzzer with sanitizers, and the result runs. The address sanitizer reads /proc, which a bare
# root folder lacks.
can_fuzz() {
    local folder status=0
    [ -e /proc/self/maps ] || return 1
    folder=$(mktemp -d)
    printf 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9 ? -1 : 0; }\n' |
        clang -x c -fsanitize=fuzzer,address,undefined -o "$folder/fuzz" - &&
        "$folder/fuzz" -runs=2 || status=$?
    rm -rf "$folder"
    return "$status"
}

# Clang's own libraries are a package of their own, named by clang's version; before clang is there, by none.
want_clang_runtime() {
    local version
    version=$({ clang -dumpversion 2>/dev/null || true; } | cut -d . -f 1)
    want "libclang-rt-${version:+$version-}dev" can_fuzz
}

# What building the plugin takes, and the tshark that loads it.
need_build_packages() {
    need gcc command -v "${CC:-cc}"
    need libc6-dev can_compile_with "${CC:-cc}"
    need meson command -v meson
    need ninja-build command -v ninja
    need pkgconf command -v pkg-config
    need libwireshark-dev pkg-config --exists wireshark
    need libglib2.0-dev pkg-config --exists glib-2.0
    need tshark command -v tshark
}

# Installs what need() and want() found missing; for what is needed, stops with the list when that is not possible.
install_missing() {
    local package
    install_needed
    for package in "${wanted[@]}"; do
        missing=("$package")
        (install_needed) || say "going on without $package"
    done
    missing=()
    wanted=()
    hash -r
}

# What to type where apt-get is not there, as plugin/doc/install.md has it; nothing for a system that is not known.
packages_of_other_systems() {
    local like=
    if [ -r /etc/os-release ]; then
        like=$(. /etc/os-release && printf '%s' "${ID:-} ${ID_LIKE:-}")
    fi
    case " $like " in
    *\ fedora\ * | *\ rhel\ *)
        echo 'Install them: sudo dnf install gcc meson pkgconf wireshark-cli wireshark-devel glib2-devel python3'
        ;;
    *\ arch\ *) echo 'Install them: sudo pacman -S --needed gcc meson pkgconf wireshark-cli glib2 python' ;;
    *\ suse\ * | *\ opensuse*)
        echo 'Install them: sudo zypper install gcc meson pkgconf wireshark wireshark-devel glib2-devel python3'
        ;;
    esac
}

install_needed() {
    local as_root=() log by_hand
    [ ${#missing[@]} -gt 0 ] || return 0
    by_hand="as root: apt-get install --no-install-recommends ${missing[*]}"
    if ! command -v apt-get >/dev/null; then
        by_hand=$(packages_of_other_systems)
        die "missing, by their names in Debian: ${missing[*]}
${by_hand:-This machine has no apt-get to install them; plugin/doc/install.md has the names for other systems}"
    fi
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "missing packages: ${missing[*]}
You are neither root nor have sudo. To install them, $by_hand"
        as_root=(sudo)
    fi
    say "Installing ${missing[*]}"
    log=$(mktemp)
    # A list that cannot be refreshed may belong to another source: the install decides.
    "${as_root[@]}" apt-get update -q >"$log" 2>&1 || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
        --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >>"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "could not install: ${missing[*]}
To install them, $by_hand"
    fi
    rm -f "$log"
    missing=()
    hash -r
}

# --- Wireshark --------------------------------------------------------------------------------

# The major.minor version of the tshark on the path, such as 4.0.
tshark_version() {
    # Read to the end, so that tshark never writes to a closed pipe.
    tshark --version 2>/dev/null | sed -nE '1s/[^0-9]*([0-9]+\.[0-9]+).*/\1/p'
}

# The file from which tshark loads the plugin; nothing when it does not.
loaded_plugin() {
    tshark -G plugins 2>/dev/null |
        awk -F '\t' '$1 ~ /^mqttscope(\.so)? *$/ { sub(/^ */, "", $NF); print $NF }'
}

# The version of mqttscope, which meson.build states.
# shellcheck disable=SC2154 # the scripts that source this one set tree
project_version() { sed -nE "s/^  version: '([^']+)',/\1/p" "$tree/meson.build"; }

# --- Builds -----------------------------------------------------------------------------------

# configure_build FOLDER OPTION...: a build folder of the tree, with these options. An old one is
# used again; one that meson cannot bring up to date (moved, broken, made by another version of
# meson) is made anew. The cache is dropped, since Wireshark may have moved on.
configure_build() {
    local folder=$1
    shift
    # shellcheck disable=SC2154 # the scripts that source this one set tree
    # The options are given to "configure": meson 1.0 forgets some of them with "--reconfigure".
    if [ -f "$folder/build.ninja" ] && meson configure "$folder" --clearcache "$@" &&
        meson setup --reconfigure "$folder" "$tree"; then
        return 0
    fi
    rm -rf "$folder"
    meson setup "$@" "$folder" "$tree"
}

# --- Test runs --------------------------------------------------------------------------------

# A copy of the source tree, without what builds made, for a user who may not read the original.
copy_tree() {
    tar -C "$1" --exclude=./.git --exclude='./build*' --exclude=node_modules -cf - . |
        tar -C "$2" --no-same-owner -xf -
}

# Puts a built plugin where WIRESHARK_PLUGIN_DIR=$2 makes tshark look, and what its command knows of rules beside it.
stage_plugin() {
    local folder
    folder=$2/$(tshark_version)/epan
    mkdir -p "$folder"
    cp "$1" "$folder/mqttscope.so"
    if [ -f "${1%/*}/command/rules.json" ]; then
        cp "${1%/*}/command/rules.json" "$2/rules.json"
    fi
}

count_passed=0
count_failed=0
count_skipped=0

# add_counts TEXT STATUS: adds the last "N passed, N failed[, N skipped]" line of TEXT. A command
# that failed without saying so, or that ran nothing at all, counts as one failure.
add_counts() {
    local line
    line=$(printf '%s\n' "$1" |
        sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$/\1 \2 0\4/p' | tail -n 1)
    local passed failed skipped
    read -r passed failed skipped <<<"${line:-0 0 0}"
    skipped=$((10#$skipped))
    if [ "$failed" -eq 0 ] && { [ "$2" -ne 0 ] || [ $((passed + skipped)) -eq 0 ]; }; then
        failed=1
    fi
    count_passed=$((count_passed + passed))
    count_failed=$((count_failed + failed))
    count_skipped=$((count_skipped + skipped))
}

print_counts() {
    printf '%d passed, %d failed' "$count_passed" "$count_failed"
    if [ "$count_skipped" -gt 0 ]; then
        printf ', %d skipped' "$count_skipped"
    fi
    printf '\n'
}

# skip_lines: from the output of a test run, what it skipped and why, as "SKIP: ..." lines.
skip_lines() {
    sed -nE 's/^(SKIP:|skip) */SKIP: /p'
}

# remark_lines: from the output of a test run, what was compared and what took long.
remark_lines() {
    sed -nE 's/^(compared:|slow) */    &/p'
}

# meson_tests BUILD: runs the unit tests of a build and ends with a line of counts.
meson_tests() {
    local output status=0
    output=$(meson test -C "$1" --print-errorlogs 2>&1) || status=$?
    printf '%s\n' "$output"
    printf '%s\n' "$output" |
        sed -nE 's/^ *[0-9]+\/[0-9]+ (.*[^ ]) +SKIP .*/SKIP: unit test \1 says that it cannot run here/p'
    printf '%s\n' "$output" | awk -F ': +' -v status="$status" '
        /^Ok: |^Expected Fail: / { passed += $2 }
        /^Fail: |^Unexpected Pass: |^Timeout: / { failed += $2 }
        /^Skipped: / { skipped += $2 }
        END {
            if (status != 0 && !failed) failed = 1
            if (!passed && !failed && !skipped) { print "no unit test was run"; failed = 1 }
            printf "%d passed, %d failed", passed, failed
            if (skipped) printf ", %d skipped", skipped
            print ""
        }'
    return "$status"
}
