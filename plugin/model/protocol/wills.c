/* wills.c - the Wills of the connections, and what becomes of them (MQTT 5.0 section 3.1.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "wills.h"

#include "../evidence/missing-connect.h"

static const int64_t SECOND_NS = INT64_C(1000000000);

/** A slot for a Will: one that is free or no longer counts. */
static struct track_will *free_slot(struct track_wills *wills)
{
    struct track_will *oldest = NULL;

    for (unsigned i = 0; i < TRACK_WILLS_MAX; i++) {
        struct track_will *will = &wills->kept[i];
        if (will->state == TRACK_WILL_UNUSED)
            return will;
        if (will->state != TRACK_WILL_ARMED && (oldest == NULL || will->ended_ns < oldest->ended_ns))
            oldest = will;
    }
    return oldest;
}

/** Keeps the Will of the CONNECT being tracked. */
static void add_will(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_capture *capture = tracking->capture;
    const struct mqtt_property *delay =
        mqtt_properties_find(&connect->will_properties, MQTT_PROPERTY_WILL_DELAY_INTERVAL);

    if (packet->fault.kind != MQTT_FAULT_NONE || !(connect->flags & MQTT_CONNECT_WILL) || connect->will_topic.at == 0)
        return;
    uint32_t content = track_recent_publishes_add_will(tracking);
    if (content == 0)
        return;
    if (capture->wills == NULL)
        capture->wills = (struct track_wills *)track_file_alloc_always(&capture->memory, sizeof *capture->wills);
    struct track_will *will = free_slot(capture->wills);
    if (will == NULL) {
        capture->wills->is_incomplete = true;
        return;
    }
    *will = (struct track_will){
        .at = track_broker_history_of(tracking),
        .connection = tracking->connection,
        .number = ++capture->wills->count,
        .content = content,
        .frame = tracking->pdu.frame,
        .delay_s = delay != NULL ? delay->number : 0,
        .state = TRACK_WILL_ARMED,
        .retain = connect->flags & MQTT_CONNECT_WILL_RETAIN,
        .is_v5 = packet->version == MQTT_V50,
    };
    if (will->is_v5)
        track_read_forwarded(packet, &connect->will_properties, &will->properties);
    tracking->connection->will = will;
}

/** The Will of a connection; NULL where it has none, or its slot was reused. */
static struct track_will *will_of(const struct track_connection *connection)
{
    struct track_will *will = connection->will;
    return will != NULL && will->connection == connection ? will : NULL;
}

void track_withdraw_will(struct track_connection *connection)
{
    struct track_will *will = will_of(connection);

    if (will != NULL)
        will->state = TRACK_WILL_UNUSED;
    connection->will = NULL;
}

static void end_will(struct track_context *tracking, struct track_will *will, enum track_will_state state)
{
    will->state = (uint8_t)state;
    will->ended_in = tracking->pdu.frame;
    will->ended_ns = tracking->now_ns;
}

int64_t track_broken_off_ns(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);

    if (connection->session.disconnected)
        return connection->session.disconnected_ns;
    return transport.is_finished || transport.is_reset ? transport.last_ns : TRACK_TIME_UNKNOWN;
}

/** The Client's DISCONNECT removes its Will. Where it comes after packets that have no response yet, a Server that closes on
 *  account of one of those never reads it. */
static void remove_will(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    struct track_transport_state transport = track_transport_state_of(connection);
    struct track_will *will = will_of(connection);
    bool is_open = !transport.is_reset && !transport.is_finished;
    bool may_go_unread = connection->inflight[tracking->sender].entries.count > 0;

    if (is_open && will->state == TRACK_WILL_ARMED && !connection->session.taken_over && !may_go_unread)
        end_will(tracking, will, TRACK_WILL_REMOVED);
}

/** The Client is back before its Will was due. */
static void cancel_will(struct track_context *tracking, const struct track_connection *previous)
{
    struct track_will *will = will_of(previous);
    int64_t end_ns = track_broken_off_ns(previous);

    if (will->state == TRACK_WILL_ARMED && end_ns != TRACK_TIME_UNKNOWN &&
        track_most_elapsed_ns(&tracking->capture->clock, end_ns, tracking->now_ns) <
            (int64_t)will->delay_s * SECOND_NS - 2 * SECOND_NS)
        end_will(tracking, will, TRACK_WILL_CANCELLED);
}

/** Not all Wills at a broker are known: one of the others may look like any. */
static bool is_incomplete(const struct track_capture *capture, const struct track_broker_history *history)
{
    return capture->wills->is_incomplete || track_missing_connect_frame(capture, &history->broker) != 0;
}

const struct track_will *track_next_will(const struct track_context *tracking, const struct track_will_match *match,
                                         const struct track_will *previous)
{
    const struct track_wills *wills = tracking->capture->wills;
    const struct track_will *will = previous != NULL ? previous + 1 : wills->kept;

    for (; will < wills->kept + TRACK_WILLS_MAX; will++)
        if (will->state != TRACK_WILL_UNUSED && will->content == match->content && will->at == match->at)
            return will;
    return NULL;
}

bool track_match_wills(struct track_context *tracking, struct track_topic topic, struct track_will_match *match)
{
    const struct track_broker_history *history =
        tracking->capture->wills != NULL ? track_broker_history_of(tracking) : NULL;

    if (history == NULL)
        return false;
    *match = (struct track_will_match){.at = history, .content = track_publish_hash(tracking, topic)};
    if (match->content == 0 || track_is_published(history, match->content) || is_incomplete(tracking->capture, history))
        return false;
    for (const struct track_will *will = NULL; (will = track_next_will(tracking, match, will)) != NULL;) {
        match->count++;
        match->armed += will->state == TRACK_WILL_ARMED;
        if (match->latest == NULL || will->ended_ns > match->latest->ended_ns)
            match->latest = will;
    }
    return match->latest != NULL;
}

/** Keeps where a Will is delivered first. */
static void note_delivery(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_will_match match;
    struct track_topic topic;

    if (mqtt_is_malformed(packet) || packet->publish.qos > 2 || packet->publish.dup || packet->publish.retain ||
        !track_topic_of_publish(tracking, &topic) || !track_match_wills(tracking, topic, &match) ||
        (match.armed > 0 && match.count > 1))
        return;
    struct track_will *will = &tracking->capture->wills->kept[match.latest - tracking->capture->wills->kept];
    if (will->delivered_to == NULL) {
        will->delivered_to = tracking->connection;
        will->delivered_in = tracking->pdu.frame;
    }
}

void track_update_wills(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *previous = connection->session.previous;

    if (packet->type == MQTT_TYPE_CONNECT && track_is_from_client(tracking))
        add_will(tracking);
    if (tracking->capture->wills == NULL)
        return;
    if (packet->type == MQTT_TYPE_PUBLISH && track_is_from_server(tracking))
        note_delivery(tracking);
    else if (packet->type == MQTT_TYPE_DISCONNECT && track_is_from_client(tracking) && packet->reason == 0 &&
             will_of(connection) != NULL)
        remove_will(tracking);
    else if (packet->type == MQTT_TYPE_CONNACK && track_is_from_server(tracking) && packet->reason == 0 &&
             previous != NULL && connection->session.session_present && will_of(previous) != NULL)
        cancel_will(tracking, previous);
}
