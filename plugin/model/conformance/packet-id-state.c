/* packet-id-state.c - what is remembered of the Packet Identifiers of a connection, and how far it can be trusted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-id-state.h"

#include "../protocol/connection.h"
#include "checks.h"

struct track_packet_id_state *track_packet_id_state_of(struct track_context *tracking)
{
    struct track_packet_id_state **state = &tracking->checks->packet_ids;

    if (*state == NULL)
        *state = (struct track_packet_id_state *)track_alloc(tracking, sizeof **state);
    if (*state == NULL)
        track_break_sequence(tracking);
    return *state;
}

static void free_histories(struct track_file_memory *memory, struct track_id_table *histories)
{
    wmem_array_t *entries = track_id_table_entries(histories);

    for (unsigned i = 0; i < wmem_array_get_count(entries); i++)
        track_file_free(memory, *(struct track_id_entry **)wmem_array_index(entries, i),
                        sizeof(struct track_packet_id_history));
    wmem_destroy_array(entries);
    track_id_table_free(memory, histories);
}

void track_packet_id_state_free(struct track_connection *connection)
{
    struct track_file_memory *memory = &connection->capture->memory;
    struct track_packet_id_state *state = connection->checks->packet_ids;

    connection->checks->packet_ids = NULL;
    for (unsigned end = 0; end < 2 && state != NULL; end++) {
        free_histories(memory, &state->ends[end].histories);
        track_file_free(memory, state->ends[end].failed, sizeof *state->ends[end].failed);
    }
    if (state != NULL)
        track_file_free(memory, state->earlier, sizeof *state->earlier);
    track_file_free(memory, state, sizeof *state);
}

bool track_is_sequence_broken(const struct track_connection *connection)
{
    return connection->checks->sequence.is_broken || connection->session.lost_inflight ||
           connection->inflight[0].is_incomplete || connection->inflight[1].is_incomplete;
}

enum track_lack track_sequence_lack(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;

    if (!tracking->checks->sequence.has_connect)
        return TRACK_LACK_CONNECT;
    /* Without numbers nothing tells what is missing. */
    if (track_is_sequence_broken(connection) || connection->may_lose || !tracking->arrival->has_numbers ||
        tracking->progress->ends[tracking->sender].acknowledges_unseen)
        return TRACK_LACK_BYTES;
    /* Perhaps only one direction was captured. */
    return !connection->session.connack_seen ? TRACK_LACK_CONNACK : track_history_lack(tracking);
}

bool track_is_sequence_complete(const struct track_context *tracking)
{
    return track_sequence_lack(tracking) == TRACK_LACK_NOTHING;
}

struct track_packet_id_history *track_find_packet_id_history(const struct track_packet_id_state *state, unsigned end,
                                                             uint16_t packet_id)
{
    return (struct track_packet_id_history *)track_id_table_find(&state->ends[end].histories, packet_id);
}

struct track_packet_id_history *track_make_packet_id_history(struct track_context *tracking, unsigned end,
                                                             uint16_t packet_id)
{
    struct track_packet_id_state *state = track_packet_id_state_of(tracking);
    struct track_packet_id_history *history =
        state != NULL ? track_find_packet_id_history(state, end, packet_id) : NULL;

    if (state == NULL || history != NULL)
        return history;
    history = (struct track_packet_id_history *)track_alloc(tracking, sizeof *history);
    if (history == NULL) {
        track_break_sequence(tracking);
        return NULL;
    }
    history->by_id.id = packet_id;
    track_id_table_add(&tracking->capture->memory, &state->ends[end].histories, &history->by_id);
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

    if (tracking->ended != NULL)
        track_packet_id_state_free(tracking->ended);
    if (tracking->packet->type == MQTT_TYPE_CONNECT) {
        /* What a second CONNECT on one stream leaves in flight is anybody's guess. */
        sequence->is_broken |= sequence->has_connect || tracking->connection->has_packets;
        sequence->has_connect = true;
    }
    sequence->is_broken |= lacks_identifier(tracking->packet);
}
