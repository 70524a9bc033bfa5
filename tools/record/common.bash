# common.bash - what tools/record-captures and tools/record-other-protocols share: the enclosure, the recorder, waiting.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each run happens inside network, process, host name and mount namespaces of its own (unshare): the loopback interface that
# is recorded carries nothing but the scenario's traffic, any port is free (443 and 1883 too), and whatever was
# started ends with the enclosure, however the run ends.
#
# A script that uses this file defines `scenario_NAME` functions, each preceded by `describe NAME TEXT`, sets
# `output_folder`, defines `install_programs`, and calls `record_main "$@"`.

set -euo pipefail

scenario_limit_s=${scenario_limit_s:-180}
declare -a scenario_names=()
declare -A scenario_texts=()

# describe NAME TEXT: announce a scenario; the order of the announcements is the order of recording.
describe() {
    scenario_names+=("$1")
    scenario_texts[$1]=$2
}

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# wait_until SECONDS COMMAND...: poll a command until it succeeds.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            echo "gave up waiting for: $*" >&2
            return 1
        fi
        sleep 0.05
    done
}

# wait_port PORT [SECONDS]: wait until something listens on a TCP port. Reads the kernel's table instead of
# connecting, so that the capture holds no trace of the waiting.
wait_port() {
    wait_until "${2:-20}" port_is_open "$1"
}

port_is_open() {
    [ -n "$(ss -H -l -t -n "sport = :$1")" ]
}

# wait_text FILE TEXT [SECONDS]: wait until a program's log holds a text.
wait_text() {
    wait_until "${3:-20}" grep -q -e "$2" "$1"
}

# start_capture NAME FILTER [TCPDUMP OPTION...]: record the loopback interface into $captures/NAME.pcap.
# The buffer is of 64 MiB, since with the loopback interface's MTU each packet takes 64 KiB of it.
# File descriptor 8 is left to the scenarios for a pipe that they hold open; tcpdump must not keep it open.
start_capture() {
    capture_file=$captures/$1.pcap
    local filter=$2 name=$1
    shift 2
    rm -f "$capture_file"
    tcpdump -i lo -n -U --immediate-mode -B 65536 -Z root -s 0 "$@" -w "$capture_file" "$filter" \
        2>"$work/$name.tcpdump" 8>&- &
    capture_pid=$!
    wait_text "$work/$name.tcpdump" 'listening on'
}

# stop_capture: end the recording once the file has stopped growing for half a second.
stop_capture() {
    local before=-1 now
    now=$(stat -c %s "$capture_file")
    while [ "$before" != "$now" ]; do
        before=$now
        sleep 0.5
        now=$(stat -c %s "$capture_file")
    done
    kill -INT "$capture_pid"
    wait "$capture_pid" || true
    # A capture that misses packets is of no use.
    grep -q '^0 packets dropped by kernel' "$work/$(basename "$capture_file" .pcap).tcpdump" ||
        die "$capture_file misses packets"
    finished_files+=("$capture_file")
}

# stop_capture_with_keys KEYS: the same, and put the TLS secrets into the capture itself (a pcapng file), so that
# it opens decrypted wherever it is opened.
stop_capture_with_keys() {
    stop_capture
    local plain=$capture_file
    capture_file=${plain%.pcap}.pcapng
    editcap --inject-secrets "tls,$1" "$plain" "$capture_file"
    rm "$plain"
    finished_files[-1]=$capture_file
}

# stop PID...: end programs that the scenario started and wait for them.
stop() {
    local pid
    for pid in "$@"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
}

# make_certificates: a certificate authority and a server certificate for localhost, in $work/tls, for this run only.
make_certificates() {
    [ -e "$work/tls/server.crt" ] && return
    mkdir -p "$work/tls"
    (
        cd "$work/tls"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
            -subj '/CN=Test authority' -keyout ca.key -out ca.crt
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
            -subj '/CN=localhost' -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n' >server.ext
        openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 \
            -extfile server.ext -out server.crt
    ) >"$work/openssl.log" 2>&1
}

# install_packages PACKAGE...: install those Debian packages that are missing, and start none of their services.
install_packages() {
    local package
    local -a missing=()
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    echo "installing: ${missing[*]}"
    local policy=/usr/sbin/policy-rc.d made_policy=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        made_policy=yes
    fi
    apt-get update -qq || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
        >"$work/apt.log" 2>&1 || { tail -20 "$work/apt.log" >&2; die "could not install ${missing[*]}"; }
    [ -z "$made_policy" ] || rm "$policy"
}

# record_main ARGUMENT...: --list, or the scenarios named, or all.
record_main() {
    local name
    case ${1:-} in
    --list)
        for name in "${scenario_names[@]}"; do
            printf '%-24s %s\n' "$name" "${scenario_texts[$name]}"
        done
        exit 0
        ;;
    --help | -h)
        echo "usage: ${0##*/} [--list | NAME...]"
        # shellcheck disable=SC2154 # the scripts that source this one set it
        echo "Records the named scenarios (all without a name) into $output_folder."
        exit 0
        ;;
    --inside)
        shift
        record_inside "$@"
        exit 0
        ;;
    esac
    (($#)) || set -- "${scenario_names[@]}"
    for name in "$@"; do
        [ -n "${scenario_texts[$name]:-}" ] || die "no scenario '$name'; see --list"
    done
    [ "$(id -u)" = 0 ] || die "must run as root: it installs packages and records the loopback interface"

    work=$(mktemp -d "${TMPDIR:-/tmp}/record.XXXXXX")
    export work
    # SIGKILL to unshare ends the enclosure with everything in it (--kill-child).
    enclosure_pid=
    trap 'kill -KILL $enclosure_pid 2>/dev/null || true; rm -rf "$work"' EXIT
    trap 'exit 130' INT TERM
    chmod 755 "$work"
    install_programs "$@"
    mkdir -p "$output_folder"
    unshare --net --uts --pid --fork --kill-child --mount-proc "$BASH" "$0" --inside "$@" &
    enclosure_pid=$!
    local status=0
    wait "$enclosure_pid" || status=$?
    enclosure_pid=
    return "$status"
}

# record_inside NAME...: run in the enclosure; a scenario's captures reach the output folder only if all of it went well.
record_inside() {
    local name failures=0
    ip link set lo up
    # Some programs tell their peers the name of the machine.
    hostname localhost
    captures=$work/captures
    for name in "$@"; do
        rm -rf "$captures"
        mkdir -p "$captures"
        finished_files=()
        echo "recording $name"
        started=$(date +%s)
        # In a shell of its own, as a job: `set -e` would be void inside it if its result were tested directly.
        (
            scenario_"${name//-/_}"
            for file in "${finished_files[@]}"; do
                [ -s "$file" ] || die "$file is empty"
            done
            cp "${finished_files[@]}" "$output_folder/"
        ) &
        scenario_pid=$!
        (sleep "$scenario_limit_s" && end_hanging_scenario "$name") &
        if ! wait "$scenario_pid"; then
            echo "scenario $name failed; the ends of its programs' logs:" >&2
            find "$work" -maxdepth 1 \( -name '*.log' -o -name '*.out' -o -name '*.pub' \) -newermt "@$started" \
                -exec tail -n 5 -v {} \; >&2
            failures=$((failures + 1))
        fi
        # Nothing of one scenario may reach into the next.
        end_all_processes
    done
    ((failures == 0)) || die "$failures scenario(s) failed"
}

# Called in a shell of its own when a scenario takes too long. SIGKILL spares nothing but this enclosure's first process.
end_hanging_scenario() {
    echo "$1: not done within $scenario_limit_s s" >&2
    kill -KILL -1
}

# end_all_processes: end everything in the enclosure but this shell, which is its first process.
end_all_processes() {
    [ $$ = 1 ] || die "not in an enclosure of its own"
    kill -TERM -1 2>/dev/null || true
    wait_until 5 only_this_shell || kill -KILL -1 2>/dev/null || true
    wait
}

only_this_shell() {
    local -a others=(/proc/[0-9]*)
    ((${#others[@]} <= 1))
}
