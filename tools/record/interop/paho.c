/* paho.c - the scenario of tools/interop with Eclipse Paho's client for C.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * usage: paho VERSION NAME, VERSION 3, 4 or 5; the broker is at 127.0.0.1:1883. Each step is tried; what a broker refuses is left.
 */
#include <MQTTClient.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int version;
static const char *name;

static char *joined(const char *end)
{
    static char texts[8][64];
    static unsigned next;
    char *text = texts[next++ % 8];

    snprintf(text, 64, "%s%s", name, end);
    return text;
}

static int on_message(void *context, char *topic, int length, MQTTClient_message *message)
{
    (void)context, (void)length;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static MQTTClient connected_as(const char *suffix, bool is_clean, int keep_alive_s, const char *will_topic,
                               const char *address, const char *wrong_user, const MQTTProperty *limits,
                               int limits_count)
{
    char uri[64];
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions options_5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTClient client;

    create.MQTTVersion = version;
    if (version == MQTTVERSION_5)
        options = options_5;
    snprintf(uri, sizeof uri, "tcp://%s:1883", address);
    MQTTClient_createWithOptions(&client, uri, suffix[0] != '\0' ? joined(suffix) : "", MQTTCLIENT_PERSISTENCE_NONE,
                                 NULL, &create);
    MQTTClient_setCallbacks(client, NULL, NULL, on_message, NULL);
    options.keepAliveInterval = keep_alive_s;
    options.reliable = 0; /* more than one message in flight */
    options.MQTTVersion = version;
    options.username = wrong_user != NULL ? wrong_user : getenv("INTEROP_USER");
    options.password = wrong_user != NULL ? "wrong" : getenv("INTEROP_PASSWORD");
    if (will_topic != NULL) {
        will.topicName = joined(will_topic);
        will.message = "gone away";
        will.qos = 1;
        options.will = &will;
    }
    if (version != MQTTVERSION_5) {
        options.cleansession = is_clean;
        MQTTClient_connect(client, &options);
        return client;
    }
    options.cleanstart = is_clean;
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 60};
    MQTTProperty maximum = {.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = 5};
    if (!is_clean)
        MQTTProperties_add(&properties, &expiry);
    if (!is_clean && limits_count == 0)
        MQTTProperties_add(&properties, &maximum);
    for (int i = 0; i < limits_count; i++)
        MQTTProperties_add(&properties, &limits[i]);
    MQTTResponse_free(MQTTClient_connect5(client, &options, &properties, NULL));
    MQTTProperties_free(&properties);
    return client;
}

static MQTTClient connected(const char *suffix, bool is_clean, int keep_alive_s, const char *will_topic)
{
    return connected_as(suffix, is_clean, keep_alive_s, will_topic, "127.0.0.1", NULL, NULL, 0);
}

static void subscribe(MQTTClient client, const char *filter, int qos)
{
    if (version == MQTTVERSION_5)
        MQTTResponse_free(MQTTClient_subscribe5(client, filter, qos, NULL, NULL));
    else
        MQTTClient_subscribe(client, filter, qos);
}

static void publish(MQTTClient client, const char *topic, const char *text, int qos, bool retain,
                    MQTTProperties *properties)
{
    MQTTClient_message message = MQTTClient_message_initializer;
    MQTTClient_deliveryToken token = 0;

    message.payload = (void *)text;
    message.payloadlen = (int)strlen(text);
    message.qos = qos;
    message.retained = retain;
    if (properties != NULL)
        message.properties = *properties;
    if (version == MQTTVERSION_5)
        MQTTResponse_free(MQTTClient_publishMessage5(client, topic, &message, &token));
    else
        MQTTClient_publishMessage(client, topic, &message, &token);
    if (qos > 0)
        MQTTClient_waitForCompletion(client, token, 1000);
}

static void closed(MQTTClient client)
{
    if (version == MQTTVERSION_5)
        MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL);
    else
        MQTTClient_disconnect(client, 1000);
    MQTTClient_destroy(&client);
}

static void only_of_5(MQTTClient client)
{
    MQTTProperties alias = MQTTProperties_initializer, all = MQTTProperties_initializer;
    MQTTProperty number = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS, .value.integer2 = 1};
    MQTTProperty pair = {
        .identifier = MQTTPROPERTY_CODE_USER_PROPERTY, .value.data = {3, "key"}, .value.value = {5, "value"}};
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_MESSAGE_EXPIRY_INTERVAL, .value.integer4 = 60};
    MQTTClient shared = connected("-share", true, 60, NULL);
    char filter[96];

    snprintf(filter, sizeof filter, "$share/group/%s/shared", name);
    subscribe(shared, filter, 1);
    publish(client, joined("/shared"), "for one of the group", 1, false, NULL);
    MQTTProperties_add(&alias, &number);
    publish(client, joined("/zero"), "sets the alias", 0, false, &alias);
    publish(client, "", "uses the alias", 0, false, &alias);
    MQTTProperties_add(&all, &pair);
    MQTTProperties_add(&all, &expiry);
    publish(client, joined("/one"), "with properties", 1, false, &all);
    MQTTProperties_free(&alias);
    MQTTProperties_free(&all);
    closed(shared);
}

static const char *const topics[] = {"/zero", "/one", "/two"};

static void publisher(void)
{
    sleep(1);
    MQTTClient client = connected("-pub", true, 1, "/will");
    for (int topic = 0; topic < 3; topic++)
        for (int qos = 0; qos < 3; qos++)
            publish(client, joined(topics[topic]), "a message", qos, false, NULL);
    publish(client, joined("/kept"), "a retained message", 1, true, NULL);
    usleep(2500000);
    publish(client, joined("/two"), "while the subscriber is away", 2, false, NULL);
    publish(client, joined("/one"), "the second while it is away", 1, false, NULL);
    sleep(2);
    if (version == MQTTVERSION_5)
        only_of_5(client);
    sleep(3);
    _exit(0);
}

/* What a broker may refuse: the password, a long Keep Alive, an empty Client Identifier, a Will, a subscription, a message. */
static void refusal(void)
{
    const char *wrong_user = getenv("INTEROP_WRONG_USER");

    closed(connected_as("-wrong", true, 60, NULL, "127.0.0.1", wrong_user != NULL ? wrong_user : "nobody", NULL, 0));
    closed(connected("-idle", true, 600, NULL));
    closed(connected("", false, 60, NULL));
    closed(connected("-mourned", true, 60, "/forbidden"));
    MQTTClient refused = connected("-refused", true, 60, NULL);
    char *filters[] = {joined("/forbidden"), joined("/zero")};
    int qos[] = {1, 1};
    if (version == MQTTVERSION_5)
        MQTTResponse_free(MQTTClient_subscribeMany5(refused, 2, filters, qos, NULL, NULL));
    else
        MQTTClient_subscribeMany(refused, 2, filters, qos);
    publish(refused, joined("/forbidden"), "not wanted", 1, false, NULL);
    closed(refused);
}

static void publish_one(const char *address, const char *text, int qos, int alias)
{
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty number = {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS, .value.integer2 = (unsigned short)alias};
    MQTTClient client = connected_as("-high", true, 60, NULL, address, NULL, NULL, 0);

    if (alias > 0)
        MQTTProperties_add(&properties, &number);
    publish(client, joined("/low"), text, qos, false, alias > 0 ? &properties : NULL);
    MQTTProperties_free(&properties);
    closed(client);
}

/* The limits of the client: messages wait for one that takes few at once, and nothing large. Those of the broker: more
 * at once than it takes, then with more than it allows, each on a connection of its own. */
static void limits(void)
{
    static char large[3001];
    const MQTTProperty few[] = {{.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = 2},
                                {.identifier = MQTTPROPERTY_CODE_MAXIMUM_PACKET_SIZE, .value.integer4 = 200},
                                {.identifier = MQTTPROPERTY_CODE_TOPIC_ALIAS_MAXIMUM, .value.integer2 = 3}};
    const char *limited = getenv("INTEROP_LIMITED");
    MQTTClient subscriber = connected_as("-few", false, 60, NULL, "127.0.0.1", NULL, few, 3);

    memset(large, '.', sizeof large - 1);
    subscribe(subscriber, joined("/many"), 2);
    closed(subscriber);
    MQTTClient many = connected("-many", true, 60, NULL);
    for (int i = 0; i < 12; i++) {
        MQTTClient_message message = MQTTClient_message_initializer;
        message.payload = "message";
        message.payloadlen = 7;
        message.qos = 1 + i % 2;
        if (version == MQTTVERSION_5)
            MQTTResponse_free(MQTTClient_publishMessage5(many, joined("/many"), &message, NULL));
        else
            MQTTClient_publishMessage(many, joined("/many"), &message, NULL);
    }
    publish(many, joined("/many"), large + 2600, 1, false, NULL);
    closed(many);
    subscriber = connected_as("-few", false, 60, NULL, "127.0.0.1", NULL, few, 3);
    usleep(1500000);
    closed(subscriber);
    if (limited == NULL)
        return;
    subscriber = connected_as("-low", true, 60, NULL, limited, NULL, NULL, 0);
    subscribe(subscriber, joined("/low"), 2);
    publish_one(limited, "message", 1, 0);
    publish_one(limited, "message", 2, 0);
    publish_one(limited, large, 1, 0);
    if (version == MQTTVERSION_5) {
        publish_one(limited, "the highest alias", 1, 2);
        publish_one(limited, "an alias too high", 1, 9);
    }
    closed(subscriber);
}

int main(int count, char **arguments)
{
    if (count != 3)
        return 3;
    version = atoi(arguments[1]);
    name = arguments[2];
    if (fork() == 0) /* the publisher, before there are threads; it ends without a DISCONNECT */
        publisher();
    MQTTClient subscriber = connected("-sub", false, 60, NULL);
    for (int qos = 0; qos < 3; qos++)
        subscribe(subscriber, joined(topics[qos]), qos);
    sleep(3);
    closed(subscriber);
    sleep(2);
    subscriber = connected("-sub", false, 60, NULL);
    sleep(1);
    subscribe(subscriber, joined("/kept"), 1);
    subscribe(subscriber, joined("/will"), 1);
    sleep(1);
    MQTTClient twin = connected("-sub", false, 60, NULL);
    sleep(1);
    if (version == MQTTVERSION_5)
        MQTTResponse_free(MQTTClient_unsubscribe5(twin, joined("/zero"), NULL));
    else
        MQTTClient_unsubscribe(twin, joined("/zero"));
    sleep(3);
    publish(twin, joined("/kept"), "", 1, true, NULL);
    closed(twin);
    refusal();
    limits();
    return 0;
}
