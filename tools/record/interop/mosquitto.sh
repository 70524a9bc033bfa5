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
keeps=(-c) pair=() few=()
if [ "$version" = 5 ]; then
    keeps+=(-x 60 -D connect receive-maximum 5)
    pair=(-D publish user-property key value -D publish message-expiry-interval 60)
    few=(-x 60 -D connect receive-maximum 2 -D connect maximum-packet-size 200 -D connect topic-alias-maximum 3)
fi

publish() {
    timeout 5 mosquitto_pub "${options[@]}" -i "$name-pub" "$@" || true
}

subscriber() {
    mosquitto_sub "${options[@]}" -i "$name-sub" "${keeps[@]}" "$@" >/dev/null &
    subscriber=$!
    sleep 0.6
}

# A subscription, for some seconds.
subscribe_for() {
    local seconds=$1
    shift
    timeout 6 mosquitto_sub "${options[@]}" -W "$seconds" "$@" >/dev/null || true
}

# What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message.
refusal() {
    subscribe_for 1 -i "$name-wrong" -u "${INTEROP_WRONG_USER-nobody}" -P wrong -t "$name/zero"
    subscribe_for 1 -i "$name-idle" -k 600 -t "$name/zero"
    [ "$version" = 3 ] || subscribe_for 1 -i '' -t "$name/zero"
    subscribe_for 1 -i "$name-mourned" -t "$name/zero" --will-topic "$name/forbidden" --will-payload 'gone away' --will-qos 1
    subscribe_for 1 -i "$name-refused" -q 1 -t "$name/forbidden" -t "$name/zero"
    publish -t "$name/forbidden" -m 'not wanted' -q 1
}

# The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more at once than it takes,
# then with more than it allows.
limits() {
    subscribe_for 1 -i "$name-few" -q 2 -t "$name/many" -c "${few[@]}"
    printf 'message %d\n' 1 2 3 4 5 6 | publish -l -t "$name/many" -q 2
    printf 'message %d\n' 1 2 3 4 5 6 | publish -l -t "$name/many" -q 1
    publish -t "$name/many" -m "$(printf %400s large)" -q 1
    subscribe_for 2 -i "$name-few" -q 2 -t "$name/many" -c "${few[@]}"
    [ -n "${INTEROP_LIMITED-}" ] || return
    subscribe_for 3 -h "$INTEROP_LIMITED" -i "$name-low" -q 2 -t "$name/low" &
    sleep 0.5
    publish -h "$INTEROP_LIMITED" -t "$name/low" -m 'message of QoS 1' -q 1
    publish -h "$INTEROP_LIMITED" -t "$name/low" -m 'message of QoS 2' -q 2
    publish -h "$INTEROP_LIMITED" -t "$name/low" -m "$(printf %3000s large)" -q 1
    if [ "$version" = 5 ]; then
        publish -h "$INTEROP_LIMITED" -t "$name/low" -m 'the highest alias' -q 1 -D publish topic-alias 2
        publish -h "$INTEROP_LIMITED" -t "$name/low" -m 'an alias too high' -q 1 -D publish topic-alias 9
    fi
    wait $!
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
refusal
limits
wait
