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

static MQTTClient connected(const char *suffix, bool is_clean, int keep_alive_s, bool has_will)
{
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer;
    MQTTClient_connectOptions options_5 = MQTTClient_connectOptions_initializer5;
    MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTClient client;

    create.MQTTVersion = version;
    if (version == MQTTVERSION_5)
        options = options_5;
    MQTTClient_createWithOptions(&client, "tcp://127.0.0.1:1883", joined(suffix), MQTTCLIENT_PERSISTENCE_NONE, NULL,
                                 &create);
    MQTTClient_setCallbacks(client, NULL, NULL, on_message, NULL);
    options.keepAliveInterval = keep_alive_s;
    options.MQTTVersion = version;
    options.username = getenv("INTEROP_USER");
    options.password = getenv("INTEROP_PASSWORD");
    will.topicName = joined("/will");
    will.message = "gone away";
    will.qos = 1;
    if (has_will)
        options.will = &will;
    if (version != MQTTVERSION_5) {
        options.cleansession = is_clean;
        MQTTClient_connect(client, &options);
        return client;
    }
    options.cleanstart = is_clean;
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 60};
    MQTTProperty maximum = {.identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = 5};
    if (!is_clean) {
        MQTTProperties_add(&properties, &expiry);
        MQTTProperties_add(&properties, &maximum);
    }
    MQTTResponse_free(MQTTClient_connect5(client, &options, &properties, NULL));
    MQTTProperties_free(&properties);
    return client;
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
    MQTTClient shared = connected("-share", true, 60, false);
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
    MQTTClient client = connected("-pub", true, 1, true);
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

int main(int count, char **arguments)
{
    if (count != 3)
        return 3;
    version = atoi(arguments[1]);
    name = arguments[2];
    if (fork() == 0) /* the publisher, before there are threads; it ends without a DISCONNECT */
        publisher();
    MQTTClient subscriber = connected("-sub", false, 60, false);
    for (int qos = 0; qos < 3; qos++)
        subscribe(subscriber, joined(topics[qos]), qos);
    sleep(3);
    closed(subscriber);
    sleep(2);
    subscriber = connected("-sub", false, 60, false);
    sleep(1);
    subscribe(subscriber, joined("/kept"), 1);
    subscribe(subscriber, joined("/will"), 1);
    sleep(1);
    MQTTClient twin = connected("-sub", false, 60, false);
    sleep(1);
    if (version == MQTTVERSION_5)
        MQTTResponse_free(MQTTClient_unsubscribe5(twin, joined("/zero"), NULL));
    else
        MQTTClient_unsubscribe(twin, joined("/zero"));
    sleep(3);
    publish(twin, joined("/kept"), "", 1, true, NULL);
    closed(twin);
    return 0;
}
