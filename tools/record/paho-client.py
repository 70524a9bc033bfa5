#!/usr/bin/python3
# paho-client.py - scripted MQTT sessions with the paho client, to be recorded by tools/record-captures.
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: paho-client.py SCENARIO [--port N] [--version 3|4|5] [--websocket PATH] [--ca FILE [--keys FILE] [--alpn NAME]]
#
# Each step waits for what the broker answers, so that the order of packets is the same in each run.

import argparse
import ssl
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PATIENCE_S = 20


class Client:
    """A paho client whose calls return when the broker has answered."""

    def __init__(self, args, client_id, clean=True):
        self.version = args.version
        self.args = args
        self.events = threading.Condition()
        self.seen = {}
        self.messages = []
        transport = "websockets" if args.websocket else "tcp"
        if self.version == 5:
            self.paho = mqtt.Client(client_id=client_id, protocol=mqtt.MQTTv5, transport=transport)
        else:
            self.paho = mqtt.Client(client_id=client_id, clean_session=clean, protocol=args.version, transport=transport)
        if args.websocket:
            self.paho.ws_set_options(path=args.websocket)
        if args.ca:
            context = ssl.create_default_context(cafile=args.ca)
            if args.keys:
                context.keylog_filename = args.keys
            if args.alpn:
                context.set_alpn_protocols([args.alpn])
            self.paho.tls_set_context(context)
        self.paho.on_connect = lambda *_: self.saw("connect")
        self.paho.on_disconnect = lambda *_: self.saw("disconnect")
        self.paho.on_subscribe = lambda _c, _u, mid, *_: self.saw("subscribe", mid)
        self.paho.on_unsubscribe = lambda _c, _u, mid, *_: self.saw("unsubscribe", mid)
        self.paho.on_message = self.on_message

    def saw(self, event, value=None):
        with self.events:
            self.seen.setdefault(event, []).append(value)
            self.events.notify_all()

    def on_message(self, _client, _userdata, message):
        with self.events:
            self.messages.append(message)
            self.events.notify_all()

    def wait_for(self, question, what):
        with self.events:
            if not self.events.wait_for(question, PATIENCE_S):
                sys.exit(f"paho-client.py: gave up waiting for {what}")

    def connect(self, keep_alive_s=60, properties=None, clean_start=True):
        host = "localhost" if self.args.ca else "127.0.0.1"
        if self.version == 5:
            self.paho.connect(host, self.args.port, keep_alive_s, clean_start=clean_start, properties=properties)
        else:
            self.paho.connect(host, self.args.port, keep_alive_s)
        self.paho.loop_start()
        self.wait_for(lambda: "connect" in self.seen, "CONNACK")

    def subscribe(self, *args, **kwargs):
        result, mid = self.paho.subscribe(*args, **kwargs)
        assert result == mqtt.MQTT_ERR_SUCCESS
        self.wait_for(lambda: mid in self.seen.get("subscribe", []), "SUBACK")

    def unsubscribe(self, *args, **kwargs):
        result, mid = self.paho.unsubscribe(*args, **kwargs)
        assert result == mqtt.MQTT_ERR_SUCCESS
        self.wait_for(lambda: mid in self.seen.get("unsubscribe", []), "UNSUBACK")

    def publish(self, *args, **kwargs):
        self.paho.publish(*args, **kwargs).wait_for_publish(PATIENCE_S)

    def wait_messages(self, count):
        self.wait_for(lambda: len(self.messages) >= count, f"{count} messages")

    def disconnect(self, **kwargs):
        self.paho.disconnect(**kwargs)
        self.wait_for(lambda: "disconnect" in self.seen, "the end of the connection")
        self.paho.loop_stop()


def session(args):
    """Two clients; QoS 0, 1 and 2 in both directions, several filters in one SUBSCRIBE, retained, empty and binary payloads."""
    subscriber = Client(args, "paho-sub")
    publisher = Client(args, "paho-pub")
    subscriber.connect()
    subscriber.subscribe([("sensor/+/temperature", 0), ("sensor/+/humidity", 1), ("alarm/#", 2)])
    publisher.connect()
    publisher.publish("sensor/kitchen/temperature", "21.5", qos=0)
    publisher.publish("sensor/kitchen/humidity", "48", qos=1)
    publisher.publish("alarm/door", '{"open": true}', qos=2, retain=True)
    publisher.publish("alarm/binary", bytes(range(256)), qos=2)
    publisher.publish("alarm/empty", b"", qos=1)
    subscriber.wait_messages(5)
    subscriber.unsubscribe(["sensor/+/temperature", "never/subscribed"])
    subscriber.publish("sensor/cellar/humidity", "71", qos=2)
    subscriber.wait_messages(6)
    # Takes the retained message away again.
    publisher.publish("alarm/door", b"", qos=1, retain=True)
    publisher.disconnect()
    subscriber.disconnect()


def properties(args):
    """MQTT 5.0: topic aliases, subscription identifiers and options, user properties, request and response, expiry."""
    connect = Properties(PacketTypes.CONNECT)
    connect.SessionExpiryInterval = 60
    connect.ReceiveMaximum = 4
    connect.MaximumPacketSize = 100000
    connect.TopicAliasMaximum = 10
    connect.RequestResponseInformation = 1
    connect.RequestProblemInformation = 1
    connect.UserProperty = [("program", "paho"), ("purpose", "capture")]

    subscriber = Client(args, "paho-v5-sub")
    will = Properties(PacketTypes.WILLMESSAGE)
    will.WillDelayInterval = 5
    will.MessageExpiryInterval = 30
    will.ContentType = "text/plain"
    will.PayloadFormatIndicator = 1
    will.UserProperty = ("reason", "gone")
    subscriber.paho.will_set("state/paho-v5-sub", "gone", qos=1, retain=True, properties=will)
    subscriber.connect(properties=connect)
    with_id = Properties(PacketTypes.SUBSCRIBE)
    with_id.SubscriptionIdentifier = 7
    with_id.UserProperty = ("filter", "orders")
    subscriber.subscribe("orders/#", options=SubscribeOptions(qos=2, noLocal=True, retainAsPublished=True,
                                                              retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB),
                         properties=with_id)
    long_id = Properties(PacketTypes.SUBSCRIBE)
    long_id.SubscriptionIdentifier = 200000
    subscriber.subscribe([("orders/+", SubscribeOptions(qos=1)), ("replies/paho", SubscribeOptions(qos=1))],
                         properties=long_id)

    publisher = Client(args, "paho-v5-pub")
    publisher.connect(properties=connect)
    for number, (topic, qos) in enumerate([("orders/1", 0), ("", 0), ("", 1), ("orders/2", 2), ("", 2)]):
        # Alias 1 is set by the first and moved to another topic by the fourth.
        publish = Properties(PacketTypes.PUBLISH)
        publish.TopicAlias = 1
        publish.PayloadFormatIndicator = 1
        publish.ContentType = "application/json"
        publish.UserProperty = ("number", str(number))
        publisher.publish(topic, f'{{"order": {number}}}', qos=qos, properties=publish)
    request = Properties(PacketTypes.PUBLISH)
    request.ResponseTopic = "replies/paho"
    request.CorrelationData = bytes([0, 255, 16, 128])
    request.MessageExpiryInterval = 120
    publisher.publish("orders/3", "please answer", qos=1, properties=request)
    subscriber.wait_messages(6)
    answer = Properties(PacketTypes.PUBLISH)
    answer.CorrelationData = bytes([0, 255, 16, 128])
    subscriber.publish("replies/paho", "done", qos=1, properties=answer)
    subscriber.wait_messages(7)
    unsubscribe = Properties(PacketTypes.UNSUBSCRIBE)
    unsubscribe.UserProperty = ("why", "finished")
    subscriber.unsubscribe(["orders/#", "never/subscribed"], properties=unsubscribe)
    end = Properties(PacketTypes.DISCONNECT)
    end.SessionExpiryInterval = 0
    end.UserProperty = ("bye", "now")
    subscriber.disconnect(properties=end)
    publisher.disconnect(reasoncode=mqtt.ReasonCodes(PacketTypes.DISCONNECT, "Disconnect with will message"))


def small(args):
    """One client that subscribes, publishes to itself and receives."""
    client = Client(args, "paho-small")
    client.connect()
    client.subscribe("echo/#", 1)
    client.publish("echo/1", "hello!", qos=1)
    client.wait_messages(1)
    client.disconnect()


def large(args):
    """The same with a payload of 100 kB, compressible so that the capture stays readable."""
    client = Client(args, "paho-large")
    client.connect()
    client.subscribe("echo/#", 1)
    client.publish("echo/large", b"0123456789abcdef" * 6250, qos=1)
    client.wait_messages(1)
    client.disconnect()


def burst(args):
    """200 small QoS 0 messages sent as fast as possible, then 20 of QoS 1 and 20 of QoS 2."""
    subscriber = Client(args, "burst-sub")
    subscriber.connect()
    subscriber.subscribe("burst/#", 2)
    publisher = Client(args, "burst-pub")
    publisher.paho.max_inflight_messages_set(20)
    publisher.connect()
    for number in range(200):
        publisher.paho.publish("burst/0", f"message {number}", qos=0)
    waiting = [publisher.paho.publish(f"burst/{qos}", f"message {number}", qos=qos)
               for qos in (1, 2) for number in range(20)]
    for message in waiting:
        message.wait_for_publish(PATIENCE_S)
    subscriber.wait_messages(240)
    publisher.disconnect()
    subscriber.disconnect()


def main():
    scenarios = {function.__name__: function for function in (session, properties, small, large, burst)}
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=scenarios)
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--version", type=int, choices=(3, 4, 5), default=4)
    parser.add_argument("--websocket", help="path of the WebSocket endpoint; TCP without it")
    parser.add_argument("--ca", help="certificate authority's file; turns TLS on")
    parser.add_argument("--keys", help="key log to append to")
    parser.add_argument("--alpn", help="protocol name to offer")
    args = parser.parse_args()
    scenarios[args.scenario](args)


main()
