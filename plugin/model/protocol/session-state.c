/* session-state.c - what was in flight and subscribed goes along with its session, or ends with it (MQTT 5.0 section 4.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "session-state.h"

#include "../evidence/missing-connect.h"
#include "connection.h"
#include "subscriptions.h"

/** Moves what was in flight to the Client's new connection; the ends of the two may be numbered differently. */
static bool inherit_inflight(struct track_connection *to, unsigned broker, struct track_connection *from,
                             unsigned old_broker)
{
    struct track_file_memory *memory = &to->capture->memory;
    bool servers = track_inflight_inherit(memory, &to->inflight[broker], &from->inflight[old_broker]);
    bool clients = track_inflight_inherit(memory, &to->inflight[1 - broker], &from->inflight[1 - old_broker]);
    return servers && clients;
}

static bool has_ended(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);
    return transport.is_finished || transport.is_reset || connection->session.disconnected;
}

/** The connection takes up the session of the Client's connection before. */
static void take_up(struct track_context *tracking, struct track_connection *previous)
{
    struct track_connection *connection = tracking->connection;
    const struct track_endpoint *broker = &connection->transport.ends[tracking->snapshot.broker];
    const struct track_snapshot *old = track_latest_snapshot(previous);

    if (track_missing_connect_frame(tracking->capture, broker) > previous->session.connack.frame) {
        tracking->snapshot.session_known &= connection->session.clean_start;
    } else if (!connection->session.clean_start && old->broker != TRACK_END_UNKNOWN) {
        previous->session.lost_inflight |=
            !has_ended(previous) && previous->inflight[0].entries.count + previous->inflight[1].entries.count > 0;
        bool is_whole = inherit_inflight(connection, tracking->snapshot.broker, previous, old->broker);
        tracking->snapshot.session_known = is_whole && old->session_known && !old->has_gap;
    }
}

/** A Client that is refused takes nothing over: the session goes back to the connection that had it. */
static void give_back(struct track_connection *connection, unsigned broker)
{
    struct track_connection *previous = connection->session.previous;
    struct track_session *session = connection->session.stored;

    if (previous == NULL || session == NULL || session->last != connection)
        return;
    session->last = previous;
    if (connection->session.takes_over)
        previous->session.taken_over = false;
    const struct track_snapshot *old = track_latest_snapshot(previous);
    if (old->broker != TRACK_END_UNKNOWN)
        inherit_inflight(previous, old->broker, connection, broker);
}

void track_withdraw_from_session(struct track_connection *connection)
{
    struct track_connection_session *session = &connection->session;
    const struct track_snapshot *latest = track_latest_snapshot(connection);

    if (session->previous != NULL && latest->broker != TRACK_END_UNKNOWN) {
        give_back(connection, latest->broker);
        session->previous->session.lost_inflight = false;
    } else if (session->stored != NULL && session->stored->last == connection) {
        session->stored->last = NULL;
    }
    session->stored = NULL;
    session->previous = NULL;
    session->takes_over = false;
}

/** The session of the Client's connection before has ended: what that had in flight is given up. */
static void end_previous(struct track_context *tracking)
{
    struct track_connection *previous = tracking->connection->session.previous;

    if (previous == NULL || !has_ended(previous))
        return;
    for (unsigned end = 0; end < 2; end++) {
        previous->session.lost_inflight |= previous->inflight[end].entries.count > 0;
        track_inflight_clear(&tracking->capture->memory, &previous->inflight[end], false);
    }
    tracking->ended = previous;
}

/** The Server's answer: is the session new? */
static void settle(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;

    if (packet->reason != 0) {
        give_back(connection, tracking->snapshot.broker);
        return;
    }
    bool is_new = !connection->session.session_present && packet->version != MQTT_V31;
    if (is_new) {
        track_inflight_clear(&tracking->capture->memory, &connection->inflight[0], true);
        track_inflight_clear(&tracking->capture->memory, &connection->inflight[1], true);
        tracking->snapshot.session_known = track_has_history(tracking);
    }
    if (is_new || connection->session.clean_start)
        end_previous(tracking);
    if ((is_new || connection->session.clean_start) && connection->session.stored != NULL)
        track_subscriptions_clear(tracking->capture, connection->session.stored);
}

void track_update_session_state(struct track_context *tracking)
{
    if (tracking->joined != NULL)
        take_up(tracking, tracking->joined);
    if (tracking->packet->type == MQTT_TYPE_CONNACK && tracking->packet->reason_at != 0 &&
        track_is_from_server(tracking))
        settle(tracking);
}
