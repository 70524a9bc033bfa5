#!/bin/bash
# mosquitto.sh - the scenario of tools/interop with mosquitto's clients.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: mosquitto.sh VERSION NAME, VERSION 3, 4 or 5; the broker is at 127.0.0.1:1883. Each step is tried; what a broker refuses is left.

set -u
names=([3]=mqttv31 [4]=mqttv311 [5]=mqttv5)
version=$1 name=$2
options=(-h 127.0.0.1 -p 1883 -V "${names[$version]}")
[ -z "${INTEROP_USER-}" ] || options+=(-u "$INTEROP_USER" -P "$INTEROP_PASSWORD")
keeps=(-c) pair=()
if [ "$version" = 5 ]; then
    keeps+=(-D connect session-expiry-interval 60 -D connect receive-maximum 5)
    pair=(-D publish user-property key value -D publish message-expiry-interval 60)
fi

publish() {
    timeout 5 mosquitto_pub "${options[@]}" -i "$name-pub" "$@" || true
}

subscriber() {
    mosquitto_sub "${options[@]}" -i "$name-sub" "${keeps[@]}" "$@" >/dev/null &
    subscriber=$!
    sleep 0.6
}

subscriber -q 2 -t "$name/zero" -t "$name/one" -t "$name/two" -k 5
for topic in zero one two; do
    for qos in 0 1 2; do
        publish -t "$name/$topic" -m "message to $topic of QoS $qos" -q "$qos"
    done
done
publish -t "$name/kept" -m 'a retained message' -q 1 -r
kill -INT "$subscriber"
wait "$subscriber"
publish -t "$name/two" -m 'while the subscriber is away' -q 2 "${pair[@]}"
publish -t "$name/one" -m 'the second while it is away' -q 1
subscriber -q 1 -t "$name/kept" -t "$name/will" -k 5 -U "$name/zero"
mosquitto_sub "${options[@]}" -i "$name-dies" -t "$name/none" --will-topic "$name/will" --will-payload 'gone away' --will-qos 1 >/dev/null &
dies=$!
sleep 0.5
kill -KILL "$dies"
if [ "$version" = 5 ]; then
    mosquitto_sub "${options[@]}" -i "$name-share" -q 1 -t "\$share/group/$name/shared" -C 1 -W 5 >/dev/null &
    sleep 0.5
    publish -t "$name/shared" -m 'for one of the group' -q 1
    publish -t "$name/zero" -m 'with an alias' -D publish topic-alias 1
fi
first=$subscriber
subscriber -q 1 -t "$name/kept" -k 5
kill "$first" 2>/dev/null
sleep 5.5 # one that is idle for its Keep Alive
publish -t "$name/kept" -n -q 1 -r
kill -INT "$subscriber"
wait
