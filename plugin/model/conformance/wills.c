/* wills.c - follows the Wills of the connections, and knows them again where they are delivered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A message that looks like a Will may have been published by anybody. It is taken for the Will only where no captured
 * PUBLISH looks like it; nothing is said where any connection's Will of this look may rightly be published.
 */
#include "../protocol/recent-publishes.h"

#include "check-delivery.h"

enum { WILLS_KEPT = 128 };

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t LONG_AGO_NS = INT64_C(60000000000);

/** What has become of a Will. */
enum will_state {
    WILL_UNUSED,
    WILL_ARMED,     /**< its connection is open, or was broken off */
    WILL_REMOVED,   /**< by the Client's DISCONNECT */
    WILL_CANCELLED, /**< the session was taken up again before its delay was over */
};

/** A Will. */
struct track_will {
    const struct track_broker_history *at; /**< its broker */
    const struct track_connection *connection;
    uint32_t content;
    uint32_t frame;    /**< its CONNECT */
    uint32_t ended_in; /**< what removed or cancelled it */
    uint32_t delay_s;
    uint8_t state; /**< enum will_state */
    bool retain;
    bool is_v5;
    bool reported;
    uint32_t delivered_in;                       /**< where it was delivered first */
    const struct track_connection *delivered_to; /**< and to whom */
    int64_t ended_ns;
    struct track_forwarded_properties properties;
};

struct track_wills {
    bool is_incomplete; /**< there were more than are kept */
    struct track_will kept[WILLS_KEPT];
};

/** Not all Wills at a broker are known: one of the others may look like any. */
static bool is_incomplete(const struct track_capture *capture, const struct track_broker_history *history)
{
    return capture->wills == NULL || capture->wills->is_incomplete ||
           track_missing_connect_frame(capture, &history->broker) != 0;
}

/** A place for a Will: one that is free or no longer counts. */
static struct track_will *free_place(struct track_wills *wills)
{
    struct track_will *oldest = NULL;

    for (unsigned i = 0; i < WILLS_KEPT; i++) {
        struct track_will *will = &wills->kept[i];
        if (will->state == WILL_UNUSED)
            return will;
        if (will->state != WILL_ARMED && (oldest == NULL || will->ended_ns < oldest->ended_ns))
            oldest = will;
    }
    return oldest;
}

void track_wills_add(struct track_context *tracking, const struct track_broker_history *history, uint32_t content)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_capture *capture = tracking->connection->capture;
    const struct mqtt_property *delay =
        mqtt_properties_find(&packet->connect.will_properties, MQTT_PROPERTY_WILL_DELAY_INTERVAL);

    if (content == 0)
        return;
    if (capture->wills == NULL)
        capture->wills = wmem_new0(capture->scope, struct track_wills);
    struct track_will *will = free_place(capture->wills);
    if (will == NULL) {
        capture->wills->is_incomplete = true;
        return;
    }
    *will = (struct track_will){
        .at = history,
        .connection = tracking->connection,
        .content = content,
        .frame = tracking->pdu.frame,
        .delay_s = delay != NULL ? delay->number : 0,
        .state = WILL_ARMED,
        .retain = packet->connect.flags & MQTT_CONNECT_WILL_RETAIN,
        .is_v5 = packet->version == MQTT_V50,
    };
    if (will->is_v5)
        track_read_forwarded(packet, &packet->connect.will_properties, &will->properties);
    tracking->connection->will = will;
}

/** The Will of a connection; NULL where it has none, or its place was taken. */
static struct track_will *will_of(const struct track_connection *connection)
{
    struct track_will *will = connection->will;
    return will != NULL && will->connection == connection ? will : NULL;
}

static void end_will(struct track_context *tracking, struct track_will *will, enum will_state state)
{
    will->state = (uint8_t)state;
    will->ended_in = tracking->pdu.frame;
    will->ended_ns = tracking->now_ns;
}

/** When a connection broke off without taking its Will away; TRACK_TIME_UNKNOWN where that was not seen. */
static int64_t broken_ns(const struct track_connection *connection)
{
    struct track_transport_state transport = track_transport_state_of(connection);

    if (connection->disconnected)
        return connection->disconnected_ns;
    return transport.is_finished || transport.is_reset ? transport.last_ns : TRACK_TIME_UNKNOWN;
}

/** The Client's DISCONNECT comes behind packets that have no answer yet: a Server that takes offence at one of those closes,
 *  and never reads it. */
static bool may_go_unread(const struct track_context *tracking)
{
    return tracking->connection->ends[tracking->sender].inflight.count > 0;
}

void track_update_will(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connection *connection = tracking->connection;
    bool is_client = tracking->snapshot.broker == 1 - tracking->sender;
    struct track_transport_state transport;

    if (connection->capture->wills == NULL)
        return;
    if (is_client && packet->type == MQTT_TYPE_DISCONNECT && packet->reason == 0 && will_of(connection) != NULL) {
        transport = track_transport_state_of(connection);
        bool is_open = !transport.is_reset && !transport.is_finished;
        if (is_open && will_of(connection)->state == WILL_ARMED && !connection->taken_over && !may_go_unread(tracking))
            end_will(tracking, will_of(connection), WILL_REMOVED);
    } else if (!is_client && packet->type == MQTT_TYPE_CONNACK && packet->reason == 0 && connection->previous != NULL &&
               connection->session_present && will_of(connection->previous) != NULL) {
        struct track_will *will = will_of(connection->previous);
        int64_t end_ns = broken_ns(connection->previous);
        if (will->state == WILL_ARMED && end_ns != TRACK_TIME_UNKNOWN &&
            tracking->now_ns + 2 * SECOND_NS < end_ns + will->delay_s * SECOND_NS)
            end_will(tracking, will, WILL_CANCELLED);
    }
}

/** What the Will that a delivery looks like may be blamed for. */
static void look_at_will(struct track_context *tracking, struct track_will *will)
{
    struct track_anomaly seen = {.at = tracking->packet->publish.topic, .frame = will->ended_in};
    int64_t end_ns = broken_ns(will->connection);
    int64_t due_s = MIN(will->delay_s, will->connection->expiry_s);

    if (will->state != WILL_ARMED && tracking->now_ns - will->ended_ns > LONG_AGO_NS)
        return;
    if (will->state == WILL_REMOVED)
        seen.kind = TRACK_ANOMALY_WILL_AFTER_DISCONNECT;
    else if (will->state == WILL_CANCELLED)
        seen.kind = TRACK_ANOMALY_WILL_AFTER_RETURN;
    else if (will->is_v5 && end_ns != TRACK_TIME_UNKNOWN && !will->connection->taken_over &&
             will->connection->is_expiry_known && tracking->now_ns + 2 * SECOND_NS < end_ns + due_s * SECOND_NS) {
        seen.kind = TRACK_ANOMALY_WILL_TOO_EARLY;
        seen.frame = will->frame;
        seen.value = (uint32_t)due_s;
    } else {
        return;
    }
    will->reported = true;
    track_report_anomaly(tracking, seen);
}

/** A Will is published with the properties that its CONNECT gave. */
static void compare_properties(struct track_context *tracking, const struct track_will *will)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_forwarded_properties *then = &will->properties;
    struct track_anomaly seen = {.at = packet->properties.length_at, .frame = will->frame};
    struct track_forwarded_properties now;

    if (packet->version != MQTT_V50 || !will->is_v5)
        return;
    track_read_forwarded(packet, &packet->properties, &now);
    if (now.user_count < then->user_count || (now.user_count == then->user_count && now.users != then->users)) {
        seen.kind = TRACK_ANOMALY_WILL_USER_PROPERTIES;
        track_report_anomaly(tracking, seen);
    }
    if (now.has_expiry && !then->has_expiry) {
        seen.kind = TRACK_ANOMALY_WILL_WITH_EXPIRY;
        seen.value = now.expiry_s;
        track_report_anomaly(tracking, seen);
    }
}

void track_wills_compare(struct track_context *tracking, const struct track_broker_history *history, uint32_t content)
{
    struct track_wills *wills = tracking->connection->capture->wills;
    const struct mqtt_packet *packet = tracking->packet;
    struct track_will *first = NULL;
    unsigned armed = 0;
    unsigned count = 0;

    if (is_incomplete(tracking->connection->capture, history) || content == 0 || packet->publish.dup ||
        packet->publish.retain)
        return;
    for (unsigned i = 0; i < WILLS_KEPT; i++) {
        struct track_will *will = &wills->kept[i];
        if (will->state == WILL_UNUSED || will->content != content || will->at != history)
            continue;
        count++;
        armed += will->state == WILL_ARMED;
        if (first == NULL || will->ended_ns > first->ended_ns)
            first = will;
    }
    if (first == NULL || first->reported || (armed > 0 && count > 1))
        return;
    look_at_will(tracking, first);
    if (count == 1 && armed == 1)
        compare_properties(tracking, first);
    if (first->delivered_to == NULL) {
        first->delivered_to = tracking->connection;
        first->delivered_in = tracking->pdu.frame;
    }
}

void track_wills_compare_copies(struct track_context *tracking, const struct track_broker_history *history,
                                uint32_t content)
{
    struct track_wills *wills = tracking->connection->capture->wills;
    struct track_will *only = NULL;
    unsigned count = 0;

    if (is_incomplete(tracking->connection->capture, history) || content == 0)
        return;
    for (unsigned i = 0; i < WILLS_KEPT; i++)
        if (wills->kept[i].state != WILL_UNUSED && wills->kept[i].content == content && wills->kept[i].at == history) {
            only = &wills->kept[i];
            count++;
        }
    if (count != 1 || only->reported || only->delivered_to != tracking->connection ||
        only->delivered_in >= tracking->pdu.frame)
        return;
    only->reported = true;
    track_report_anomaly(tracking,
                         (struct track_anomaly){.kind = TRACK_ANOMALY_WILL_TWICE,
                                                .at = tracking->packet->publish.topic,
                                                .frame = only->delivered_in,
                                                .doubt = track_may_keep_session(tracking) ? TRACK_DOUBT_EARLIER_SESSION
                                                                                          : TRACK_DOUBT_NONE});
}

void track_wills_compare_stored(struct track_context *tracking, const struct track_broker_history *history,
                                uint32_t content)
{
    struct track_wills *wills = tracking->connection->capture->wills;
    struct track_anomaly seen = {.kind = TRACK_ANOMALY_WILL_STORED, .at = {0, 1}};
    struct track_will *published = NULL; /* or may be: a Will whose connection is open is not yet */

    if (is_incomplete(tracking->connection->capture, history))
        return;
    for (unsigned i = 0; i < WILLS_KEPT; i++) {
        struct track_will *will = &wills->kept[i];
        if (will->state == WILL_UNUSED || will->content != content || will->at != history)
            continue;
        if (will->retain || will->reported)
            return;
        if (broken_ns(will->connection) != TRACK_TIME_UNKNOWN)
            published = will;
    }
    if (published == NULL)
        return;
    published->reported = true;
    seen.frame = published->frame;
    track_report_anomaly(tracking, seen);
}
