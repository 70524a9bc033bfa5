/* roles.c - finds out which end is the broker, and what the client has become.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Everything may be 127.0.0.1 and ports may be swapped, so packets decide: some only a Client may send, some only a
 * Server (MQTT 5.0 section 2.1.2). Stronger evidence corrects weaker from its packet on; equal or weaker evidence never
 * overturns what was decided.
 */
#include "roles.h"

#include "../store/endpoint.h"
#include "connection.h"
#include "keep-alive.h"

/** What a packet proves about its sender; TRACK_EVIDENCE_NONE where both ends may send it. */
static enum track_evidence evidence_of(enum mqtt_packet_type type)
{
    switch (type) {
    case MQTT_TYPE_CONNECT:
        return TRACK_EVIDENCE_CONNECT;
    case MQTT_TYPE_CONNACK:
        return TRACK_EVIDENCE_CONNACK;
    case MQTT_TYPE_SUBSCRIBE:
        return TRACK_EVIDENCE_SUBSCRIBE;
    case MQTT_TYPE_SUBACK:
        return TRACK_EVIDENCE_SUBACK;
    case MQTT_TYPE_UNSUBSCRIBE:
        return TRACK_EVIDENCE_UNSUBSCRIBE;
    case MQTT_TYPE_UNSUBACK:
        return TRACK_EVIDENCE_UNSUBACK;
    case MQTT_TYPE_PINGREQ:
        return TRACK_EVIDENCE_PINGREQ;
    case MQTT_TYPE_PINGRESP:
        return TRACK_EVIDENCE_PINGRESP;
    default:
        return TRACK_EVIDENCE_NONE;
    }
}

/** Settles which end is the broker. */
static void settle_broker(struct track_context *tracking, uint8_t broker)
{
    struct track_snapshot *snapshot = &tracking->snapshot;

    if (snapshot->broker == 1 - broker) {
        const struct track_endpoint *mistaken = &tracking->connection->transport.ends[snapshot->broker];
        if (tracking->capture->first_broker == mistaken)
            tracking->capture->first_broker = NULL;
        snapshot->is_broker_counted = false;
        snapshot->is_bridge = false;
        track_keep_alive_forget(tracking->connection);
    }
    snapshot->broker = broker;
}

/** The end that opened the transport, which is the Client's part, sends what only a Server may: that is a fault, and proves nothing
 *  about its role. The other end proves its own by what only a Client may send. */
static bool is_fault_of_opener(const struct track_context *tracking)
{
    const struct track_transport *transport = &tracking->connection->transport;

    return transport->evidence == TRACK_EVIDENCE_HANDSHAKE && transport->server == 1 - tracking->sender &&
           mqtt_packet_type_senders(tracking->packet->type) == MQTT_SENT_BY_SERVER && track_is_from_client(tracking);
}

/** Finds out whether the file has shown another broker before this one. It is settled with the first packet that shows the broker
 *  at all, and stays: what a packet's broker is called must not hang on what comes after. */
static void count_broker(struct track_context *tracking)
{
    struct track_snapshot *snapshot = &tracking->snapshot;
    const struct track_endpoint *broker = &tracking->connection->transport.ends[snapshot->broker];

    if (tracking->capture->first_broker == NULL)
        tracking->capture->first_broker = broker;
    snapshot->is_further_broker = !track_is_same_endpoint(tracking->capture->first_broker, broker);
    snapshot->is_broker_counted = true;
}

static void note_first(struct track_pdu_ref *first, bool is_one, struct track_pdu_ref pdu)
{
    if (is_one && first->frame == 0)
        *first = pdu;
}

static bool has_come(struct track_pdu_ref first, struct track_pdu_ref pdu)
{
    return first.frame != 0 && !track_is_before(pdu, first);
}

void track_deeds_at(const struct track_connection *connection, struct track_pdu_ref pdu, struct track_deeds deeds[2])
{
    for (unsigned end = 0; end < 2; end++) {
        const struct track_first_sent *first = &connection->first_sent[end];
        deeds[end] = (struct track_deeds){has_come(first->published, pdu), has_come(first->subscribed, pdu)};
    }
}

void track_update_roles(struct track_context *tracking)
{
    struct track_first_sent *sender = &tracking->connection->first_sent[tracking->sender];
    const struct mqtt_packet *packet = tracking->packet;
    struct track_snapshot *snapshot = &tracking->snapshot;
    enum track_evidence evidence = evidence_of(packet->type);

    /* Bytes that merely resemble a packet prove nothing. */
    if (evidence > snapshot->evidence && mqtt_packet_is_plausible(packet) && !is_fault_of_opener(tracking)) {
        bool sent_by_client = mqtt_packet_type_senders(packet->type) == MQTT_SENT_BY_CLIENT;
        settle_broker(tracking, (uint8_t)(sent_by_client ? 1 - tracking->sender : tracking->sender));
        snapshot->evidence = (uint8_t)evidence;
    }
    if (!snapshot->is_broker_counted && snapshot->broker != TRACK_END_UNKNOWN)
        count_broker(tracking);
    if (tracking->arrival->is_first && track_is_from_client(tracking) && packet->type != MQTT_TYPE_CONNECT)
        snapshot->lacks_connect = true;
    if (snapshot->broker == TRACK_END_UNKNOWN || mqtt_is_malformed(packet))
        return;
    note_first(&sender->published, packet->type == MQTT_TYPE_PUBLISH, tracking->pdu);
    note_first(&sender->subscribed, packet->type == MQTT_TYPE_SUBSCRIBE, tracking->pdu);
    if (snapshot->broker == tracking->sender)
        return;
    if (packet->type == MQTT_TYPE_CONNECT && packet->connect.level & MQTT_LEVEL_BRIDGE)
        snapshot->is_bridge = true;
}
