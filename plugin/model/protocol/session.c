/* session.c - what CONNECT, CONNACK and DISCONNECT settle: identity, limits, which session is resumed or begun.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "session.h"

#include <string.h>

#include "../evidence/receipt.h"
#include "../facts/captured.h"
#include "../store/endpoint.h"
#include "../store/text.h"
#include "connection.h"
#include "session-table.h"

/** The Server accepted a connection, or may have done so in what was not captured. */
static bool may_be_accepted(const struct track_connection *connection, const struct track_transport_state *transport)
{
    const struct track_progress *progress = &connection->progress;
    bool has_unseen = progress->ends[0].acknowledges_unseen || progress->ends[1].acknowledges_unseen ||
                      track_latest_snapshot(connection)->has_gap;

    if (connection->session.connack_seen)
        return connection->session.connack_code == 0;
    return !connection->connect.is_malformed && (has_unseen || track_lacks_last_packets(progress, transport));
}

/** True while nothing says that a connection has ended, or never began. */
static bool is_alive(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);
    const struct track_connection_session *session = &connection->session;

    return !transport.is_finished && !transport.is_reset && !session->disconnected && !session->taken_over &&
           may_be_accepted(connection, &transport);
}

/** The connection leaves the session that it had: a CONNECT may come again in it, with another Client Identifier or none. */
static void leave_session(struct track_connection *connection)
{
    connection->session.stored = NULL;
    connection->session.previous = NULL;
    connection->session.takes_over = false;
}

/** Gives the connection its Client Identifier, a span of the packet, and joins it to the session of that. */
static void join_session(struct track_context *tracking, struct mqtt_span span)
{
    struct track_connection *connection = tracking->connection;
    const struct track_endpoint *broker = &connection->transport.ends[tracking->snapshot.broker];
    struct track_text *client_id = track_copy_span(tracking->packet, span);

    leave_session(connection);
    if (tracking->snapshot.is_copy) {
        tracking->snapshot.client_id = track_intern_text(tracking->capture, client_id);
        wmem_free(NULL, client_id);
        return;
    }
    struct track_session *session = track_session_of(tracking->capture, broker, client_id);
    wmem_free(NULL, client_id);
    connection->session.stored = session;
    tracking->snapshot.client_id = session != NULL ? session->client_id : NULL;
    if (session == NULL) {
        track_report_memory_limit(tracking);
        tracking->snapshot.session_known = false;
        return;
    }
    struct track_connection *last = session->last;
    session->last = connection;
    if (last == NULL || last == connection)
        return;
    connection->session.previous = tracking->joined = last;
    connection->session.takes_over = is_alive(last);
    if (connection->session.takes_over)
        last->session.taken_over = true;
    if (connection->session.takes_over && tracking->packet->type == MQTT_TYPE_CONNECT) {
        struct track_packet_record *record = track_record_of(tracking);
        record->takes_over = last->number + 1;
        record->is_id_in_use =
            last->transport.handle != NULL && last->session.user_hash == connection->session.user_hash;
    }
}

static uint32_t number_or(const struct mqtt_packet *packet, enum mqtt_property_index index, uint32_t otherwise)
{
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, index);
    return property != NULL ? property->number : otherwise;
}

/** What a CONNECT or CONNACK of MQTT 5.0 allows the other end, defaults where it is silent; NULL where it was not read as
 *  far as that is certain. Most say the same as the latest of their type. */
static const struct track_limits *read_limits(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits **latest = &tracking->capture->limits[packet->type == MQTT_TYPE_CONNACK];
    struct track_limits limits;

    if (!track_has_all_properties(packet))
        return NULL;
    memset(&limits, 0, sizeof limits);
    limits.receive_maximum = (uint16_t)number_or(packet, MQTT_PROPERTY_RECEIVE_MAXIMUM, UINT16_MAX);
    limits.topic_alias_maximum = (uint16_t)number_or(packet, MQTT_PROPERTY_TOPIC_ALIAS_MAXIMUM, 0);
    limits.maximum_packet_size = number_or(packet, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, 0);
    limits.session_expiry_s = number_or(packet, MQTT_PROPERTY_SESSION_EXPIRY_INTERVAL, 0);
    limits.maximum_qos = (uint8_t)number_or(packet, MQTT_PROPERTY_MAXIMUM_QOS, 2);
    limits.retain_available = number_or(packet, MQTT_PROPERTY_RETAIN_AVAILABLE, 1);
    limits.wildcard_available = number_or(packet, MQTT_PROPERTY_WILDCARD_SUBSCRIPTION_AVAILABLE, 1);
    limits.subscription_id_available = number_or(packet, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1);
    limits.shared_available = number_or(packet, MQTT_PROPERTY_SHARED_SUBSCRIPTION_AVAILABLE, 1);
    if (*latest == NULL || memcmp(*latest, &limits, sizeof limits) != 0) {
        struct track_limits *kept = (struct track_limits *)track_keep(tracking, sizeof *kept);
        if (kept == NULL)
            return NULL;
        *latest = (const struct track_limits *)memcpy(kept, &limits, sizeof limits);
    }
    return *latest;
}

/** A connection begins, or begins again on the same stream. */
static void take_connect(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_connection *connection = tracking->connection;
    struct track_snapshot *snapshot = &tracking->snapshot;

    if (connect->flags_at == 0)
        return;
    connection->session.clean_start = connect->flags & MQTT_CONNECT_CLEAN_START;
    snapshot->connect_seen = true;
    snapshot->session_known = connection->session.clean_start;
    if (connect->keep_alive_at != 0) {
        snapshot->has_keep_alive = true;
        snapshot->keep_alive_s = connect->keep_alive_s;
    }
    if (packet->version == MQTT_V50)
        snapshot->limits[tracking->sender] = read_limits(tracking);
    snapshot->limits[1 - tracking->sender] = NULL; /* another CONNACK is to come */
    if (connect->client_id.length > 0 && track_has_span(packet, connect->client_id)) {
        join_session(tracking, connect->client_id);
        return;
    }
    leave_session(connection);
    if (snapshot->is_copy)
        return;
    connection->session.stored = (struct track_session *)track_keep(tracking, sizeof *connection->session.stored);
}

/** The properties of a CONNACK. */
static void read_connack_properties(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_snapshot *snapshot = &tracking->snapshot;
    const struct mqtt_property *keep_alive = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SERVER_KEEP_ALIVE);
    const struct mqtt_property *assigned =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_ASSIGNED_CLIENT_IDENTIFIER);

    snapshot->limits[tracking->sender] = read_limits(tracking);
    if (keep_alive != NULL) {
        snapshot->has_keep_alive = true;
        snapshot->keep_alive_s = (uint16_t)keep_alive->number;
    } else if (!track_has_all_properties(packet)) {
        snapshot->has_keep_alive = false;
    }
    if (assigned != NULL && assigned->text.length > 0)
        join_session(tracking, assigned->text);
}

/** The Server's answer. */
static void take_connack(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection_session *session = &tracking->connection->session;

    if (packet->reason_at == 0)
        return;
    if (!session->connack_seen)
        session->connack = track_stream_position_of(tracking);
    session->connack_seen = true;
    session->connack_code = packet->reason;
    session->connack_version = (uint8_t)packet->version;
    session->session_present = packet->ack_flags & 1 && packet->version != MQTT_V31;
    if (packet->version == MQTT_V50)
        read_connack_properties(tracking);
}

static void read_disconnect(struct track_context *tracking)
{
    struct track_connection_session *session = &tracking->connection->session;

    if (session->disconnected)
        return;
    session->disconnected = true;
    session->disconnected_by = (uint8_t)tracking->sender;
    session->disconnect_reason = tracking->packet->reason;
    session->disconnected_ns = tracking->now_ns;
}

/** Takes in what a packet says of how long the session outlives the connection (MQTT 5.0 section 3.1.2.11.2). */
static void read_expiry(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection_session *session = &tracking->connection->session;
    const struct mqtt_property *property =
        mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SESSION_EXPIRY_INTERVAL);

    if (packet->type == MQTT_TYPE_CONNECT) {
        session->expiry_s = packet->version != MQTT_V50 && !session->clean_start ? UINT32_MAX : 0;
        session->is_expiry_known = true;
    }
    if (property != NULL)
        session->expiry_s = property->number;
    if (property != NULL || (packet->version == MQTT_V50 && !track_has_all_properties(packet)))
        session->is_expiry_known = property != NULL;
}

void track_update_session(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span user = packet->connect.user_name;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        if (!track_is_from_client(tracking))
            break;
        tracking->connection->session.user_hash =
            track_has_span(packet, user) ? track_hash_bytes(packet->bytes + user.at, user.length) : 0;
        take_connect(tracking);
        read_expiry(tracking);
        break;
    case MQTT_TYPE_CONNACK:
        if (!track_is_from_server(tracking))
            break;
        take_connack(tracking);
        if (packet->reason_at != 0 && packet->reason == 0)
            read_expiry(tracking);
        break;
    case MQTT_TYPE_DISCONNECT:
        read_disconnect(tracking);
        if (track_is_from_client(tracking))
            read_expiry(tracking);
        break;
    default:
        break;
    }
}
