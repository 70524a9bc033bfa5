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

static std::string from_environment(const char *variable, const char *otherwise)
{
    const char *value = std::getenv(variable);
    return value != nullptr ? value : otherwise;
}

struct Special {
    std::string address = "127.0.0.1", wrong_user = {};
    mqtt::properties limits = {};
};

static std::unique_ptr<mqtt::async_client> connected(const std::string &suffix, bool is_clean, int keep_alive_s = 60, const std::string &will_topic = {},
                                                     const Special &special = {})
{
    auto client = std::make_unique<mqtt::async_client>("tcp://" + special.address + ":1883", suffix.empty() ? "" : name + suffix,
                                                       mqtt::create_options(version));
    mqtt::connect_options options;

    options.set_mqtt_version(version);
    options.set_keep_alive_interval(keep_alive_s);
    if (!special.wrong_user.empty()) {
        options.set_user_name(special.wrong_user);
        options.set_password(std::string("wrong"));
    } else if (std::getenv("INTEROP_USER") != nullptr) {
        options.set_user_name(std::getenv("INTEROP_USER"));
        options.set_password(std::string(std::getenv("INTEROP_PASSWORD")));
    }
    if (version == MQTTVERSION_5) {
        options.set_clean_start(is_clean);
        if (!special.limits.empty())
            options.set_properties(special.limits);
        else if (!is_clean)
            options.set_properties({{mqtt::property::SESSION_EXPIRY_INTERVAL, 60}, {mqtt::property::RECEIVE_MAXIMUM, 5}});
    } else {
        options.set_clean_session(is_clean);
    }
    if (!will_topic.empty())
        options.set_will(mqtt::will_options(name + will_topic, std::string("gone away"), 1, false));
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

static void closed(mqtt::async_client &client)
{
    attempt([&] { return client.disconnect(); });
}

/* What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message. */
static void refusal()
{
    closed(*connected("-wrong", true, 60, "", {"127.0.0.1", from_environment("INTEROP_WRONG_USER", "nobody")}));
    closed(*connected("-idle", true, 600));
    closed(*connected("", false));
    closed(*connected("-mourned", true, 60, "/forbidden"));
    auto refused = connected("-refused", true);
    attempt([&] { return refused->subscribe(mqtt::string_collection::create({name + "/forbidden", name + "/zero"}), {1, 1}); });
    publish(*refused, "/forbidden", "not wanted", 1);
    closed(*refused);
}

/* The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more at once than it takes,
 * then with more than it allows, each on a connection of its own. */
static void limits()
{
    Special few;
    if (version == MQTTVERSION_5)
        few.limits = {{mqtt::property::SESSION_EXPIRY_INTERVAL, 60}, {mqtt::property::RECEIVE_MAXIMUM, 2},
                      {mqtt::property::MAXIMUM_PACKET_SIZE, 200}, {mqtt::property::TOPIC_ALIAS_MAXIMUM, 3}};
    auto subscriber = connected("-few", false, 60, "", few);
    subscribe(*subscriber, name + "/many", 2);
    closed(*subscriber);
    auto many = connected("-many", true);
    for (int i = 0; i < 12; i++)
        attempt([&] { return many->publish(mqtt::make_message(name + "/many", "message", 1 + i % 2, false)); }, 0s);
    std::this_thread::sleep_for(1s);
    publish(*many, "/many", std::string(400, '.'), 1);
    closed(*many);
    subscriber = connected("-few", false, 60, "", few);
    std::this_thread::sleep_for(1500ms);
    closed(*subscriber);
    const std::string limited = from_environment("INTEROP_LIMITED", "");
    if (limited.empty())
        return;
    subscriber = connected("-low", true, 60, "", {limited});
    subscribe(*subscriber, name + "/low", 2);
    struct {
        std::string text;
        int qos, alias;
    } const tries[] = {{"message", 1, 0}, {"message", 2, 0}, {std::string(3000, '.'), 1, 0}, {"the highest alias", 1, 2}, {"an alias too high", 1, 9}};
    for (const auto &each : tries) {
        if (each.alias != 0 && version != MQTTVERSION_5)
            continue;
        auto high = connected("-high", true, 60, "", {limited});
        publish(*high, "/low", each.text, each.qos, false, each.alias != 0 ? mqtt::properties{{mqtt::property::TOPIC_ALIAS, each.alias}} : mqtt::properties{});
        closed(*high);
    }
    closed(*subscriber);
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
    auto publisher = connected("-pub", true, 1, "/will");
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
    refusal();
    limits();
    _exit(0); /* the publisher goes without a DISCONNECT */
}
