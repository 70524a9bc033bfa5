/* packet-id-state.c - keeps the record of a connection that the observers of exchanges need, and says how far it can be trusted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-state.h"

struct track_packet_id_state *track_packet_id_state_of(struct track_connection *connection)
{
    if (connection->packet_ids == NULL)
        connection->packet_ids = wmem_new0(connection->capture->scope, struct track_packet_id_state);
    return connection->packet_ids;
}

bool track_is_sequence_complete(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    /* Without a CONNACK perhaps only one direction was captured; without numbers nothing tells what is missing. */
    return connection->is_watched && !connection->is_unsure && !connection->may_lose &&
           tracking->arrival->has_numbers && connection->connack_seen && tracking->snapshot.connect_seen &&
           !tracking->snapshot.has_gap && !connection->ends[tracking->sender].acks_unseen;
}

struct track_packet_id_history *track_find_packet_id_history(const struct track_packet_id_state *packet_ids,
                                                             unsigned end, uint16_t packet_id)
{
    wmem_map_t *histories = packet_ids->ends[end].histories;
    return histories != NULL ? (struct track_packet_id_history *)wmem_map_lookup(histories, GUINT_TO_POINTER(packet_id))
                             : NULL;
}

/** A lost segment shows only when its direction goes on. Until then it shows in what the other end acknowledges: more
 *  than was captured. Then the packet's sender knows something that the capture does not. */
static void follow_numbers(struct track_context *tracking)
{
    const struct track_arrival *arrival = tracking->arrival;
    struct track_end *own = &tracking->connection->ends[tracking->sender];
    struct track_end *other = &tracking->connection->ends[1 - tracking->sender];

    if (arrival->has_numbers && !other->has_seen_to) {
        /* At the CONNECT it is the handshake of the transport that is acknowledged, and no packet. */
        other->has_seen_to = true;
        other->seen_to = arrival->got_to;
    }
    own->acks_unseen = track_sender_received_uncaptured(tracking);
    own->has_seen_to = arrival->has_numbers;
    own->seen_to = arrival->sent_to;
}

/** True where a packet of an exchange does not show its Packet Identifier: cut, or broken off before it. */
static bool lacks_identifier(const struct mqtt_packet *packet)
{
    if (packet->packet_id_at != 0)
        return false;
    return packet->type == MQTT_TYPE_PUBLISH ? packet->publish.qos != 0
                                             : packet->type > MQTT_TYPE_PUBLISH && packet->type < MQTT_TYPE_PINGREQ;
}

void track_update_packet_id_state(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    const struct mqtt_packet *packet = tracking->packet;

    if (packet->type == MQTT_TYPE_CONNECT && connection->capture->options.observes) {
        /* What a second CONNECT on one stream leaves under way is anybody's guess. */
        connection->is_unsure |= connection->is_watched || connection->has_packets;
        connection->is_watched = true;
    }
    follow_numbers(tracking);
    connection->is_unsure |= lacks_identifier(packet);
}
