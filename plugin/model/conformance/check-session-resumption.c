/* check-session-resumption.c - compares a connection with the one that its Client had before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Client may connect where nobody captures, and a Server may drop state or be restarted: what is found here is never
 * certain. Little is said where the older connection's end was not captured, or where both differ in user or version.
 */
#include "check-session-resumption.h"

#include "../evidence/missing-connect.h"
#include "../evidence/report-anomaly.h"
#include "../evidence/report-event.h"
#include "../protocol/connection.h"
#include "checks.h"

static const uint32_t NEVER = UINT32_MAX;

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t LONG_ENOUGH_NS = INT64_C(30000000000);

/** Two connections that a Server may tell apart by more than the Client Identifier. */
static bool is_same_user(const struct track_connection *one, const struct track_connection *other)
{
    return one->session.user_hash == other->session.user_hash &&
           track_latest_snapshot(one)->version == track_latest_snapshot(other)->version;
}

/** Whether the Server says that it has a session, compared with what the Client's connection before left. */
static void compare_sessions(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *previous = connection->session.previous;
    const struct track_snapshot *old = track_latest_snapshot(previous);
    struct track_transport_state transport = track_transport_state_of(previous);
    bool was_left = previous->session.disconnected && previous->session.disconnected_by == 1 - old->broker;
    int64_t end_ns = previous->session.disconnected ? previous->session.disconnected_ns : transport.last_ns;
    bool has_missing_connect = track_missing_connect_frame(connection->capture, connection->session.stored->broker) >
                               previous->session.connack.frame;
    bool is_whole = previous->session.connack_seen && !old->has_gap && !has_missing_connect;
    struct track_anomaly found = {.lack = is_whole ? TRACK_LACK_NOTHING : TRACK_LACK_EARLIER,
                                  .at = {tracking->packet->ack_flags_at, 1},
                                  .other = previous->session.expiry_s};

    if (connection->session.clean_start || previous->session.connack_code != 0 || connection->session.takes_over ||
        !(previous->session.disconnected || transport.is_finished || transport.is_reset) ||
        end_ns == TRACK_TIME_UNKNOWN || !previous->session.is_expiry_known)
        return;
    const struct track_clock *clock = &tracking->capture->clock;
    uint32_t expiry_s = previous->session.expiry_s;
    int64_t elapsed_s = track_least_elapsed_ns(clock, end_ns, tracking->now_ns) / SECOND_NS;
    int64_t most_elapsed_s = track_most_elapsed_ns(clock, end_ns, tracking->now_ns) / SECOND_NS;
    found.value = (uint32_t)MIN(MAX(elapsed_s, 0), UINT32_MAX);
    if (connection->session.session_present && expiry_s == 0) {
        found.kind = TRACK_ANOMALY_ENDED_SESSION_PRESENT;
        if (tracking->packet->version == MQTT_V50 && !was_left)
            found.doubt = TRACK_DOUBT_EARLIER_END;
        track_report_anomaly(tracking, found);
    } else if (connection->session.session_present && expiry_s != NEVER) {
        int64_t slack_s = 10 + (was_left ? 0 : old->keep_alive_s * 3 / 2);
        found.kind = TRACK_ANOMALY_EXPIRED_SESSION_PRESENT;
        if (elapsed_s > expiry_s + slack_s)
            track_report_anomaly(tracking, found);
    } else if (!connection->session.session_present && expiry_s > 0 && was_left &&
               (expiry_s == NEVER || most_elapsed_s < (int64_t)expiry_s - 2)) {
        found.kind = TRACK_ANOMALY_SESSION_LOST;
        if (is_whole)
            track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_session_not_found,
                                                              .by = (uint8_t)tracking->sender,
                                                              .ns = tracking->now_ns - end_ns});
        if (most_elapsed_s > 10)
            found.doubt = TRACK_DOUBT_RESTART;
        track_report_anomaly(tracking, found);
    }
}

static void compare_connack(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connection *connection = tracking->connection;
    const struct mqtt_property *assigned =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_ASSIGNED_CLIENT_IDENTIFIER);

    if (packet->reason_at == 0 || packet->reason != 0)
        return;
    if (packet->fault.kind != MQTT_FAULT_NONE || connection->session.previous == NULL ||
        connection->session.previous->session.user_hash != connection->session.user_hash)
        return;
    if (assigned != NULL) {
        /* Where its CONNACK was not captured, the older connection may have been refused. */
        if (connection->session.takes_over && connection->session.previous->session.connack_seen)
            track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ASSIGNED_ID_IN_USE,
                                                                  .at = assigned->whole,
                                                                  .value = connection->session.previous->number});
    } else if (packet->version != MQTT_V31 && is_same_user(connection, connection->session.previous)) {
        compare_sessions(tracking);
    }
}

/** The Server continues with a connection that another one has taken over. */
static void check_taken_over(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    struct track_resumption_check *state = &tracking->checks->resumption;
    const struct track_connection *successor =
        connection->session.stored != NULL ? connection->session.stored->last : NULL;
    bool is_accepted = successor != NULL && successor != connection && successor->session.connack_seen &&
                       successor->session.connack_code == 0;

    if (!is_accepted || state->continues_after_takeover || tracking->packet->type == MQTT_TYPE_DISCONNECT ||
        track_least_elapsed_ns(&tracking->capture->clock, successor->session.connack.ns, tracking->now_ns) <
            2 * SECOND_NS ||
        !is_same_user(connection, successor))
        return;
    state->continues_after_takeover = true;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_CONTINUES_AFTER_TAKEOVER,
                                                          .frame = successor->session.connack.frame,
                                                          .value = successor->number});
}

/** A session was resumed long ago: was all re-sent that was in flight? */
static void check_resend_obligations(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    bool *has_checked = &tracking->checks->resumption.has_checked_resends[tracking->sender];
    bool is_server = tracking->sender == tracking->snapshot.broker;
    bool is_obliged = tracking->snapshot.version == MQTT_V311 ? connection->session.session_present
                                                              : tracking->snapshot.version == MQTT_V31 && is_server;
    const struct track_connection *previous = connection->session.previous;
    const struct track_inflight_entry *entry;

    if (previous == NULL || !is_obliged || *has_checked || connection->session.clean_start ||
        connection->session.connack.frame == 0 ||
        track_least_elapsed_ns(&tracking->capture->clock, connection->session.connack.ns, tracking->now_ns) <
            LONG_ENOUGH_NS)
        return;
    *has_checked = true;
    /* In 3.1 nothing tells whether a session was there before the capture: what was captured counts. */
    bool is_sure = tracking->snapshot.version == MQTT_V31
                       ? !track_latest_snapshot(previous)->has_gap && previous->session.previous == NULL
                       : tracking->snapshot.session_known;
    entry = track_inflight_find_older(&connection->inflight[tracking->sender], connection->session.connack.frame);
    if (entry != NULL)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_NOT_RESENT,
                                                              .lack = is_sure ? TRACK_LACK_NOTHING : TRACK_LACK_SESSION,
                                                              .frame = entry->waiting.first_frame,
                                                              .value = entry->by_id.id});
}

/** What a Client re-sends after it came back has the Packet Identifier of the first time. */
static void check_renumbered(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    bool is_linked = tracking->record != NULL && tracking->record->first_sent_in != 0;

    if (is_linked || !tracking->packet->publish.dup || tracking->packet->packet_id_at == 0)
        return;
    const struct track_inflight *inflight = &connection->inflight[tracking->sender];
    const struct track_inflight_entry *entry = track_inflight_find(inflight, tracking->packet->packet_id);
    const struct track_inflight_entry *twin = entry != NULL ? track_inflight_find_twin(inflight, entry) : NULL;
    if (twin != NULL)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_RENUMBERED,
                                                              .at = {tracking->packet->packet_id_at, 2},
                                                              .frame = twin->waiting.first_frame,
                                                              .value = twin->by_id.id});
}

void track_check_session_resumption(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connection_session *session = &tracking->connection->session;

    if (tracking->snapshot.broker == TRACK_END_UNKNOWN || (session->previous == NULL && !session->taken_over))
        return;
    if (track_is_from_server(tracking) && packet->type == MQTT_TYPE_CONNACK)
        compare_connack(tracking);
    if (track_is_from_server(tracking) && session->taken_over)
        check_taken_over(tracking);
    if (track_is_from_client(tracking) && packet->type == MQTT_TYPE_PUBLISH && session->previous != NULL)
        check_renumbered(tracking);
    check_resend_obligations(tracking);
}
