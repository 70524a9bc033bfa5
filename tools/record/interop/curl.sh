#!/bin/bash
# curl.sh - what the scenario of tools/interop asks of curl, which has MQTT 3.1.1 and QoS 0.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: curl.sh VERSION NAME; the broker is at 127.0.0.1:1883

set -u
name=$2 user=()
[ -z "${INTEROP_USER-}" ] || user=(-u "$INTEROP_USER:$INTEROP_PASSWORD")
timeout 3 curl "${user[@]}" -sN "mqtt://127.0.0.1:1883/$name/zero" >/dev/null &
sleep 0.5
for text in first second third; do
    timeout 3 curl "${user[@]}" -s -d "the $text message" "mqtt://127.0.0.1:1883/$name/zero"
done
# what is refused: the password, and a Topic Filter that is forbidden
timeout 3 curl -s -u "${INTEROP_WRONG_USER-nobody}:wrong" -d 'never sent' "mqtt://127.0.0.1:1883/$name/zero"
timeout 2 curl "${user[@]}" -sN "mqtt://127.0.0.1:1883/$name/forbidden" >/dev/null
timeout 2 curl "${user[@]}" -s -d 'not wanted' "mqtt://127.0.0.1:1883/$name/forbidden"
# what is over a limit
if [ -n "${INTEROP_LIMITED-}" ]; then
    timeout 3 curl "${user[@]}" -s -d "$(printf %3000s large)" "mqtt://$INTEROP_LIMITED:1883/$name/zero"
fi
wait
exit 0
