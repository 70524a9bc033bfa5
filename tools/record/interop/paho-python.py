# paho-python.py: the scenario of tools/interop with Eclipse Paho's client for Python.
# SPDX-License-Identifier: GPL-2.0-or-later
"""paho-python.py VERSION NAME, VERSION 3, 4 or 5; the broker is at 127.0.0.1:1883. Each step is tried; what a broker refuses is left."""

import contextlib
import os
import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

VERSION, NAME = int(sys.argv[1]), sys.argv[2]
IS_5 = VERSION == 5


def properties(kind, **values):
    """Properties of a packet; None before MQTT 5.0."""
    if not IS_5:
        return None
    made = Properties(kind)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def client(suffix, clean=True, keep_alive=60, will=None, user=None, host="127.0.0.1", **connect):
    """A client that is connected, or has been refused."""
    made = mqtt.Client(NAME + suffix if suffix is not None else "", protocol=VERSION, **({} if IS_5 else {"clean_session": clean}))
    if will is not None:
        made.will_set(*will)
    if user is not None:
        made.username_pw_set(user, "wrong")
    elif "INTEROP_USER" in os.environ:
        made.username_pw_set(os.environ["INTEROP_USER"], os.environ["INTEROP_PASSWORD"])
    more = {"clean_start": clean, "properties": properties(PacketTypes.CONNECT, **connect)} if IS_5 else {}
    made.connect(host, 1883, keep_alive, **more)
    made.loop_start()
    end = time.monotonic() + 2
    while not made.is_connected() and time.monotonic() < end:
        time.sleep(0.01)
    return made


def publish(made, topic, text, qos, retain=False, **values):
    """A message, and its acknowledgement."""
    sent = made.publish(NAME + "/" + topic, text, qos, retain, properties(PacketTypes.PUBLISH, **values) if values else None)
    end = time.monotonic() + 1
    with contextlib.suppress(RuntimeError):  # that there is no connection
        while not sent.is_published() and time.monotonic() < end:
            time.sleep(0.01)


def close(made):
    """Says goodbye."""
    made.disconnect()
    made.loop_stop()


def refusal():
    """What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message."""
    close(client("-wrong", user=os.environ.get("INTEROP_WRONG_USER", "nobody")))
    close(client("-idle", keep_alive=600))
    if VERSION != 3:
        close(client(None))
    close(client("-mourned", will=(NAME + "/forbidden", "gone away", 1)))
    refused = client("-refused")
    refused.subscribe([(f"{NAME}/forbidden", 1), (f"{NAME}/zero", 1)] if not IS_5 else [
        (f"{NAME}/{each}", mqtt.SubscribeOptions(1)) for each in ("forbidden", "zero")])
    time.sleep(0.3)
    publish(refused, "forbidden", "not wanted", 1)
    close(refused)


def limits():
    """The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more at once than it
    takes, then with more than it allows, each on a connection of its own."""
    few = {"SessionExpiryInterval": 60, "ReceiveMaximum": 2, "MaximumPacketSize": 200, "TopicAliasMaximum": 3} if IS_5 else {}
    subscriber = client("-few", clean=False, **few)
    subscriber.subscribe(f"{NAME}/many", 2)
    time.sleep(0.3)
    close(subscriber)
    publisher = client("-many")
    for number in range(6):
        for qos in (1, 2):
            publisher.publish(f"{NAME}/many", f"message {number}", qos)
    time.sleep(1)
    publish(publisher, "many", "large".rjust(400), 1)
    close(publisher)
    subscriber = client("-few", clean=False, **few)
    time.sleep(1.5)
    close(subscriber)
    limited = os.environ.get("INTEROP_LIMITED")
    if limited is None:
        return
    subscriber = client("-low", host=limited)
    subscriber.subscribe(f"{NAME}/low", 2)
    tries = [("message", 1, {}), ("message", 2, {}), ("large".rjust(3000), 1, {})]
    for text, qos, values in tries + [("with an alias", 1, {"TopicAlias": each}) for each in (2, 9) if IS_5]:
        made = client("-high", host=limited)
        publish(made, "low", text, qos, **values)
        close(made)
    close(subscriber)


def main():
    """The steps, in the order of interop.md."""
    keeps = {"SessionExpiryInterval": 60, "ReceiveMaximum": 5, "TopicAliasMaximum": 4} if IS_5 else {}
    subscriber = client("-sub", clean=False, **keeps)
    for qos, topic in enumerate(("zero", "one", "two")):
        subscriber.subscribe(f"{NAME}/{topic}", qos)
    time.sleep(0.3)
    publisher = client("-pub", will=(NAME + "/will", "gone away", 1), keep_alive=1)
    for topic in ("zero", "one", "two"):
        for qos in (0, 1, 2):
            publish(publisher, topic, f"message to {topic} of QoS {qos}", qos)
    publish(publisher, "kept", "a retained message", 1, retain=True)
    close(subscriber)
    publish(publisher, "two", "while the subscriber is away", 2)
    publish(publisher, "one", "the second while it is away", 1)
    subscriber = client("-sub", clean=False, **keeps)
    time.sleep(0.3)
    subscriber.subscribe(NAME + "/kept", 1)
    subscriber.subscribe(NAME + "/will", 1)
    time.sleep(0.3)
    if IS_5:
        shared = client("-share")
        shared.subscribe(f"$share/group/{NAME}/shared", 1)
        time.sleep(0.3)
        publish(publisher, "shared", "for one of the group", 1)
        for text in ("sets the alias", "uses the alias"):
            publish(publisher, "zero", text, 0, TopicAlias=1)
        publish(publisher, "one", "with all that there is", 1, UserProperty=("key", "value"), ContentType="text/plain", ResponseTopic=NAME + "/answer",
                CorrelationData=b"7", MessageExpiryInterval=60, PayloadFormatIndicator=1)
        close(shared)
    twin = client("-sub", clean=False, **keeps)
    time.sleep(0.3)
    twin.unsubscribe(NAME + "/zero")
    subscriber.loop_stop()
    time.sleep(2.2)
    publisher.loop_stop()
    publisher._sock_close()
    time.sleep(0.5)
    publish(twin, "kept", "", 1, retain=True)
    close(twin)
    refusal()
    limits()


main()
