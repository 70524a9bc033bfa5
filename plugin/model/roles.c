/* roles.c - who is the broker, and what the client has become.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything may be 127.0.0.1 and ports may be swapped, so packets decide: some only a Client may send, some only a
 * Server (MQTT 5.0 section 2.1.2). Stronger evidence corrects weaker from its packet on; equal or weaker evidence never
 * overturns what was decided.
 */
#include "state.h"

/** What a packet proves about its sender; MQTT_EVIDENCE_NONE where both ends may send it. */
static enum mqtt_evidence evidence_of(enum mqtt_packet_type type)
{
    switch (type) {
    case MQTT_TYPE_CONNECT:
        return MQTT_EVIDENCE_CONNECT;
    case MQTT_TYPE_CONNACK:
        return MQTT_EVIDENCE_CONNACK;
    case MQTT_TYPE_SUBSCRIBE:
        return MQTT_EVIDENCE_SUBSCRIBE;
    case MQTT_TYPE_SUBACK:
        return MQTT_EVIDENCE_SUBACK;
    case MQTT_TYPE_UNSUBSCRIBE:
        return MQTT_EVIDENCE_UNSUBSCRIBE;
    case MQTT_TYPE_UNSUBACK:
        return MQTT_EVIDENCE_UNSUBACK;
    case MQTT_TYPE_PINGREQ:
        return MQTT_EVIDENCE_PINGREQ;
    case MQTT_TYPE_PINGRESP:
        return MQTT_EVIDENCE_PINGRESP;
    default:
        return MQTT_EVIDENCE_NONE;
    }
}

/** Settles who is the broker. What the other end did while it was taken for the client is not the client's doing. */
static void settle_broker(struct mqtt_tracking *tracking, uint8_t broker)
{
    struct mqtt_connection *connection = tracking->connection;
    struct mqtt_epoch *epoch = &tracking->epoch;

    if (epoch->broker == 1 - broker) {
        epoch->is_bridge = epoch->has_published = epoch->has_subscribed = false;
        connection->last_client_ns = MQTT_TIME_UNKNOWN;
    }
    epoch->broker = broker;
}

void mqtt_track_roles(struct mqtt_tracking *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_epoch *epoch = &tracking->epoch;
    enum mqtt_evidence evidence = evidence_of(packet->type);

    /* Bytes that merely resemble a packet prove nothing. */
    if (evidence > epoch->evidence && mqtt_packet_is_plausible(packet)) {
        bool sent_by_client = mqtt_packet_type_senders(packet->type) == MQTT_SENT_BY_CLIENT;
        settle_broker(tracking, (uint8_t)(sent_by_client ? 1 - tracking->sender : tracking->sender));
        epoch->evidence = (uint8_t)evidence;
    }
    if (epoch->broker == MQTT_END_UNKNOWN || packet->fault.kind > MQTT_FAULT_CUT)
        return;
    if (epoch->broker == tracking->sender) {
        /* Whoever is sent messages subscribed, if only on an earlier connection of the session. */
        epoch->has_subscribed |= packet->type == MQTT_TYPE_PUBLISH;
        return;
    }
    epoch->has_published |= packet->type == MQTT_TYPE_PUBLISH;
    epoch->has_subscribed |= packet->type == MQTT_TYPE_SUBSCRIBE;
    if (packet->type == MQTT_TYPE_CONNECT && packet->connect.level & MQTT_LEVEL_BRIDGE)
        epoch->is_bridge = true;
}

enum mqtt_role mqtt_role_of(const struct mqtt_epoch *epoch, unsigned end)
{
    if (epoch->broker == MQTT_END_UNKNOWN)
        return MQTT_ROLE_UNKNOWN;
    if (epoch->broker == end)
        return MQTT_ROLE_BROKER;
    if (epoch->is_bridge)
        return MQTT_ROLE_BRIDGE;
    if (epoch->has_published)
        return epoch->has_subscribed ? MQTT_ROLE_PUBLISHER_SUBSCRIBER : MQTT_ROLE_PUBLISHER;
    return epoch->has_subscribed ? MQTT_ROLE_SUBSCRIBER : MQTT_ROLE_CLIENT;
}

const char *mqtt_role_name(enum mqtt_role role)
{
    static const char *const names[] = {
        [MQTT_ROLE_UNKNOWN] = "unknown",       [MQTT_ROLE_BROKER] = "broker",
        [MQTT_ROLE_CLIENT] = "client",         [MQTT_ROLE_PUBLISHER] = "publisher",
        [MQTT_ROLE_SUBSCRIBER] = "subscriber", [MQTT_ROLE_PUBLISHER_SUBSCRIBER] = "publisher+subscriber",
        [MQTT_ROLE_BRIDGE] = "bridge",
    };
    return names[role];
}
