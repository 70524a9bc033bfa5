// paho.go - the scenario of tools/interop with Eclipse Paho's client for Go, which has MQTT 3.1 and 3.1.1.
// SPDX-License-Identifier: GPL-2.0-or-later
//
// usage: paho-go VERSION NAME; the broker is at 127.0.0.1:1883. Each step is tried; what a broker refuses is left.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

var (
	version, _ = strconv.Atoi(os.Args[1])
	name       = os.Args[2]
)

type special struct {
	host, wrongUser, will string
	lasting               bool
	keepAliveS            int
}

func connected(suffix string, more special) mqtt.Client {
	options := mqtt.NewClientOptions()
	host := more.host
	if host == "" {
		host = "127.0.0.1"
	}
	options.AddBroker("tcp://" + host + ":1883")
	if suffix != "" {
		options.SetClientID(name + suffix)
	}
	options.SetProtocolVersion(uint(version))
	options.SetCleanSession(!more.lasting)
	options.SetAutoReconnect(false)
	options.SetConnectTimeout(2 * time.Second)
	options.SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) {})
	if more.keepAliveS != 0 {
		options.SetKeepAlive(time.Duration(more.keepAliveS) * time.Second)
	}
	if more.wrongUser != "" {
		options.SetUsername(more.wrongUser)
		options.SetPassword("wrong")
	} else if user := os.Getenv("INTEROP_USER"); user != "" {
		options.SetUsername(user)
		options.SetPassword(os.Getenv("INTEROP_PASSWORD"))
	}
	if more.will != "" {
		options.SetWill(name+more.will, "gone away", 1, false)
	}
	client := mqtt.NewClient(options)
	client.Connect().WaitTimeout(2 * time.Second)
	return client
}

// The library panics at the disconnect of a client that was refused.
func closed(client mqtt.Client) {
	if client.IsConnected() {
		client.Disconnect(100)
	}
}

func publish(client mqtt.Client, topic, text string, qos byte, retained bool) {
	client.Publish(name+topic, qos, retained, text).WaitTimeout(time.Second)
}

func subscribe(client mqtt.Client, topic string, qos byte) {
	client.Subscribe(name+topic, qos, nil).WaitTimeout(time.Second)
}

// What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message.
func refusal() {
	wrongUser := os.Getenv("INTEROP_WRONG_USER")
	if wrongUser == "" {
		wrongUser = "nobody"
	}
	closed(connected("-wrong", special{wrongUser: wrongUser}))
	closed(connected("-idle", special{keepAliveS: 600}))
	closed(connected("", special{lasting: true}))
	closed(connected("-mourned", special{will: "/forbidden"}))
	refused := connected("-refused", special{})
	refused.SubscribeMultiple(map[string]byte{name + "/forbidden": 1, name + "/zero": 1}, nil).WaitTimeout(time.Second)
	publish(refused, "/forbidden", "not wanted", 1, false)
	closed(refused)
}

// Messages wait for a client; then with more than the broker allows, each on a connection of its own.
func limits() {
	few := connected("-few", special{lasting: true})
	subscribe(few, "/many", 2)
	closed(few)
	many := connected("-many", special{})
	for i := 0; i < 12; i++ {
		many.Publish(name+"/many", byte(1+i%2), false, fmt.Sprintf("message %d", i))
	}
	time.Sleep(time.Second)
	publish(many, "/many", strings.Repeat(".", 400), 1, false)
	closed(many)
	few = connected("-few", special{lasting: true})
	time.Sleep(1500 * time.Millisecond)
	closed(few)
	limited := os.Getenv("INTEROP_LIMITED")
	if limited == "" {
		return
	}
	low := connected("-low", special{host: limited})
	subscribe(low, "/low", 2)
	for i, text := range []string{"message", "message", strings.Repeat(".", 3000)} {
		high := connected("-high", special{host: limited})
		publish(high, "/low", text, byte(1+i%2), false)
		closed(high)
	}
	closed(low)
}

func main() {
	topics := []string{"/zero", "/one", "/two"}
	subscriber := connected("-sub", special{lasting: true})
	for qos, topic := range topics {
		subscribe(subscriber, topic, byte(qos))
	}
	publisher := connected("-pub", special{keepAliveS: 2, will: "/will"})
	for _, topic := range topics {
		for qos := byte(0); qos < 3; qos++ {
			publish(publisher, topic, fmt.Sprintf("message of QoS %d", qos), qos, false)
		}
	}
	publish(publisher, "/kept", "a retained message", 1, true)
	time.Sleep(300 * time.Millisecond)
	closed(subscriber)
	publish(publisher, "/two", "while the subscriber is away", 2, false)
	publish(publisher, "/one", "the second while it is away", 1, false)
	subscriber = connected("-sub", special{lasting: true})
	time.Sleep(300 * time.Millisecond)
	subscribe(subscriber, "/kept", 1)
	subscribe(subscriber, "/will", 1)
	twin := connected("-sub", special{lasting: true})
	time.Sleep(300 * time.Millisecond)
	twin.Unsubscribe(name + "/zero").WaitTimeout(time.Second)
	time.Sleep(5200 * time.Millisecond)
	publish(twin, "/kept", "", 1, true)
	closed(twin)
	refusal()
	limits()
	os.Exit(0) // the publisher goes without a DISCONNECT
}
