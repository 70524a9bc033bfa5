/* will-events.c - tells where the Will of a connection that ended is published.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "will-events.h"

#include "../evidence/report-event.h"
#include "../facts/captured.h"
#include "../store/endpoint.h"
#include "../store/text.h"
#include "connection.h"
#include "message.h"

enum { KEPT = 64, PAYLOAD_PART = 256 };

static const int64_t SECOND_NS = INT64_C(1000000000);

/** A Will that may be published. */
struct armed_will {
    const struct track_connection *connection; /**< NULL: the slot is unused */
    const struct track_endpoint *broker;
    uint32_t topic;   /**< hash of the topic */
    uint32_t payload; /**< hash of the payload's beginning and length */
    uint32_t frame;   /**< the CONNECT */
    uint32_t delay_s;
};

/** Those of the latest connections, the latest in place of the oldest. File scope. */
struct track_armed_wills {
    struct armed_will kept[KEPT];
    unsigned next;
};

static uint32_t will_hash(const struct mqtt_packet *packet, struct mqtt_span payload)
{
    return track_hash_bytes(packet->bytes + payload.at, MIN(payload.length, PAYLOAD_PART)) ^ payload.length;
}

static const struct track_endpoint *broker_of_packet(const struct track_context *tracking)
{
    return &tracking->connection->transport.ends[tracking->snapshot.broker];
}

/** The Client connects again on the same stream, or with another Will. */
static void forget_will(struct track_armed_wills *wills, const struct track_connection *connection)
{
    for (unsigned i = 0; i < KEPT; i++)
        if (wills->kept[i].connection == connection)
            wills->kept[i].connection = NULL;
}

static void keep_will(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    const struct mqtt_property *delay =
        mqtt_properties_find(&connect->will_properties, MQTT_PROPERTY_WILL_DELAY_INTERVAL);
    struct track_capture *capture = tracking->capture;

    if (capture->armed_wills != NULL)
        forget_will(capture->armed_wills, tracking->connection);
    if (packet->fault.kind != MQTT_FAULT_NONE || !(connect->flags & MQTT_CONNECT_WILL) ||
        connect->will_topic.length == 0)
        return;
    if (capture->armed_wills == NULL)
        capture->armed_wills =
            (struct track_armed_wills *)track_file_alloc(&capture->memory, sizeof *capture->armed_wills);
    if (capture->armed_wills == NULL)
        return;
    struct track_armed_wills *wills = capture->armed_wills;
    wills->kept[wills->next] = (struct armed_will){
        .connection = tracking->connection,
        .broker = broker_of_packet(tracking),
        .topic = track_hash_bytes(packet->bytes + connect->will_topic.at, connect->will_topic.length),
        .payload = will_hash(packet, connect->will_payload),
        .frame = tracking->pdu.frame,
        .delay_s = delay != NULL ? delay->number : 0,
    };
    wills->next = (wills->next + 1) % KEPT;
}

/** The connection of a Will ended so that the Will is due now, or was a moment ago. */
static bool is_due(const struct track_context *tracking, const struct armed_will *will)
{
    const struct track_connection *connection = will->connection;
    const struct track_event *end = connection->ending.end;
    const struct track_clock *clock = &tracking->capture->clock;
    unsigned broker = track_latest_snapshot(connection)->broker;
    int64_t most_s = (int64_t)will->delay_s + 10;

    if (track_latest_snapshot(connection)->is_copy || !connection->session.connack_seen ||
        connection->session.connack_code != 0)
        return false;
    if (end == NULL)
        return connection->ending.taken_over_in != 0 && !connection->ending.is_over;
    if (end->how == TRACK_ENDED_BY_DISCONNECT && end->by != broker && end->code == MQTT_REASON_NORMAL_DISCONNECTION)
        return false;
    return track_most_elapsed_ns(clock, connection->ending.over_ns, tracking->now_ns) <= most_s * SECOND_NS;
}

static void report_will_published(struct track_context *tracking, const struct armed_will *will)
{
    const struct track_ending *ending = &will->connection->ending;
    struct track_event event = {.kind = TRACK_EVENT_will_published,
                                .by = (uint8_t)tracking->sender,
                                .frame = will->frame,
                                .other = will->connection->number,
                                .value = ending->taken_over_in,
                                .how = TRACK_ENDED_BY_CONNECT};

    if (ending->taken_over_in == 0) {
        event.value = ending->end->frame_at;
        event.how = ending->end->how;
        event.why = ending->end->why;
    }
    track_report_event(tracking, event);
}

/** Compares a PUBLISH with the Wills: one of a Client explains all that look like it, one of the Server may be a Will. */
static void compare_publish(struct track_context *tracking, struct track_armed_wills *wills, struct track_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    uint32_t hash = track_topic_hash(tracking, topic);
    bool is_from_server = track_is_from_server(tracking);

    for (unsigned i = 0; i < KEPT; i++) {
        struct armed_will *will = &wills->kept[i];
        if (will->connection == NULL || will->topic != hash ||
            will->payload != will_hash(packet, packet->publish.payload) ||
            !track_is_same_endpoint(will->broker, broker_of_packet(tracking)))
            continue;
        if (is_from_server && !is_due(tracking, will))
            continue;
        if (is_from_server)
            report_will_published(tracking, will);
        will->connection = NULL;
        if (is_from_server)
            return;
    }
}

void track_update_will_events(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_armed_wills *wills = tracking->capture->armed_wills;
    struct track_topic topic;

    if (tracking->snapshot.broker == TRACK_END_UNKNOWN || tracking->snapshot.is_copy)
        return;
    if (packet->type == MQTT_TYPE_CONNECT) {
        if (track_is_from_client(tracking))
            keep_will(tracking);
        return;
    }
    if (wills == NULL || packet->fault.kind != MQTT_FAULT_NONE ||
        (track_is_from_server(tracking) && (packet->publish.retain || packet->publish.dup)) ||
        !track_topic_of_publish(tracking, &topic))
        return;
    compare_publish(tracking, wills, topic);
}
