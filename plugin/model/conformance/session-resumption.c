/* session-resumption.c - holds a connection against the one that its Client had before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Client may connect where nobody captures, and a Server may drop state or be restarted: what is noticed here is never
 * certain. Little is said where the older connection's end was not seen, or where both differ in user or version.
 */
#include "check-delivery.h"

static const uint32_t NEVER = UINT32_MAX;

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t LONG_ENOUGH_NS = INT64_C(30000000000);

/** Takes in what a packet says of how long the session outlives the connection. */
static void read_expiry(struct track_connection *connection, const struct mqtt_packet *packet)
{
    const struct mqtt_property *property =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SESSION_EXPIRY_INTERVAL);

    if (property != NULL)
        connection->expiry_s = property->number;
    if (property != NULL || (packet->version == MQTT_V50 && !track_has_all_properties(packet)))
        connection->is_expiry_known = property != NULL;
}

/** Two connections that a Server may tell apart by more than the Client Identifier. */
static bool is_same_user(const struct track_connection *one, const struct track_connection *other)
{
    return one->user_hash == other->user_hash && track_connection_version(one) == track_connection_version(other);
}

static void track_connect(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    struct mqtt_span user = packet->connect.user_name;

    connection->user_hash = track_has_span(packet, user) ? track_hash_bytes(packet->bytes + user.at, user.length) : 0;
    connection->expiry_s = packet->version != MQTT_V50 && !connection->clean_start ? NEVER : 0;
    connection->is_expiry_known = true;
    read_expiry(connection, packet);
    if (connection->takes_over && connection->previous->transport.handle != NULL &&
        connection->previous->user_hash == connection->user_hash)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_CLIENT_ID_IN_USE,
                                                              .at = packet->connect.client_id,
                                                              .value = connection->previous->number});
}

/** Whether the Server held a session, against what the Client's connection before left behind. */
static void compare_sessions(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *before = connection->previous;
    const struct track_snapshot *old = track_latest_snapshot(before);
    struct track_transport_state transport = track_transport_state_of(before);
    bool was_left = before->disconnected && before->disconnected_by == 1 - old->broker;
    int64_t end_ns = before->disconnected ? before->disconnected_ns : transport.last_ns;
    bool has_missing_connect =
        track_missing_connect_frame(connection->capture, connection->session->broker) > before->connack.frame;
    struct track_anomaly seen = {.at = {tracking->packet->ack_flags_at, 1}, .other = before->expiry_s};

    if (connection->clean_start || !before->connack_seen || before->connack_code != 0 || old->has_gap ||
        connection->takes_over || has_missing_connect ||
        !(before->disconnected || transport.is_finished || transport.is_reset) || end_ns == TRACK_TIME_UNKNOWN ||
        !before->is_expiry_known)
        return;
    int64_t elapsed_s = (tracking->now_ns - end_ns) / SECOND_NS;
    seen.value = (uint32_t)MIN(MAX(elapsed_s, 0), UINT32_MAX);
    if (connection->session_present && before->expiry_s == 0) {
        seen.kind = TRACK_ANOMALY_ENDED_SESSION_PRESENT;
        if (tracking->packet->version == MQTT_V50 && !was_left)
            seen.doubt = TRACK_DOUBT_EARLIER_END;
        track_report_anomaly(tracking, seen);
    } else if (connection->session_present && before->expiry_s != NEVER) {
        int64_t slack_s = 10 + (was_left ? 0 : old->keep_alive_s * 3 / 2);
        seen.kind = TRACK_ANOMALY_EXPIRED_SESSION_PRESENT;
        if (elapsed_s > before->expiry_s + slack_s)
            track_report_anomaly(tracking, seen);
    } else if (!connection->session_present && before->expiry_s > 0 && was_left && elapsed_s + 2 < before->expiry_s) {
        seen.kind = TRACK_ANOMALY_SESSION_LOST;
        if (elapsed_s > 10)
            seen.doubt = TRACK_DOUBT_RESTART;
        track_report_anomaly(tracking, seen);
    }
}

static void track_connack(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    const struct mqtt_property *assigned =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_ASSIGNED_CLIENT_IDENTIFIER);

    if (packet->reason_at == 0 || packet->reason != 0)
        return;
    read_expiry(connection, packet);
    if (packet->fault.kind != MQTT_FAULT_NONE || connection->previous == NULL ||
        connection->previous->user_hash != connection->user_hash)
        return;
    if (assigned != NULL) {
        if (connection->takes_over)
            track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ASSIGNED_ID_IN_USE,
                                                                  .at = assigned->whole,
                                                                  .value = connection->previous->number});
    } else if (packet->version != MQTT_V31 && is_same_user(connection, connection->previous)) {
        compare_sessions(tracking);
    }
}

/** The Server goes on with a connection that another one has taken the place of. */
static void track_replaced(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    const struct track_connection *successor = connection->session != NULL ? connection->session->last : NULL;
    bool is_accepted =
        successor != NULL && successor != connection && successor->connack_seen && successor->connack_code == 0;

    if (!is_accepted || connection->goes_on || tracking->packet->type == MQTT_TYPE_DISCONNECT ||
        tracking->now_ns - successor->connack.ns < 2 * SECOND_NS || !is_same_user(connection, successor))
        return;
    connection->goes_on = true;
    track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_REPLACED_GOES_ON,
                                                          .frame = successor->connack.frame,
                                                          .value = successor->number});
}

/** A session was taken up again long ago: was all sent again that was in flight? */
static void track_duties(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    bool is_server = tracking->sender == tracking->snapshot.broker;
    bool has_duty = tracking->snapshot.version == MQTT_V311 ? connection->session_present
                                                            : tracking->snapshot.version == MQTT_V31 && is_server;
    const struct track_connection *before = connection->previous;
    const struct track_inflight_entry *entry;

    /* In 3.1 nothing tells whether a session was there before the capture: what was seen sent counts. */
    if (before == NULL ||
        (tracking->snapshot.version == MQTT_V31 ? track_latest_snapshot(before)->has_gap || before->previous != NULL
                                                : !tracking->snapshot.session_known))
        return;
    if (!has_duty || connection->has_checked_resends[tracking->sender] || connection->clean_start ||
        connection->connack.frame == 0 || tracking->now_ns - connection->connack.ns < LONG_ENOUGH_NS)
        return;
    connection->has_checked_resends[tracking->sender] = true;
    entry = track_inflight_find_older(&connection->ends[tracking->sender].inflight, connection->connack.frame);
    if (entry != NULL)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_NOT_SENT_AGAIN,
                                                              .frame = entry->waiting.first_frame,
                                                              .value = entry->packet_id});
}

/** What a Client sends again after it came back has the Packet Identifier of the first time. */
static void track_resend(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    bool is_linked = tracking->record != NULL && tracking->record->first_sent_in != 0;

    if (is_linked || !tracking->packet->publish.dup || tracking->packet->packet_id_at == 0)
        return;
    const struct track_inflight *inflight = &connection->ends[tracking->sender].inflight;
    const struct track_inflight_entry *entry = track_inflight_find(inflight, tracking->packet->packet_id);
    const struct track_inflight_entry *twin = entry != NULL ? track_inflight_find_twin(inflight, entry) : NULL;
    if (twin != NULL)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_RENUMBERED,
                                                              .at = {tracking->packet->packet_id_at, 2},
                                                              .frame = twin->waiting.first_frame,
                                                              .value = twin->packet_id});
}

void track_check_resumption(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    bool is_client = tracking->snapshot.broker == 1 - tracking->sender;

    if (!connection->capture->options.observes || tracking->snapshot.broker == TRACK_END_UNKNOWN)
        return;
    if (is_client && packet->type == MQTT_TYPE_CONNECT)
        track_connect(tracking);
    else if (!is_client && packet->type == MQTT_TYPE_CONNACK)
        track_connack(tracking);
    else if (is_client && packet->type == MQTT_TYPE_DISCONNECT)
        read_expiry(connection, packet);
    if (packet->type == MQTT_TYPE_DISCONNECT && connection->disconnected_ns == 0)
        connection->disconnected_ns = tracking->now_ns;
    track_update_will(tracking);
    if (!is_client && connection->taken_over)
        track_replaced(tracking);
    if (is_client && packet->type == MQTT_TYPE_PUBLISH && connection->previous != NULL)
        track_resend(tracking);
    track_duties(tracking);
}
