/* packet-id-state.c - what is remembered of the Packet Identifiers of a connection, and how far it can be trusted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-state.h"

#include "../protocol/connection.h"
#include "checks.h"

struct track_packet_id_state *track_packet_id_state_of(const struct track_context *tracking)
{
    struct track_connection_checks *checks = tracking->checks;

    if (checks->packet_ids == NULL)
        checks->packet_ids = wmem_new0(tracking->capture->memory.scope, struct track_packet_id_state);
    return checks->packet_ids;
}

bool track_is_sequence_broken(const struct track_connection *connection)
{
    return connection->checks->sequence.is_broken || connection->session.lost_inflight;
}

bool track_is_sequence_complete(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    /* Without a CONNACK perhaps only one direction was captured; without numbers nothing tells what is missing. */
    return tracking->checks->sequence.has_connect && !track_is_sequence_broken(connection) && !connection->may_lose &&
           tracking->arrival->has_numbers && connection->session.connack_seen && track_has_history(tracking) &&
           !tracking->progress->ends[tracking->sender].acknowledges_unseen;
}

struct track_packet_id_history *track_find_packet_id_history(const struct track_packet_id_state *state, unsigned end,
                                                             uint16_t packet_id)
{
    wmem_map_t *histories = state->ends[end].histories;
    return histories != NULL ? (struct track_packet_id_history *)wmem_map_lookup(histories, GUINT_TO_POINTER(packet_id))
                             : NULL;
}

struct track_packet_id_history *track_make_packet_id_history(const struct track_context *tracking, unsigned end,
                                                             uint16_t packet_id)
{
    struct track_packet_id_state *state = track_packet_id_state_of(tracking);
    wmem_allocator_t *scope = tracking->capture->memory.scope;
    wmem_map_t **histories = &state->ends[end].histories;
    struct track_packet_id_history *history = track_find_packet_id_history(state, end, packet_id);

    if (history != NULL)
        return history;
    if (*histories == NULL)
        *histories = wmem_map_new(scope, g_direct_hash, g_direct_equal);
    history = wmem_new0(scope, struct track_packet_id_history);
    wmem_map_insert(*histories, GUINT_TO_POINTER(packet_id), history);
    return history;
}

/** True where a packet of a transaction does not show its Packet Identifier: truncated, or malformed before it. */
static bool lacks_identifier(const struct mqtt_packet *packet)
{
    if (packet->packet_id_at != 0)
        return false;
    return packet->type == MQTT_TYPE_PUBLISH ? packet->publish.qos != 0
                                             : packet->type > MQTT_TYPE_PUBLISH && packet->type < MQTT_TYPE_PINGREQ;
}

void track_break_sequence(struct track_context *tracking)
{
    tracking->checks->sequence.is_broken = true;
}

void track_update_sequence(struct track_context *tracking)
{
    struct track_sequence *sequence = &tracking->checks->sequence;

    if (tracking->packet->type == MQTT_TYPE_CONNECT) {
        /* What a second CONNECT on one stream leaves in flight is anybody's guess. */
        sequence->is_broken |= sequence->has_connect || tracking->connection->has_packets;
        sequence->has_connect = true;
    }
    sequence->is_broken |= lacks_identifier(tracking->packet);
}
