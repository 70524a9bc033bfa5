/* session.c - what CONNECT, CONNACK and DISCONNECT settle: identity, limits, and the session taken up or begun.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "../state.h"

static guint hash_of(const struct track_endpoint *broker, const struct track_text *client_id)
{
    return track_hash_text(track_hash_endpoint(broker), client_id);
}

static guint hash_session(gconstpointer key)
{
    return ((const struct track_session *)key)->hash;
}

static gboolean is_same_session(gconstpointer one, gconstpointer other)
{
    const struct track_session *a = (const struct track_session *)one;
    const struct track_session *b = (const struct track_session *)other;

    return a->hash == b->hash && track_is_same_endpoint(a->broker, b->broker) &&
           track_is_same_text(a->client_id, b->client_id);
}

/** The session of a Client Identifier at a broker; made where it is met for the first time, with the identifier behind it
 *  in the same memory. NULL where there is none left. */
static struct track_session *find_session(struct track_capture *capture, const struct track_endpoint *broker,
                                          const struct track_text *client_id)
{
    struct track_session wanted = {.broker = broker, .client_id = client_id, .hash = hash_of(broker, client_id)};
    size_t size = sizeof *client_id + client_id->length + 1;

    if (capture->sessions == NULL)
        capture->sessions = wmem_map_new(capture->scope, hash_session, is_same_session);
    struct track_session *session = (struct track_session *)wmem_map_lookup(capture->sessions, &wanted);
    if (session != NULL)
        return session;
    session = (struct track_session *)track_file_alloc(capture, sizeof *session + size + TRACK_MAP_ENTRY_SIZE);
    if (session == NULL)
        return NULL;
    *session = wanted;
    session->client_id = (const struct track_text *)memcpy(session + 1, client_id, size);
    wmem_map_insert(capture->sessions, session, session);
    return session;
}

/** True while nothing says that a connection has ended. */
static bool is_alive(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);
    bool refused = connection->connack_seen && connection->connack_code != 0;

    return !transport.is_finished && !transport.is_reset && !refused && !connection->disconnected &&
           !connection->taken_over;
}

/** Moves what was in flight to the Client's new connection; the ends of the two may be numbered differently. */
static bool inherit_exchanges(struct track_connection *to, unsigned broker, struct track_connection *from,
                              unsigned old_broker)
{
    bool servers = track_inflight_inherit(&to->ends[broker].inflight, &from->ends[old_broker].inflight);
    bool clients = track_inflight_inherit(&to->ends[1 - broker].inflight, &from->ends[1 - old_broker].inflight);
    return servers && clients;
}

/** What a connection was before does not count any more: a CONNECT may come again in it, with another Client Identifier or
 *  none. */
static void leave_session(struct track_connection *connection)
{
    connection->session = NULL;
    connection->previous = NULL;
    connection->takes_over = false;
}

/** Gives the connection its Client Identifier, which stands in the packet, and joins it to the session of that. */
static void join_session(struct track_context *tracking, struct mqtt_span span)
{
    struct track_connection *connection = tracking->connection;
    const struct track_endpoint *broker = &connection->transport.ends[tracking->snapshot.broker];
    struct track_text *client_id = track_copy_span(tracking->packet, span);

    leave_session(connection);
    connection->session = find_session(connection->capture, broker, client_id);
    wmem_free(NULL, client_id);
    tracking->snapshot.client_id = connection->session != NULL ? connection->session->client_id : NULL;
    if (connection->session == NULL) {
        track_report_memory_limit(tracking);
        tracking->snapshot.session_known = false;
        return;
    }
    struct track_connection *last = connection->session->last;
    connection->session->last = connection;
    if (last == NULL || last == connection)
        return;
    connection->previous = last;
    connection->takes_over = is_alive(last);
    if (connection->takes_over) {
        last->taken_over = true;
        track_record_of(tracking)->takes_over = last->number + 1;
    }
    track_check_unanswered(tracking, last);
    const struct track_snapshot *old = track_latest_snapshot(last);
    if (track_missing_connect_frame(connection->capture, broker) > last->connack.frame) {
        tracking->snapshot.session_known &= connection->clean_start;
    } else if (!connection->clean_start && old->broker != TRACK_END_UNKNOWN) {
        /* The old connection may still answer what is another's from here on. */
        last->is_unsure |= connection->takes_over && last->ends[0].inflight.count + last->ends[1].inflight.count > 0;
        bool is_whole = inherit_exchanges(connection, tracking->snapshot.broker, last, old->broker);
        tracking->snapshot.session_known = is_whole && old->session_known && !old->has_gap;
    }
}

/** Who is refused takes nothing over: the session goes back to the connection that had it. */
static void give_session_back(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    struct track_connection *before = connection->previous;

    if (before == NULL || connection->session == NULL || connection->session->last != connection)
        return;
    connection->session->last = before;
    if (connection->takes_over)
        before->taken_over = false;
    const struct track_snapshot *old = track_latest_snapshot(before);
    if (old->broker != TRACK_END_UNKNOWN)
        inherit_exchanges(before, old->broker, connection, tracking->snapshot.broker);
}

static uint32_t number_or(const struct mqtt_packet *packet, enum mqtt_property_index index, uint32_t otherwise)
{
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, index);
    return property != NULL ? property->number : otherwise;
}

/** What a CONNECT or CONNACK of MQTT 5.0 allows the other end, defaults where it is silent; NULL where it was not read as
 *  far as that is certain. */
static const struct track_limits *read_limits(struct track_capture *capture, const struct mqtt_packet *packet)
{
    if (!track_has_all_properties(packet))
        return NULL;
    struct track_limits *limits = wmem_new0(capture->scope, struct track_limits);

    limits->receive_maximum = (uint16_t)number_or(packet, MQTT_PROPERTY_RECEIVE_MAXIMUM, UINT16_MAX);
    limits->topic_alias_maximum = (uint16_t)number_or(packet, MQTT_PROPERTY_TOPIC_ALIAS_MAXIMUM, 0);
    limits->maximum_packet_size = number_or(packet, MQTT_PROPERTY_MAXIMUM_PACKET_SIZE, 0);
    limits->session_expiry_s = number_or(packet, MQTT_PROPERTY_SESSION_EXPIRY_INTERVAL, 0);
    limits->maximum_qos = (uint8_t)number_or(packet, MQTT_PROPERTY_MAXIMUM_QOS, 2);
    limits->retain_available = number_or(packet, MQTT_PROPERTY_RETAIN_AVAILABLE, 1);
    limits->wildcard_available = number_or(packet, MQTT_PROPERTY_WILDCARD_SUBSCRIPTION_AVAILABLE, 1);
    limits->subscription_id_available = number_or(packet, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 1);
    limits->shared_available = number_or(packet, MQTT_PROPERTY_SHARED_SUBSCRIPTION_AVAILABLE, 1);
    return limits;
}

/** A connection begins, or begins anew on the same stream. */
static void track_connect(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_connection *connection = tracking->connection;
    struct track_snapshot *snapshot = &tracking->snapshot;

    if (connect->flags_at == 0 || snapshot->broker != 1 - tracking->sender)
        return;
    if (connection->connack_seen)
        track_check_unanswered(tracking, connection);
    connection->clean_start = connect->flags & MQTT_CONNECT_CLEAN_START;
    snapshot->connect_seen = true;
    snapshot->session_known = connection->clean_start;
    if (connect->keep_alive_at != 0) {
        snapshot->has_keep_alive = true;
        snapshot->keep_alive_s = connect->keep_alive_s;
    }
    if (packet->version == MQTT_V50)
        snapshot->limits[tracking->sender] = read_limits(connection->capture, packet);
    if (connect->client_id.length > 0 && track_has_span(packet, connect->client_id)) {
        join_session(tracking, connect->client_id);
        return;
    }
    leave_session(connection);
    connection->session = (struct track_session *)track_file_alloc(connection->capture, sizeof *connection->session);
}

/** The Server's answer: whose session it is, and what was in flight in it. */
static void track_connack(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    struct track_snapshot *snapshot = &tracking->snapshot;

    if (packet->reason_at == 0 || snapshot->broker != tracking->sender)
        return;
    if (!connection->connack_seen)
        connection->connack = track_stream_position_of(tracking);
    connection->connack_seen = true;
    connection->connack_code = packet->reason;
    connection->session_present = packet->ack_flags & 1 && packet->version != MQTT_V31;
    if (packet->version == MQTT_V50) {
        const struct mqtt_property *keep_alive =
            mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SERVER_KEEP_ALIVE);
        const struct mqtt_property *assigned =
            mqtt_properties_find(&packet->properties, MQTT_PROPERTY_ASSIGNED_CLIENT_IDENTIFIER);
        snapshot->limits[tracking->sender] = read_limits(connection->capture, packet);
        if (keep_alive != NULL) {
            snapshot->has_keep_alive = true;
            snapshot->keep_alive_s = (uint16_t)keep_alive->number;
        } else if (!track_has_all_properties(packet)) {
            snapshot->has_keep_alive = false;
        }
        if (assigned != NULL && assigned->text.length > 0)
            join_session(tracking, assigned->text);
    }
    if (packet->reason != 0) {
        give_session_back(tracking);
        return;
    }
    bool is_new = !connection->session_present && packet->version != MQTT_V31;
    if (is_new) {
        track_inflight_clear(&connection->ends[0].inflight, true);
        track_inflight_clear(&connection->ends[1].inflight, true);
        snapshot->session_known = snapshot->connect_seen && !snapshot->has_gap;
    }
    if ((is_new || connection->clean_start) && connection->session != NULL)
        track_subscriptions_clear(connection->capture, connection->session);
}

void track_update_session(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;

    switch (tracking->packet->type) {
    case MQTT_TYPE_CONNECT:
        track_connect(tracking);
        break;
    case MQTT_TYPE_CONNACK:
        track_connack(tracking);
        break;
    case MQTT_TYPE_DISCONNECT:
        if (!connection->disconnected) {
            connection->disconnected = true;
            connection->disconnected_by = (uint8_t)tracking->sender;
            connection->disconnect_reason = tracking->packet->reason;
        }
        break;
    default:
        break;
    }
}
