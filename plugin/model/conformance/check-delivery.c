/* check-delivery.c - compares each PUBLISH of a Server with what the Client subscribed to on the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A delivery is right if any filter that was requested on the connection, at any time and with any options, explains it.
 */
#include "check-delivery.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/recent-publishes.h"
#include "../store/text.h"
#include "check-forwarding.h"
#include "check-shared-subscriptions.h"
#include "checks.h"
#include "report-delivery.h"

enum { IDS_MAX = 24 };

/* A filter has been in force, or removed, for so long that what was queued before has been sent. */
static const int64_t SETTLED_NS = INT64_C(2000000000);
static const int64_t LONG_SETTLED_NS = INT64_C(10000000000);

/** How long ago something was at least, as of the delivery; negative where that is not known. */
static int64_t least_since(const struct track_delivery *delivery, int64_t ns)
{
    return track_least_elapsed_ns(&delivery->tracking->capture->clock, ns, delivery->tracking->now_ns);
}

static struct mqtt_span topic_span(const struct track_delivery *delivery)
{
    return delivery->tracking->packet->publish.topic;
}

/** No filter explains the delivery. */
static void check_unexplained(struct track_delivery *delivery)
{
    struct track_anomaly found = {.kind = TRACK_ANOMALY_DELIVERED_WITHOUT_SUBSCRIPTION, .at = topic_span(delivery)};

    if (delivery->nearest != TRACK_MATCHES_NOT) {
        found.kind = delivery->nearest == TRACK_MATCHES_BUT_FOR_DOLLAR ? TRACK_ANOMALY_DELIVERED_ACROSS_DOLLAR
                                                                       : TRACK_ANOMALY_DELIVERED_BUT_FOR_CASE;
        found.frame = delivery->nearest_in;
    } else if (delivery->history->grants == 0 || track_may_keep_session(delivery->tracking->connection)) {
        found.doubt = TRACK_DOUBT_EARLIER_SESSION;
    }
    track_report_for_topic(delivery, found);
}

/** When the message was published, where that is certain; TRACK_TIME_UNKNOWN otherwise. */
static int64_t published_ns(const struct track_delivery *delivery)
{
    const struct track_recent_publish *source = track_find_recent_publish(delivery->tracking, delivery->topic);
    return source != NULL ? source->ns : TRACK_TIME_UNKNOWN;
}

/** What was queued under the terms that a filter had before its latest grant has been sent, or was published later. */
static bool has_outlived_old_grant(const struct track_delivery *delivery, const struct track_subscribed_filter *filter)
{
    int64_t ns = published_ns(delivery);

    return least_since(delivery, filter->settled_ns) > LONG_SETTLED_NS ||
           (ns != TRACK_TIME_UNKNOWN &&
            track_least_elapsed_ns(&delivery->tracking->capture->clock, filter->settled_ns, ns) > SETTLED_NS);
}

/** The QoS of the delivery, compared with the most that any filter was granted. */
static void check_qos(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    bool counts_requests = packet->version != MQTT_V50;
    struct track_anomaly found = {.at = {0, 1}, .value = packet->publish.qos};
    const struct track_subscribed_filter *only = delivery->count == 1 ? delivery->matches[0] : NULL;

    if (packet->publish.dup)
        return;
    if (track_may_keep_session(delivery->tracking->connection))
        found.doubt = TRACK_DOUBT_EARLIER_SESSION;
    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        uint8_t most = filter->granted_most;
        if (filter->pending > 0 || counts_requests)
            most = MAX(most, filter->requested_most);
        found.other = MAX(found.other, most);
        found.frame = MAX(found.frame, filter->granted_in);
    }
    if (packet->publish.qos > found.other) {
        found.kind = only != NULL && only->is_shared ? TRACK_ANOMALY_DELIVERED_ABOVE_SHARED_GRANT
                                                     : TRACK_ANOMALY_DELIVERED_ABOVE_GRANT;
        track_report_anomaly(delivery->tracking, found);
    } else if (only != NULL && only->pending == 0 && only->removed_in == 0 && packet->publish.qos > only->granted &&
               only->granted_most > only->granted && has_outlived_old_grant(delivery, only)) {
        found.kind = TRACK_ANOMALY_DELIVERED_BY_OLD_GRANT;
        found.other = only->granted;
        track_report_anomaly(delivery->tracking, found);
    }
}

/** All filters that explain it were removed, long ago or before the message was published. */
static void check_removed(struct track_delivery *delivery)
{
    struct track_anomaly found = {.kind = TRACK_ANOMALY_DELIVERED_AFTER_REMOVAL, .at = topic_span(delivery)};
    const struct track_recent_publish *source;
    int64_t gone_ns = 0;

    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        bool is_gone = filter->removed_in != 0 && filter->pending == 0;
        gone_ns = MAX(gone_ns, filter->settled_ns);
        if (!is_gone && (filter->was_granted || filter->pending > 0))
            return;
        found.frame = MAX(found.frame, filter->removed_in);
    }
    source = track_find_recent_publish(delivery->tracking, delivery->topic);
    if (source != NULL &&
        track_least_elapsed_ns(&delivery->tracking->capture->clock, gone_ns, source->ns) > SETTLED_NS) {
        found.kind = TRACK_ANOMALY_QUEUED_AFTER_REMOVAL;
        found.other = source->frame;
    } else if (least_since(delivery, gone_ns) <= LONG_SETTLED_NS) {
        return;
    }
    if (!delivery->tracking->packet->publish.dup)
        track_report_anomaly(delivery->tracking, found);
}

static bool is_matching_id(const struct track_delivery *delivery, uint32_t id)
{
    for (unsigned i = 0; i < delivery->count; i++)
        if (track_subscribed_filter_has_id(delivery->matches[i], id))
            return true;
    return false;
}

/** True where a filter had an identifier and has another now, or none, and that was settled before the message was
 *  published: it does not account for the old one. */
static bool is_replaced_id(const struct track_subscribed_filter *filter, uint32_t id, int64_t ns)
{
    return filter->id != id && !filter->has_more_ids && filter->was_granted && filter->removed_in == 0 &&
           filter->pending == 0 && ns != TRACK_TIME_UNKNOWN && ns > filter->settled_ns + SETTLED_NS;
}

/** A new SUBSCRIBE of a filter replaces the subscription (MQTT 5.0 section 3.8.4): what is published after it is sent with
 *  its identifier, and not with the old one. */
static void check_replaced_id(struct track_delivery *delivery, const struct mqtt_property *id)
{
    const struct track_subscribed_filter *latest = NULL;
    int64_t ns = published_ns(delivery);

    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        if (!track_subscribed_filter_has_id(filter, id->number))
            continue;
        if (!is_replaced_id(filter, id->number, ns))
            return;
        latest = filter;
    }
    if (latest != NULL && !delivery->tracking->packet->publish.dup)
        track_report_anomaly(delivery->tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ID_REPLACED,
                                                                        .at = id->whole,
                                                                        .frame = latest->granted_in,
                                                                        .value = id->number,
                                                                        .other = latest->id});
}

/** Whether the identifiers of a delivery are of filters that explain it. Returns how many different ones it has; more than
 *  IDS_MAX where one of them is wrong, or there are too many. */
static unsigned read_ids(struct track_delivery *delivery, uint32_t *ids)
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
        if (is_matching_id(delivery, property.number)) {
            check_replaced_id(delivery, &property);
            continue;
        }
        bool is_given = track_subscription_history_has_id(delivery->history, property.number);
        track_report_anomaly(
            delivery->tracking,
            (struct track_anomaly){.kind = is_given ? TRACK_ANOMALY_ID_OF_OTHER_FILTER : TRACK_ANOMALY_ID_NEVER_GIVEN,
                                   .at = property.whole,
                                   .value = property.number});
        return IDS_MAX + 1;
    }
    return count;
}

/** The Subscription Identifiers of a delivery (MQTT 5.0 section 3.3.4). */
static void check_subscription_ids(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    struct track_anomaly found = {.at = packet->properties.length_at};
    uint32_t ids[IDS_MAX];
    uint32_t wanted[TRACK_MATCHES_MAX];
    unsigned wanted_count = 0;
    bool is_settled = true;
    bool all_have = true;
    unsigned count = read_ids(delivery, ids);

    if (count > IDS_MAX || packet->publish.dup)
        return;
    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        bool is_known = filter->id == 0;
        all_have &= !filter->was_without_id;
        is_settled &= filter->was_granted && filter->removed_in == 0 && filter->pending == 0 &&
                      filter->old_ids[0] == 0 && !(filter->was_without_id && filter->id != 0) &&
                      least_since(delivery, filter->settled_ns) > SETTLED_NS;
        for (unsigned known = 0; known < wanted_count; known++)
            is_known |= wanted[known] == filter->id;
        if (!is_known)
            wanted[wanted_count++] = filter->id;
    }
    found.value = count;
    found.other = wanted_count;
    if (count == 0 && all_have) {
        found.kind = TRACK_ANOMALY_ID_MISSING;
        track_report_anomaly(delivery->tracking, found);
    } else if (count > 1 && count < wanted_count && is_settled && !packet->publish.retain) {
        found.kind = TRACK_ANOMALY_IDS_INCOMPLETE;
        track_report_anomaly(delivery->tracking, found);
    }
}

static struct track_message_fingerprint fingerprint_of(const struct track_context *tracking, uint32_t hash)
{
    return (struct track_message_fingerprint){hash, tracking->pdu.frame, tracking->now_ns};
}

/** A delivery with RETAIN 1: what is it? Under Retain As Published 1 it may be anything. */
static void check_retained(struct track_delivery *delivery)
{
    struct track_delivery_checks *checks = track_delivery_checks_of(delivery->tracking);
    const struct track_subscribed_filter *first = delivery->matches[0];
    struct track_anomaly found = {.at = {0, 1}, .frame = first->requested_in};
    bool all_shared = true;
    bool none_wants = true;

    for (unsigned i = 0; i < delivery->count; i++) {
        if (delivery->matches[i]->keeps_retain)
            return;
        all_shared &= delivery->matches[i]->is_shared;
        none_wants &= !delivery->matches[i]->wants_retained;
    }
    const struct track_message_fingerprint *before =
        checks != NULL ? track_message_fingerprint_find(checks->retained, delivery->topic_hash) : NULL;
    bool came_before = before != NULL && before->frame > first->retained_in && before->frame < first->no_retained_in;
    if (delivery->tracking->packet->publish.payload.length == 0)
        found.kind = TRACK_ANOMALY_EMPTY_RETAINED;
    else if (all_shared)
        found.kind = TRACK_ANOMALY_RETAINED_FOR_SHARED;
    else if (none_wants)
        found.kind = TRACK_ANOMALY_RETAINED_UNWANTED;
    else if (delivery->count == 1 && came_before)
        found.kind = TRACK_ANOMALY_RETAINED_AGAIN;
    else {
        if (delivery->count == 1 && before == NULL && checks != NULL)
            track_message_fingerprint_add(&delivery->tracking->capture->memory, &checks->retained,
                                          fingerprint_of(delivery->tracking, delivery->topic_hash));
        return;
    }
    if (!delivery->tracking->packet->publish.dup)
        track_report_anomaly(delivery->tracking, found);
}

/** A hash of a message, to recognise it; 0 where it was not all captured. What is too short to be told from others is left to
 *  the rule's needs, so that it can be shown as undecided. */
static uint32_t hash_own(const struct mqtt_packet *packet, uint32_t topic_hash)
{
    struct mqtt_span payload = packet->publish.payload;

    if (packet->fault.kind != MQTT_FAULT_NONE)
        return 0;
    return topic_hash * 31 ^ track_hash_bytes(packet->bytes + payload.at, payload.length) ^ payload.length;
}

/** The Client's own message comes back though all filters have No Local. */
static void check_own(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    uint32_t hash = hash_own(packet, delivery->topic_hash);
    const struct track_delivery_checks *checks = delivery->tracking->checks->deliveries;
    const struct track_message_fingerprint *own =
        hash != 0 && checks != NULL ? track_message_fingerprint_find(checks->own, hash) : NULL;

    for (unsigned i = 0; i < delivery->count; i++)
        if (delivery->matches[i]->takes_own)
            return;
    if (own != NULL && !packet->publish.retain &&
        track_most_elapsed_ns(&delivery->tracking->capture->clock, own->ns, delivery->tracking->now_ns) <
            LONG_SETTLED_NS)
        track_report_anomaly(delivery->tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_OWN_MESSAGE_BACK,
                                                                        .at = packet->publish.payload,
                                                                        .frame = own->frame});
}

/** A PUBLISH of the Server, where all that the Client subscribed to is known. */
static void check_subscriptions(struct track_delivery *delivery)
{
    const struct track_context *tracking = delivery->tracking;
    const struct mqtt_packet *packet = tracking->packet;

    if (!delivery->is_explained) {
        check_unexplained(delivery);
        return;
    }
    if (delivery->has_too_many)
        return;
    check_qos(delivery);
    check_removed(delivery);
    track_check_forwarding(delivery);
    if (packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE)
        return; /* what was cut off may hold an identifier, or a payload */
    if (packet->publish.retain && !tracking->snapshot.is_bridge)
        check_retained(delivery);
    check_subscription_ids(delivery);
    check_own(delivery);
}

/** Remembers what the Client sends that could come back to it. */
static void follow_own_publishes(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_subscription_history *history = tracking->connection->subscribed;
    struct track_topic topic;

    if (packet->type == MQTT_TYPE_CONNECT)
        track_delivery_checks_reset(tracking);
    if ((packet->type == MQTT_TYPE_PUBACK || packet->type == MQTT_TYPE_PUBREC) && packet->version == MQTT_V50 &&
        mqtt_reason_is_error(packet->type, packet->reason))
        track_remember_shared_failure(tracking);
    if (packet->type != MQTT_TYPE_PUBLISH || history == NULL || !history->has_no_local ||
        !track_topic_of_publish(tracking, &topic))
        return;
    uint32_t hash = hash_own(packet, track_topic_hash(tracking, topic));
    struct track_delivery_checks *checks = hash != 0 ? track_delivery_checks_of(tracking) : NULL;
    if (checks != NULL)
        track_message_fingerprint_add(&tracking->capture->memory, &checks->own, fingerprint_of(tracking, hash));
}

void track_check_delivery(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_delivery delivery;
    struct track_topic topic;

    if (track_is_from_client(tracking))
        follow_own_publishes(tracking);
    /* A QoS of 3 has a rule of its own: what it would be above is no second fault. */
    if (!track_is_from_server(tracking) || packet->type != MQTT_TYPE_PUBLISH || mqtt_is_malformed(packet) ||
        packet->publish.qos > 2 || !track_topic_of_publish(tracking, &topic))
        return;
    track_check_forwarded_properties(tracking, topic);
    if (track_match_delivery(tracking, topic, &delivery))
        check_subscriptions(&delivery);
}
