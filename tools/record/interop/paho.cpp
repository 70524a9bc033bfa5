/* paho.cpp - the scenario of tools/interop with Eclipse Paho's client for C++.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: paho-cpp VERSION NAME, VERSION 3, 4 or 5; the broker is at 127.0.0.1:1883. Each step is tried; what a broker refuses is left.
 */
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mqtt/async_client.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

static int version;
static std::string name;

static void attempt(const std::function<mqtt::token_ptr()> &step, std::chrono::seconds most = 1s)
{
    try {
        mqtt::token_ptr token = step();
        if (token)
            token->wait_for(most);
    } catch (const mqtt::exception &) {
    }
}

static std::unique_ptr<mqtt::async_client> connected(const std::string &suffix, bool is_clean, int keep_alive_s = 60, bool has_will = false)
{
    auto client = std::make_unique<mqtt::async_client>("tcp://127.0.0.1:1883", name + suffix, mqtt::create_options(version));
    mqtt::connect_options options;

    options.set_mqtt_version(version);
    options.set_keep_alive_interval(keep_alive_s);
    if (std::getenv("INTEROP_USER") != nullptr) {
        options.set_user_name(std::getenv("INTEROP_USER"));
        options.set_password(std::string(std::getenv("INTEROP_PASSWORD")));
    }
    if (version == MQTTVERSION_5) {
        options.set_clean_start(is_clean);
        if (!is_clean)
            options.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, 60}, {mqtt::property::RECEIVE_MAXIMUM, 5}});
    } else {
        options.set_clean_session(is_clean);
    }
    if (has_will)
        options.set_will(mqtt::will_options(name + "/will", std::string("gone away"), 1, false));
    client->start_consuming();
    attempt([&] { return client->connect(options); }, 5s); /* a second client waits for the library */
    return client;
}

static void publish(mqtt::async_client &client, const std::string &topic, const std::string &text, int qos, bool retain = false,
                    const mqtt::properties &properties = {})
{
    auto message = mqtt::make_message(topic.empty() ? "" : name + topic, text, qos, retain);
    if (version == MQTTVERSION_5)
        message->set_properties(properties);
    attempt([&] { return client.publish(message); });
}

static void subscribe(mqtt::async_client &client, const std::string &filter, int qos)
{
    attempt([&] { return client.subscribe(filter, qos); });
}

static void only_of_5(mqtt::async_client &publisher)
{
    auto shared = connected("-share", true);

    subscribe(*shared, "$share/group/" + name + "/shared", 1);
    publish(publisher, "/shared", "for one of the group", 1);
    publish(publisher, "/zero", "sets the alias", 0, false, {{mqtt::property::TOPIC_ALIAS, 1}});
    publish(publisher, "", "uses the alias", 0, false, {{mqtt::property::TOPIC_ALIAS, 1}});
    publish(publisher, "/one", "with properties", 1, false,
            {{mqtt::property::USER_PROPERTY, "key", "value"}, {mqtt::property::MESSAGE_EXPIRY_INTERVAL, 60}});
    attempt([&] { return shared->disconnect(); });
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 3;
    version = std::atoi(arguments[1]);
    name = arguments[2];
    auto subscriber = connected("-sub", false);
    const char *const topics[] = {"/zero", "/one", "/two"};
    for (int qos = 0; qos < 3; qos++)
        subscribe(*subscriber, name + topics[qos], qos);
    auto publisher = connected("-pub", true, 1, true);
    for (const char *topic : topics)
        for (int qos = 0; qos < 3; qos++)
            publish(*publisher, topic, "message of QoS " + std::to_string(qos) + " to " + topic, qos);
    publish(*publisher, "/kept", "a retained message", 1, true);
    std::this_thread::sleep_for(300ms);
    attempt([&] { return subscriber->disconnect(); });
    publish(*publisher, "/two", "while the subscriber is away", 2);
    publish(*publisher, "/one", "the second while it is away", 1);
    subscriber = connected("-sub", false);
    std::this_thread::sleep_for(300ms);
    subscribe(*subscriber, name + "/kept", 1);
    subscribe(*subscriber, name + "/will", 1);
    if (version == MQTTVERSION_5)
        only_of_5(*publisher);
    auto twin = connected("-sub", false);
    std::this_thread::sleep_for(300ms);
    attempt([&] { return twin->unsubscribe(name + "/zero"); });
    std::this_thread::sleep_for(2200ms);
    publish(*twin, "/kept", "", 1, true);
    attempt([&] { return twin->disconnect(); });
    _exit(0); /* the publisher goes without a DISCONNECT */
}
