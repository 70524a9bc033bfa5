/* check-forwarding.c - compares a delivery with the PUBLISH that it stems from, where that was captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-forwarding.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/recent-publishes.h"
#include "check-overlaps.h"
#include "check-shared-subscriptions.h"
#include "check-wills.h"
#include "report-delivery.h"

/* What happened so long before something else happened before it at the Server, too. */
static const int64_t SURELY_BEFORE_NS = INT64_C(2000000000);
static const int64_t SECOND_NS = INT64_C(1000000000);

/* Seconds that a Message Expiry Interval may be off: both ends round, and a segment may have been retransmitted. */
static const int64_t SLACK_S = 2;

/** A session may hold a message of the same content from before the capture. */
static enum track_lack session_lack(const struct track_context *tracking)
{
    return tracking->snapshot.session_known ? TRACK_LACK_NOTHING : TRACK_LACK_SESSION;
}

/** A property that reached the subscriber otherwise than it was published. */
static void report_change(struct track_context *tracking, const struct track_recent_publish *source,
                          enum track_anomaly_kind kind)
{
    track_report_anomaly(tracking, (struct track_anomaly){.kind = (uint16_t)kind,
                                                          .lack = session_lack(tracking),
                                                          .at = tracking->packet->properties.length_at,
                                                          .frame = source->frame});
}

static void compare_properties(struct track_context *tracking, const struct track_recent_publish *source,
                               const struct track_forwarded_properties *now)
{
    static const enum track_anomaly_kind kinds[TRACK_FORWARDED_KINDS] = {
        [TRACK_FORWARDED_FORMAT] = TRACK_ANOMALY_FORWARDED_FORMAT,
        [TRACK_FORWARDED_CONTENT_TYPE] = TRACK_ANOMALY_FORWARDED_CONTENT_TYPE,
        [TRACK_FORWARDED_RESPONSE_TOPIC] = TRACK_ANOMALY_FORWARDED_RESPONSE_TOPIC,
        [TRACK_FORWARDED_CORRELATION] = TRACK_ANOMALY_FORWARDED_CORRELATION,
    };
    const struct track_forwarded_properties *then = &source->properties;

    for (unsigned kind = 0; kind < TRACK_FORWARDED_KINDS; kind++)
        if (now->values[kind] != then->values[kind])
            report_change(tracking, source,
                          then->bare[kind] != 0 && then->bare[kind] == now->values[kind] ? TRACK_ANOMALY_FORWARDED_BARE
                                                                                         : kinds[kind]);
    if (now->user_count < then->user_count ||
        (now->user_count == then->user_count && now->users_unsorted != then->users_unsorted))
        report_change(tracking, source, TRACK_ANOMALY_FORWARDED_USER_PROPERTIES);
    else if (now->user_count == then->user_count && now->users != then->users)
        report_change(tracking, source, TRACK_ANOMALY_FORWARDED_USER_ORDER);
}

/** The Message Expiry Interval counts down while a message waits (MQTT 5.0 section 3.3.2.3.3). */
static void compare_expiry(struct track_context *tracking, const struct track_recent_publish *source,
                           const struct track_forwarded_properties *now)
{
    const struct track_clock *clock = &tracking->capture->clock;
    int64_t least_s = track_least_elapsed_ns(clock, source->ns, tracking->now_ns) / SECOND_NS;
    int64_t most_s = track_most_elapsed_ns(clock, source->ns, tracking->now_ns) / SECOND_NS;
    int64_t published_s = source->properties.expiry_s;
    struct track_anomaly found = {
        .lack = session_lack(tracking), .at = tracking->packet->properties.length_at, .frame = source->frame};

    if (!source->properties.has_expiry)
        return;
    found.value = now->expiry_s;
    found.other = source->properties.expiry_s;
    if (least_s > published_s + SLACK_S) {
        found.kind = TRACK_ANOMALY_FORWARDED_EXPIRED;
        track_report_anomaly(tracking, found);
    } else if (!now->has_expiry || now->expiry_s > published_s ||
               now->expiry_s + MAX(least_s, 0) > published_s + SLACK_S ||
               now->expiry_s + most_s < published_s - SLACK_S) {
        found.kind = TRACK_ANOMALY_FORWARDED_EXPIRY;
        track_report_anomaly(tracking, found);
    }
}

void track_check_forwarded_properties(struct track_context *tracking, struct track_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_recent_publish *source;
    struct track_forwarded_properties now;

    track_check_will(tracking, topic);
    if (packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE || packet->publish.dup ||
        packet->publish.retain ||
        (session_lack(tracking) != TRACK_LACK_NOTHING && !tracking->capture->options.keeps_undecided))
        return;
    source = track_find_recent_publish(tracking, topic);
    if (source == NULL || !source->is_v5)
        return;
    track_read_forwarded(packet, &packet->properties, &now);
    compare_properties(tracking, source, &now);
    compare_expiry(tracking, source, &now);
}

/** What is known of the filters that explain a delivery, against the time of its publication. */
struct standing {
    bool is_before;   /**< all were in force well before it */
    bool is_after;    /**< all were requested well after it */
    bool is_shared;   /**< one is shared */
    bool any_keeps;   /**< one may have Retain As Published 1 */
    bool all_keep;    /**< all have had it always */
    uint8_t lowest;   /**< QoS granted */
    uint8_t highest;  /**< the same */
    int64_t first_ns; /**< when the first was requested */
};

static bool is_surely_before(const struct track_delivery *delivery, int64_t earlier_ns, int64_t later_ns)
{
    return track_least_elapsed_ns(&delivery->tracking->capture->clock, earlier_ns, later_ns) > SURELY_BEFORE_NS;
}

static struct standing standing_of(const struct track_delivery *delivery, const struct track_recent_publish *source)
{
    struct standing standing = {
        .is_before = true, .is_after = true, .all_keep = true, .lowest = 2, .first_ns = INT64_MAX};

    for (unsigned i = 0; i < delivery->count; i++) {
        const struct track_subscribed_filter *filter = delivery->matches[i];
        standing.is_before &= filter->was_granted && filter->pending == 0 && filter->removed_in == 0 &&
                              is_surely_before(delivery, filter->settled_ns, source->ns);
        standing.is_after &= is_surely_before(delivery, source->ns, filter->first_ns);
        standing.is_shared |= filter->is_shared;
        standing.any_keeps |= filter->keeps_retain;
        standing.all_keep &= !filter->drops_retain;
        standing.lowest = MIN(standing.lowest, filter->granted);
        standing.highest = MAX(standing.highest, filter->granted);
        standing.first_ns = MIN(standing.first_ns, filter->first_ns);
    }
    return standing;
}

static void compare_qos(struct track_delivery *delivery, const struct track_recent_publish *source,
                        const struct standing *standing)
{
    uint8_t qos = delivery->tracking->packet->publish.qos;
    struct track_anomaly found = {.at = {0, 1}, .frame = source->frame, .value = qos};

    if (qos > source->qos) {
        found.kind = TRACK_ANOMALY_DELIVERED_ABOVE_PUBLISHED;
        found.other = source->qos;
        track_report_anomaly(delivery->tracking, found);
    } else if (standing->is_before && qos < MIN(source->qos, standing->lowest)) {
        found.kind = TRACK_ANOMALY_DELIVERED_BELOW_GRANT;
        found.other = MIN(source->qos, standing->lowest);
        track_report_anomaly(delivery->tracking, found);
    }
}

/** Filters that overlap and have different QoS: nothing is said where one may not bring the message, as with No Local, may
 *  bring it to another Client, or where it may have expired. */
static void compare_overlap(struct track_delivery *delivery, const struct track_recent_publish *source,
                            const struct standing *standing)
{
    bool is_own = source->connection == delivery->tracking->connection->number;
    bool is_certain = standing->is_before && !standing->is_shared && !is_own && !source->properties.has_expiry;
    uint8_t lowest = MIN(source->qos, standing->lowest);
    uint8_t highest = is_certain ? MIN(source->qos, standing->highest) : lowest;

    track_check_overlap(delivery, source, lowest, highest);
}

/** A message that is sent because it was published just now has RETAIN 0, or as it was published where that was requested. */
static void compare_live_retain(struct track_delivery *delivery, const struct track_recent_publish *source,
                                const struct standing *standing)
{
    bool retain = delivery->tracking->packet->publish.retain;
    struct track_anomaly found = {.at = {0, 1}, .frame = source->frame, .value = retain, .other = source->retain};

    if (retain && !standing->any_keeps) {
        found.kind = TRACK_ANOMALY_RETAIN_ON_LIVE;
        track_report_anomaly(delivery->tracking, found);
    } else if (standing->all_keep && retain != source->retain) {
        found.kind = TRACK_ANOMALY_RETAIN_NOT_KEPT;
        track_report_anomaly(delivery->tracking, found);
    }
}

/** A message that is sent because of a new subscription is the topic's latest retained one. */
static void compare_stored(struct track_delivery *delivery, const struct track_recent_publish *source,
                           const struct standing *standing)
{
    const struct track_recent_publish *later =
        track_find_retained_replacement(delivery->tracking, delivery->topic_hash, source->order);
    bool retain = delivery->tracking->packet->publish.retain;
    struct track_anomaly found = {.at = {0, 1}, .frame = source->frame};

    if (!retain) {
        found.kind = TRACK_ANOMALY_STORED_WITHOUT_RETAIN;
        if (source->retain && !standing->is_shared)
            track_report_anomaly(delivery->tracking, found);
        return;
    }
    if (!source->retain) {
        /* Only where another message is known to be the retained one. */
        const struct track_recent_publish *stored =
            track_find_retained_replacement(delivery->tracking, delivery->topic_hash, 0);
        found.kind = TRACK_ANOMALY_STORED_NOT_RETAINED;
        if (stored != NULL && stored->connection == source->connection &&
            is_surely_before(delivery, stored->ns, standing->first_ns))
            track_report_anomaly(delivery->tracking, found);
    } else if (later != NULL && later->connection == source->connection &&
               is_surely_before(delivery, later->ns, standing->first_ns)) {
        found.frame = later->frame;
        found.kind = later->is_empty   ? TRACK_ANOMALY_STORED_AFTER_REMOVAL
                     : later->qos == 0 ? TRACK_ANOMALY_STORED_BEFORE_QOS_0
                                       : TRACK_ANOMALY_STORED_BEFORE_LATER;
        track_report_anomaly(delivery->tracking, found);
    }
}

static uint32_t latest_of(const struct track_topic_order *order)
{
    uint32_t latest = 0;

    for (unsigned i = 0; i < TRACK_RECENT_ORDERS; i++)
        latest = MAX(latest, order->orders[i]);
    return latest;
}

/** The order of one publisher's messages of a topic and QoS; takes the slot of the one that was used least recently.
 *  NULL where there is no memory for it. */
static struct track_topic_order *order_of(struct track_delivery *delivery, const struct track_recent_publish *source)
{
    struct track_delivery_checks *checks = track_delivery_checks_of(delivery->tracking);
    uint8_t qos = delivery->tracking->packet->publish.qos;
    struct track_topic_order *oldest;

    if (checks != NULL && checks->orders == NULL)
        checks->orders = (struct track_topic_order *)track_alloc(
            delivery->tracking, TRACK_ORDERED_TOPICS * sizeof(struct track_topic_order));
    if (checks == NULL || checks->orders == NULL)
        return NULL;
    oldest = checks->orders;
    for (unsigned i = 0; i < TRACK_ORDERED_TOPICS; i++) {
        struct track_topic_order *order = &checks->orders[i];
        if (order->next > 0 && order->topic == source->topic && order->publisher == source->connection &&
            order->qos == source->qos && order->delivered_qos == qos)
            return order;
        if (latest_of(order) < latest_of(oldest))
            oldest = order;
    }
    *oldest = (struct track_topic_order){
        .topic = source->topic, .publisher = source->connection, .qos = source->qos, .delivered_qos = qos};
    return oldest;
}

/** Messages of one publisher, topic and QoS come in the order in which they were published. */
static void compare_order(struct track_delivery *delivery, const struct track_recent_publish *source)
{
    struct track_topic_order *order = order_of(delivery, source);

    if (order == NULL)
        return;
    for (unsigned i = 0; i < TRACK_RECENT_ORDERS; i++)
        if (order->orders[i] == source->order)
            return;
    if (source->order < latest_of(order))
        track_report_anomaly(delivery->tracking,
                             (struct track_anomaly){.kind = TRACK_ANOMALY_DELIVERED_OUT_OF_ORDER,
                                                    .at = delivery->tracking->packet->publish.payload,
                                                    .frame = source->frame});
    order->orders[order->next++ % TRACK_RECENT_ORDERS] = source->order;
}

/** Some filter that matches may bring live messages with RETAIN 1. */
static bool keeps_retain(const struct track_delivery *delivery)
{
    bool keeps = false;

    for (unsigned i = 0; i < delivery->count; i++)
        keeps |= delivery->matches[i]->keeps_retain;
    return keeps;
}

void track_check_forwarding(struct track_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    const struct track_recent_publish *source;

    if (packet->publish.dup || packet->fault.kind != MQTT_FAULT_NONE)
        return;
    if (delivery->count == 1 && !packet->publish.retain)
        track_check_will_copies(delivery->tracking, delivery->topic);
    if (packet->publish.retain && !delivery->tracking->snapshot.is_bridge && !keeps_retain(delivery))
        track_check_stored_will(delivery->tracking, delivery->topic);
    source = track_find_recent_publish(delivery->tracking, delivery->topic);
    if (source == NULL)
        return;
    struct standing standing = standing_of(delivery, source);
    if (!packet->publish.retain) {
        compare_qos(delivery, source, &standing);
        compare_overlap(delivery, source, &standing);
        if (delivery->count == 1 && !standing.is_shared && packet->publish.qos == MIN(source->qos, standing.highest))
            compare_order(delivery, source);
        if (delivery->count == 1 && standing.is_shared)
            track_check_shared_subscription(delivery, source);
    }
    if (delivery->tracking->snapshot.is_bridge || (standing.is_shared && standing.is_after))
        return;
    if (standing.is_before)
        compare_live_retain(delivery, source, &standing);
    else if (standing.is_after)
        compare_stored(delivery, source, &standing);
}
