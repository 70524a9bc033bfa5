/* check-delivery.c - holds each PUBLISH of a Server against what the Client asked for on the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is said where a subscription may have gone unseen: in a session that was taken up again, behind a gap, where the
 * Server had already read what is captured only later, where a filter is not clear. A delivery is right if any filter that
 * was asked for on the connection, at any time and with any options, explains it.
 */
#include "check-delivery.h"

#include "../protocol/recent-publishes.h"

#include <string.h>

enum { IDS_MAX = 24 };

/* A filter has been in force, or gone, for so long that what was queued under older terms has been sent. */
static const int64_t SETTLED_NS = INT64_C(2000000000);
static const int64_t LONG_SETTLED_NS = INT64_C(10000000000);

static void match_list(struct track_delivery *delivery, const struct track_subscribed_filter *list)
{
    for (; list != NULL; list = list->next) {
        if (track_match_topic(list->text, delivery->topic, false) != TRACK_MATCHES)
            continue;
        delivery->is_explained |= list->was_granted || list->pending > 0;
        if (delivery->count < TRACK_MATCHES_MAX)
            delivery->matches[delivery->count++] = list;
        else
            delivery->has_too_many = true;
    }
}

/** Looks for a filter that nearly matches. */
static void find_nearest(struct track_delivery *delivery, const struct track_subscribed_filter *list)
{
    for (; list != NULL; list = list->next) {
        enum track_match match = track_match_topic(list->text, delivery->topic, true);
        if (match != TRACK_MATCHES && match > delivery->nearest && list->was_granted) {
            delivery->nearest = match;
            delivery->nearest_in = list->requested_in;
        }
    }
}

/** One finding of a kind for a topic; and not many in all. */
static bool is_news(struct track_delivery *delivery, enum track_anomaly_kind kind)
{
    struct track_subscription_history *history = delivery->history;
    uint32_t key = delivery->topic_hash ^ (uint32_t)kind * 2654435761u;

    for (unsigned i = 0; i < history->reports; i++)
        if (history->reported[i] == key)
            return false;
    if (history->reports == TRACK_REPORTED_MAX)
        return false;
    history->reported[history->reports++] = key;
    return true;
}

void track_report_delivery(struct track_delivery *delivery, struct track_anomaly anomaly)
{
    if (is_news(delivery, (enum track_anomaly_kind)anomaly.kind))
        track_report_anomaly(delivery->tracking, anomaly);
}

static struct mqtt_span topic_span(const struct track_delivery *delivery)
{
    return delivery->tracking->packet->publish.topic;
}

/** No filter explains the delivery. */
static void look_at_unasked(struct track_delivery *delivery)
{
    struct track_anomaly seen = {.kind = TRACK_ANOMALY_DELIVERED_UNASKED, .at = topic_span(delivery)};

    if (delivery->history->is_incomplete)
        return;
    if (delivery->nearest != TRACK_MATCHES_NOT) {
        seen.kind = delivery->nearest == TRACK_MATCHES_BUT_FOR_DOLLAR ? TRACK_ANOMALY_DELIVERED_ACROSS_DOLLAR
                                                                      : TRACK_ANOMALY_DELIVERED_BUT_FOR_CASE;
        seen.frame = delivery->nearest_in;
    } else if (delivery->history->grants == 0 || track_may_keep_session(delivery->tracking)) {
        seen.doubt = TRACK_DOUBT_EARLIER_SESSION;
    }
    track_report_delivery(delivery, seen);
}

/** The QoS of the delivery against the most that any filter was granted. */
static void look_at_qos(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    bool counts_requests = packet->version != MQTT_V50;
    struct track_anomaly seen = {.at = {0, 1}, .value = packet->publish.qos};
    const struct track_subscribed_filter *only = delivery->count == 1 ? delivery->matches[0] : NULL;

    if (packet->publish.dup)
        return;
    if (track_may_keep_session(delivery->tracking))
        seen.doubt = TRACK_DOUBT_EARLIER_SESSION;
    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        uint8_t most = filter->granted_most;
        if (filter->pending > 0 || counts_requests)
            most = MAX(most, filter->requested_most);
        seen.other = MAX(seen.other, most);
        seen.frame = MAX(seen.frame, filter->granted_in);
    }
    if (packet->publish.qos > seen.other) {
        seen.kind = only != NULL && only->is_shared ? TRACK_ANOMALY_DELIVERED_ABOVE_SHARED_GRANT
                                                    : TRACK_ANOMALY_DELIVERED_ABOVE_GRANT;
        track_report_delivery(delivery, seen);
    } else if (only != NULL && only->pending == 0 && only->removed_in == 0 && packet->publish.qos > only->granted &&
               only->granted_most > only->granted && delivery->tracking->now_ns - only->settled_ns > LONG_SETTLED_NS) {
        seen.kind = TRACK_ANOMALY_DELIVERED_BY_OLD_GRANT;
        seen.other = only->granted;
        track_report_delivery(delivery, seen);
    }
}

/** All filters that explain it were given up, long ago or before the message was published. */
static void look_at_removed(struct track_delivery *delivery)
{
    struct track_anomaly seen = {.kind = TRACK_ANOMALY_DELIVERED_AFTER_REMOVAL, .at = topic_span(delivery)};
    const struct track_recent_publish *source;
    int64_t gone_ns = 0;

    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        bool is_gone = filter->removed_in != 0 && filter->pending == 0;
        gone_ns = MAX(gone_ns, filter->settled_ns);
        if (!is_gone && (filter->was_granted || filter->pending > 0))
            return;
        seen.frame = MAX(seen.frame, filter->removed_in);
    }
    source = track_find_recent_publish(delivery->tracking, delivery->topic);
    if (source != NULL && source->ns > gone_ns + SETTLED_NS) {
        seen.kind = TRACK_ANOMALY_QUEUED_AFTER_REMOVAL;
        seen.other = source->frame;
    } else if (delivery->tracking->now_ns - gone_ns <= LONG_SETTLED_NS) {
        return;
    }
    if (!delivery->tracking->packet->publish.dup)
        track_report_delivery(delivery, seen);
}

static bool is_matching_id(const struct track_delivery *delivery, uint32_t id)
{
    for (unsigned i = 0; i < delivery->count; i++)
        if (track_subscribed_filter_has_id(delivery->matches[i], id))
            return true;
    return false;
}

/** Whether the identifiers of a delivery are of filters that explain it. Returns how many different ones it has; more
 *  than are looked at where one of them is wrong. */
static unsigned look_at_ids(struct track_delivery *delivery, uint32_t *ids)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    struct mqtt_property property;
    unsigned count = 0;
    uint32_t at = 0;

    while (mqtt_properties_next(packet, &packet->properties, &at, &property)) {
        bool is_known = false;
        if (property.index != MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER)
            continue;
        if (property.number == 0)
            return IDS_MAX + 1;
        for (unsigned i = 0; i < count; i++)
            is_known |= ids[i] == property.number;
        if (is_known)
            continue;
        if (count == IDS_MAX)
            return IDS_MAX + 1;
        ids[count++] = property.number;
        if (is_matching_id(delivery, property.number))
            continue;
        bool is_given = track_subscription_history_has_id(delivery->history, property.number);
        track_report_delivery(delivery, (struct track_anomaly){.kind = is_given ? TRACK_ANOMALY_ID_OF_OTHER_FILTER
                                                                                : TRACK_ANOMALY_ID_NEVER_GIVEN,
                                                               .at = property.whole,
                                                               .value = property.number});
        return IDS_MAX + 1;
    }
    return count;
}

/** The Subscription Identifiers of a delivery (MQTT 5.0 section 3.3.4). */
static void look_at_subscription_ids(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    struct track_anomaly seen = {.at = packet->properties.length_at};
    uint32_t ids[IDS_MAX];
    uint32_t wanted[TRACK_MATCHES_MAX];
    unsigned wanted_count = 0;
    bool is_settled = true;
    bool all_have = true;
    unsigned count = look_at_ids(delivery, ids);

    if (count > IDS_MAX || packet->publish.dup)
        return;
    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        bool is_known = filter->id == 0;
        all_have &= !filter->was_without_id;
        is_settled &= filter->was_granted && filter->removed_in == 0 && filter->pending == 0 &&
                      filter->old_ids[0] == 0 && !(filter->was_without_id && filter->id != 0) &&
                      delivery->tracking->now_ns - filter->settled_ns > SETTLED_NS;
        for (unsigned known = 0; known < wanted_count; known++)
            is_known |= wanted[known] == filter->id;
        if (!is_known)
            wanted[wanted_count++] = filter->id;
    }
    seen.value = count;
    seen.other = wanted_count;
    if (count == 0 && all_have) {
        seen.kind = TRACK_ANOMALY_ID_MISSING;
        track_report_delivery(delivery, seen);
    } else if (count > 1 && count < wanted_count && is_settled && !packet->publish.retain) {
        seen.kind = TRACK_ANOMALY_IDS_INCOMPLETE;
        track_report_delivery(delivery, seen);
    }
}

/** A delivery with RETAIN 1: what is it? Under Retain As Published 1 it may be anything. */
static void look_at_retained(struct track_delivery *delivery)
{
    struct track_subscription_history *history = delivery->history;
    const struct track_subscribed_filter *first = delivery->matches[0];
    struct track_anomaly seen = {.at = {0, 1}, .frame = first->requested_in};
    bool all_shared = true;
    bool none_wants = true;

    for (unsigned i = 0; i < delivery->count; i++) {
        if (delivery->matches[i]->keeps_retain)
            return;
        all_shared &= delivery->matches[i]->is_shared;
        none_wants &= !delivery->matches[i]->wants_retained;
    }
    const struct track_message_fingerprint *before =
        track_message_fingerprint_find(history->retained, delivery->topic_hash);
    bool came_before = before != NULL && before->frame > first->retained_in && before->frame < first->no_retained_in;
    if (delivery->tracking->packet->publish.payload.length == 0)
        seen.kind = TRACK_ANOMALY_EMPTY_RETAINED;
    else if (all_shared)
        seen.kind = TRACK_ANOMALY_RETAINED_FOR_SHARED;
    else if (none_wants)
        seen.kind = TRACK_ANOMALY_RETAINED_UNWANTED;
    else if (delivery->count == 1 && came_before)
        seen.kind = TRACK_ANOMALY_RETAINED_AGAIN;
    else {
        if (delivery->count == 1 && before == NULL)
            track_message_fingerprint_add(delivery->tracking, &history->retained, delivery->topic_hash);
        return;
    }
    if (!delivery->tracking->packet->publish.dup)
        track_report_delivery(delivery, seen);
}

/** A hash of a message, to know it again; 0 where it is not all there, or too short to be told from others. */
static uint32_t message_hash(const struct mqtt_packet *packet, uint32_t topic_hash)
{
    enum { SHORTEST = 4 };
    struct mqtt_span payload = packet->publish.payload;

    if (packet->fault.kind != MQTT_FAULT_NONE || payload.length < SHORTEST)
        return 0;
    return topic_hash * 31 ^ track_hash_bytes(packet->bytes + payload.at, payload.length) ^ payload.length;
}

/** The Client's own message comes back though all filters have No Local. */
static void look_at_own(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    uint32_t hash = message_hash(packet, delivery->topic_hash);
    const struct track_message_fingerprint *own =
        hash != 0 ? track_message_fingerprint_find(delivery->history->own, hash) : NULL;

    for (unsigned i = 0; i < delivery->count; i++)
        if (delivery->matches[i]->takes_own)
            return;
    if (own != NULL && !packet->publish.retain && delivery->tracking->now_ns - own->ns < LONG_SETTLED_NS)
        track_report_delivery(delivery, (struct track_anomaly){.kind = TRACK_ANOMALY_OWN_MESSAGE_BACK,
                                                               .at = packet->publish.payload,
                                                               .frame = own->frame});
}

bool track_topic_of_publish(const struct track_context *tracking, struct track_topic *topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_span span = packet->publish.topic;

    if (span.at == 0 || span.at + span.length > packet->captured || span.at + span.length > packet->length)
        return false;
    *topic = (struct track_topic){packet->bytes + span.at, span.length};
    if (tracking->record != NULL && tracking->record->uses_alias) {
        if (tracking->record->topic == NULL)
            return false;
        *topic = (struct track_topic){tracking->record->topic->bytes, tracking->record->topic->length};
    }
    return topic->length > 0 && memchr(topic->bytes, '+', topic->length) == NULL &&
           memchr(topic->bytes, '#', topic->length) == NULL;
}

static void look_at_delivery(struct track_delivery *delivery)
{
    struct track_context *tracking = delivery->tracking;
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = delivery->history;

    match_list(delivery, history->wide);
    match_list(delivery, history->exact[delivery->topic_hash & history->mask]);
    if (!delivery->is_explained) {
        find_nearest(delivery, history->wide);
        for (uint32_t i = 0; i <= history->mask; i++)
            find_nearest(delivery, history->exact[i]);
        look_at_unasked(delivery);
        return;
    }
    if (delivery->has_too_many)
        return;
    look_at_qos(delivery);
    look_at_removed(delivery);
    track_compare_delivery(delivery);
    if (packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE)
        return; /* what was cut off may hold an identifier, or a payload */
    if (packet->publish.retain && !tracking->snapshot.is_bridge)
        look_at_retained(delivery);
    look_at_subscription_ids(delivery);
    look_at_own(delivery);
}

/** What the Client sends: its place, and what could come back to it. */
static void track_client(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    struct track_topic topic;

    if (tracking->packet->type == MQTT_TYPE_CONNECT) {
        connection->history = NULL;
        track_recent_publishes_add_will(tracking);
    }
    if (tracking->packet->type == MQTT_TYPE_PUBLISH)
        track_recent_publishes_add(tracking);
    else if ((tracking->packet->type == MQTT_TYPE_PUBACK || tracking->packet->type == MQTT_TYPE_PUBREC) &&
             tracking->packet->version == MQTT_V50 &&
             mqtt_reason_is_error(tracking->packet->type, tracking->packet->reason))
        track_note_shared_failure(tracking);
    if (tracking->packet->type != MQTT_TYPE_PUBLISH || connection->history == NULL ||
        connection->history->own == NULL || !track_topic_of_publish(tracking, &topic))
        return;
    uint32_t hash = message_hash(tracking->packet, track_hash_bytes(topic.bytes, topic.length));
    if (hash != 0)
        track_message_fingerprint_add(tracking, &connection->history->own, hash);
}

/** What the Server sends: what it forwards, and whether that was asked for. */
static void track_server(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_topic topic;

    if (packet->type == MQTT_TYPE_CONNACK && packet->fault.kind > MQTT_FAULT_CUT)
        track_subscription_history_request_lost(tracking);
    /* A QoS of 3 is told of already: what it would be above is no second fault. */
    if (packet->type != MQTT_TYPE_PUBLISH || packet->fault.kind > MQTT_FAULT_CUT || packet->publish.qos > 2 ||
        !track_topic_of_publish(tracking, &topic))
        return;
    track_check_forwarding(tracking, topic);
    if (!track_is_fresh(tracking) || track_sender_received_uncaptured(tracking))
        return;
    struct track_delivery delivery = {
        .tracking = tracking,
        .history = track_subscription_history_of(tracking->connection),
        .topic = topic,
        .topic_hash = track_hash_bytes(topic.bytes, topic.length),
    };
    if (!delivery.history->is_incomplete)
        look_at_delivery(&delivery);
}

void track_check_delivery(struct track_context *tracking)
{
    if (!tracking->connection->capture->options.observes || tracking->snapshot.broker == TRACK_END_UNKNOWN)
        return;
    if (tracking->snapshot.broker != tracking->sender)
        track_client(tracking);
    else
        track_server(tracking);
}
