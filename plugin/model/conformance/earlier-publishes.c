/* earlier-publishes.c - what the Client's earlier connections leave to tell of a PUBLISH with DUP 1 in a new session.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "earlier-publishes.h"

#include "../evidence/missing-connect.h"
#include "../evidence/receipt.h"
#include "../protocol/connection.h"
#include "checks.h"

static void add_unfinished(struct track_earlier_end *end, struct track_unfinished_publish publish)
{
    if (end->count < TRACK_UNFINISHED_MAX)
        end->unfinished[end->count++] = publish;
    else
        end->is_more = true;
}

/** Adds the PUBLISHes that are in flight. */
static void add_inflight(struct track_earlier_end *end, const struct track_inflight *inflight)
{
    if (inflight->entries.count == 0)
        return;
    wmem_array_t *entries = track_inflight_entries(inflight);
    for (unsigned i = 0; i < wmem_array_get_count(entries) && !end->is_more; i++) {
        const struct track_inflight_entry *entry = *(struct track_inflight_entry **)wmem_array_index(entries, i);
        if (entry->type == MQTT_TYPE_PUBLISH)
            add_unfinished(end, (struct track_unfinished_publish){entry->waiting.first_frame, entry->content_hash,
                                                                  entry->by_id.id, entry->qos});
    }
    wmem_destroy_array(entries);
}

/** Adds what one end published on the connection before, and what that knew of earlier ones. */
static void add_end(struct track_earlier_end *end, const struct track_packet_id_end_state *state,
                    const struct track_earlier_end *earlier)
{
    if (state != NULL) {
        end->ids |= state->ids;
        end->highest_id = MAX(end->highest_id, state->highest_id);
    }
    if (earlier == NULL)
        return;
    end->ids |= earlier->ids;
    end->highest_id = MAX(end->highest_id, earlier->highest_id);
    end->is_more |= earlier->is_more;
    for (unsigned i = 0; i < earlier->count; i++)
        add_unfinished(end, earlier->unfinished[i]);
}

/** True where the connection before and all earlier ones of the Client were captured from end to end. */
static bool are_whole(const struct track_context *tracking, const struct track_connection *previous,
                      const struct track_earlier_publishes *earlier)
{
    const struct track_snapshot *old = track_latest_snapshot(previous);
    const struct track_endpoint *broker = &tracking->connection->transport.ends[tracking->snapshot.broker];
    struct track_transport_state transport = track_transport_state_of(previous);

    if (old->has_gap || track_is_sequence_broken(previous) || previous->may_lose ||
        !previous->checks->sequence.has_connect || track_lacks_last_packets(&previous->progress, &transport) ||
        track_missing_connect_frame(tracking->capture, broker) != 0)
        return false;
    return previous->session.previous == NULL ? old->session_known : earlier != NULL && earlier->is_whole;
}

void track_update_earlier_publishes(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *previous = connection->session.previous;
    bool is_new =
        connection->session.clean_start || (!connection->session.session_present && packet->version != MQTT_V31);

    if (packet->type != MQTT_TYPE_CONNACK || packet->reason_at == 0 || packet->reason != 0 || previous == NULL ||
        !is_new || !track_is_from_server(tracking))
        return;
    unsigned broker = tracking->snapshot.broker;
    unsigned old_broker = track_latest_snapshot(previous)->broker;
    struct track_packet_id_state *state = track_packet_id_state_of(tracking);
    if (state == NULL || state->earlier != NULL || old_broker == TRACK_END_UNKNOWN)
        return;
    state->earlier = (struct track_earlier_publishes *)track_alloc(tracking, sizeof *state->earlier);
    if (state->earlier == NULL)
        return;
    const struct track_packet_id_state *old = previous->checks->packet_ids;
    const struct track_earlier_publishes *earlier = old != NULL ? old->earlier : NULL;
    struct track_earlier_publishes *all = state->earlier;
    all->is_whole = are_whole(tracking, previous, earlier);
    /* What was in flight is with the new connection already where that asked for the old session. */
    add_inflight(&all->client, &previous->inflight[1 - old_broker]);
    add_inflight(&all->client, &connection->inflight[1 - broker]);
    add_inflight(&all->server, &previous->inflight[old_broker]);
    add_inflight(&all->server, &connection->inflight[broker]);
    add_end(&all->client, old != NULL ? &old->ends[1 - old_broker] : NULL, earlier != NULL ? &earlier->client : NULL);
    add_end(&all->server, old != NULL ? &old->ends[old_broker] : NULL, earlier != NULL ? &earlier->server : NULL);
}

bool track_is_new_to_client(const struct track_earlier_publishes *earlier, const struct track_earlier_end *end,
                            uint16_t packet_id)
{
    bool was_used = packet_id <= end->highest_id && end->ids >> packet_id % 64 & 1;
    return earlier->is_whole && end->count == 0 && !was_used;
}

uint32_t track_find_unfinished(const struct track_earlier_end *end, uint16_t packet_id, unsigned qos,
                               uint32_t content_hash)
{
    for (unsigned i = 0; i < end->count; i++) {
        const struct track_unfinished_publish *each = &end->unfinished[i];
        if (each->packet_id == packet_id && each->qos == qos && each->content_hash == content_hash)
            return each->frame;
    }
    return 0;
}
