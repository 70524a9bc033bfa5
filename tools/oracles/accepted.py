# accepted.py: the fields of a damaged packet that another decoder took, told by what that decoder read.
# SPDX-License-Identifier: GPL-2.0-or-later
"""What judge.js says of a packet: id, code, codes, filters as in expected.py, and of a CONNECT client_id, keep_alive,
clean, will, user_name, password, of a CONNACK session_present, of a PUBLISH topic, payload, qos, dup, retain.
Properties are left out: mqtt-packet keeps neither their order nor all of those that are repeated, and makes bytes into
booleans. So are topics of which Wireshark shows nothing, because they are empty or begin with U+0000."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from expected import CODE_FIELDS, Shown, shown_text

CODES = "code of any packet"
"""Stands for all fields with a code: a CONNACK is read by its form where that does not fit the version."""
FIELDS_WITH_CODES = (*CODE_FIELDS, "mqtt.conack.val", "mqtt.suback.qos")
NAMES = {"id": "mqtt.msgid", "client_id": "mqtt.clientid", "keep_alive": "mqtt.kalive",
         "clean": "mqtt.conflag.cleansess", "user_name": "mqtt.username", "password": "mqtt.passwd.bytes",
         "session_present": "mqtt.conack.flags.sp", "topic": "mqtt.topic", "payload": "mqtt.msg"}
PUBLISH_FLAGS = {"qos": "mqtt.qos", "dup": "mqtt.dupflag", "retain": "mqtt.retain"}
WILL = {"topic": "mqtt.willtopic", "payload": "mqtt.willmsg", "qos": "mqtt.conflag.qos",
        "retain": "mqtt.conflag.retain"}
TOPICS = ("mqtt.topic", "mqtt.willtopic")
OPTIONS = {"rh": "mqtt.subscription_options_retain", "rap": "mqtt.subscription_options_rap",
           "nl": "mqtt.subscription_options_nl", "qos": "mqtt.subscription_options_qos"}
FIELDS = (*NAMES.values(), *WILL.values(), *OPTIONS.values(), "mqtt.sub.qos", *FIELDS_WITH_CODES)


def accepted_fields(read: Mapping[str, Any], packet_type: str, version: int) -> Shown:
    """The fields that the plugin has to show."""
    shown: Shown = {}

    def add(name: str, value: Any) -> None:
        if value is not None:
            text = str(int(value)) if isinstance(value, bool) else shown_text(str(value))
            if text or name not in TOPICS:
                shown.setdefault(name, []).append(text)

    for key, name in NAMES.items():
        if key != "session_present" or version != 3:
            add(name, read.get(key))
    if packet_type == "publish":
        for key, name in PUBLISH_FLAGS.items():
            add(name, read[key])
    if packet_type == "connect":
        # Without a Will mqtt-packet takes these bits only if they are 0.
        for key, name in WILL.items():
            add(name, read.get("will", {"qos": 0, "retain": False}).get(key))
    for each in read["filters"]:
        add("mqtt.topic", each["topic"])
        if packet_type == "subscribe" and version == 5:
            for key, name in OPTIONS.items():
                add(name, each[key])
        elif packet_type == "subscribe":
            add("mqtt.sub.qos", each["qos"])
    for code in (read["code"], *read["codes"]):
        add(CODES, code)
    return shown


def shown_fields(row: Mapping[str, list[str]], packet_type: str) -> Shown:
    """The same of what the plugin shows, all codes together."""
    shown: Shown = {}
    for name in (*FIELDS, *PUBLISH_FLAGS.values()) if packet_type == "publish" else FIELDS:
        values = [value for value in row.get(name, []) if value or name not in TOPICS]
        if values and name not in FIELDS_WITH_CODES:
            shown[name] = values
    codes = [code for name in FIELDS_WITH_CODES for code in row.get(name, [])]
    return shown | ({CODES: codes} if codes else {})
