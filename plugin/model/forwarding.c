/* forwarding.c - holds a delivery against the PUBLISH that it stems from, where that was captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "delivery.h"
#include "publications.h"

/* What happened so long before something else happened before it at the Server, too. */
static const int64_t SURELY_BEFORE_NS = INT64_C(2000000000);
static const int64_t SECOND_NS = INT64_C(1000000000);

/* Seconds that a Message Expiry Interval may be off: both ends round, and a segment may have been sent again. */
static const int64_t SLACK_S = 2;

/** A property that reached the subscriber otherwise than it was published. */
static void observe_change(struct mqtt_tracking *tracking, const struct mqtt_publication *source,
                           enum mqtt_observation_kind kind)
{
    mqtt_observe(tracking, (struct mqtt_observation){.kind = (uint16_t)kind,
                                                     .at = tracking->packet->properties.length_at,
                                                     .frame = source->frame});
}

static void compare_properties(struct mqtt_tracking *tracking, const struct mqtt_publication *source,
                               const struct mqtt_forwarded_properties *now)
{
    static const enum mqtt_observation_kind kinds[MQTT_FORWARDED_KINDS] = {
        [MQTT_FORWARDED_FORMAT] = MQTT_OBSERVED_FORWARDED_FORMAT,
        [MQTT_FORWARDED_CONTENT_TYPE] = MQTT_OBSERVED_FORWARDED_CONTENT_TYPE,
        [MQTT_FORWARDED_RESPONSE_TOPIC] = MQTT_OBSERVED_FORWARDED_RESPONSE_TOPIC,
        [MQTT_FORWARDED_CORRELATION] = MQTT_OBSERVED_FORWARDED_CORRELATION,
    };
    const struct mqtt_forwarded_properties *then = &source->properties;

    for (unsigned kind = 0; kind < MQTT_FORWARDED_KINDS; kind++)
        if (now->values[kind] != then->values[kind])
            observe_change(tracking, source,
                           then->bare[kind] != 0 && then->bare[kind] == now->values[kind] ? MQTT_OBSERVED_FORWARDED_BARE
                                                                                          : kinds[kind]);
    if (now->user_count < then->user_count ||
        (now->user_count == then->user_count && now->users_unsorted != then->users_unsorted))
        observe_change(tracking, source, MQTT_OBSERVED_FORWARDED_USER_PROPERTIES);
    else if (now->user_count == then->user_count && now->users != then->users)
        observe_change(tracking, source, MQTT_OBSERVED_FORWARDED_USER_ORDER);
}

/** The Message Expiry Interval counts down while a message waits (MQTT 5.0 section 3.3.2.3.3). */
static void compare_expiry(struct mqtt_tracking *tracking, const struct mqtt_publication *source,
                           const struct mqtt_forwarded_properties *now)
{
    int64_t waited_s = (tracking->now_ns - source->ns) / SECOND_NS;
    int64_t published_s = source->properties.expiry_s;
    struct mqtt_observation seen = {.at = tracking->packet->properties.length_at, .frame = source->frame};

    if (!source->properties.has_expiry)
        return;
    seen.value = now->expiry_s;
    seen.other = source->properties.expiry_s;
    if (waited_s > published_s + SLACK_S) {
        seen.kind = MQTT_OBSERVED_FORWARDED_EXPIRED;
        mqtt_observe(tracking, seen);
    } else if (!now->has_expiry || now->expiry_s > published_s ||
               ABS(now->expiry_s + waited_s - published_s) > SLACK_S) {
        seen.kind = MQTT_OBSERVED_FORWARDED_EXPIRY;
        mqtt_observe(tracking, seen);
    }
}

void mqtt_track_forwarding(struct mqtt_tracking *tracking, struct mqtt_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_publication *source;
    struct mqtt_forwarded_properties now;

    mqtt_look_for_will(tracking, topic, MQTT_WILL_ANY);
    /* A session may hold a message of the same content from before the capture. */
    if (packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE || packet->publish.dup ||
        packet->publish.retain || !tracking->epoch.session_known)
        return;
    source = mqtt_find_publication(tracking, topic);
    if (source == NULL || !source->is_v5)
        return;
    mqtt_read_forwarded(packet, &packet->properties, &now);
    compare_properties(tracking, source, &now);
    compare_expiry(tracking, source, &now);
}

/** What is known of the filters that explain a delivery, against the time of its publication. */
struct standing {
    bool is_before;   /**< all were in force well before it */
    bool is_after;    /**< all were asked for well after it */
    bool is_shared;   /**< one is shared */
    bool any_keeps;   /**< one may have Retain As Published 1 */
    bool all_keep;    /**< all have had it always */
    uint8_t lowest;   /**< QoS granted */
    int64_t first_ns; /**< when the first was asked for */
};

static struct standing standing_of(const struct mqtt_delivery *delivery, const struct mqtt_publication *source)
{
    struct standing standing = {true, true, false, false, true, 2, INT64_MAX};

    for (unsigned i = 0; i < delivery->count; i++) {
        const struct mqtt_interest *interest = delivery->matches[i];
        standing.is_before &= interest->was_granted && interest->pending == 0 && interest->removed_in == 0 &&
                              interest->settled_ns < source->ns - SURELY_BEFORE_NS;
        standing.is_after &= interest->first_ns > source->ns + SURELY_BEFORE_NS;
        standing.is_shared |= interest->is_shared;
        standing.any_keeps |= interest->keeps_retain;
        standing.all_keep &= !interest->drops_retain;
        standing.lowest = MIN(standing.lowest, interest->granted);
        standing.first_ns = MIN(standing.first_ns, interest->first_ns);
    }
    return standing;
}

static void compare_qos(struct mqtt_delivery *delivery, const struct mqtt_publication *source,
                        const struct standing *standing)
{
    uint8_t qos = delivery->tracking->packet->publish.qos;
    struct mqtt_observation seen = {.at = {0, 1}, .frame = source->frame, .value = qos};

    if (qos > source->qos) {
        seen.kind = MQTT_OBSERVED_DELIVERED_ABOVE_PUBLISHED;
        seen.other = source->qos;
        mqtt_observe_delivery(delivery, seen);
    } else if (standing->is_before && qos < MIN(source->qos, standing->lowest)) {
        seen.kind = MQTT_OBSERVED_DELIVERED_BELOW_GRANT;
        seen.other = MIN(source->qos, standing->lowest);
        mqtt_observe_delivery(delivery, seen);
    }
}

/** A message that is sent because it was published just now has RETAIN 0, or as it was published where that was asked. */
static void compare_live_retain(struct mqtt_delivery *delivery, const struct mqtt_publication *source,
                                const struct standing *standing)
{
    bool retain = delivery->tracking->packet->publish.retain;
    struct mqtt_observation seen = {.at = {0, 1}, .frame = source->frame, .value = retain, .other = source->retain};

    if (retain && !standing->any_keeps) {
        seen.kind = MQTT_OBSERVED_RETAIN_ON_LIVE;
        mqtt_observe_delivery(delivery, seen);
    } else if (standing->all_keep && retain != source->retain) {
        seen.kind = MQTT_OBSERVED_RETAIN_NOT_KEPT;
        mqtt_observe_delivery(delivery, seen);
    }
}

/** A message that is sent because of a new subscription is the topic's latest retained one. */
static void compare_stored(struct mqtt_delivery *delivery, const struct mqtt_publication *source,
                           const struct standing *standing)
{
    const struct mqtt_publication *later =
        mqtt_find_replacement(delivery->tracking, delivery->topic_hash, source->order);
    bool retain = delivery->tracking->packet->publish.retain;
    struct mqtt_observation seen = {.at = {0, 1}, .frame = source->frame};

    if (!retain) {
        seen.kind = MQTT_OBSERVED_STORED_WITHOUT_RETAIN;
        if (source->retain && !standing->is_shared)
            mqtt_observe_delivery(delivery, seen);
        return;
    }
    if (!source->retain) {
        /* Only where another message is known to be the retained one. */
        const struct mqtt_publication *stored = mqtt_find_replacement(delivery->tracking, delivery->topic_hash, 0);
        seen.kind = MQTT_OBSERVED_STORED_UNASKED;
        if (stored != NULL && stored->connection == source->connection &&
            standing->first_ns > stored->ns + SURELY_BEFORE_NS)
            mqtt_observe_delivery(delivery, seen);
    } else if (later != NULL && later->connection == source->connection &&
               standing->first_ns > later->ns + SURELY_BEFORE_NS) {
        seen.frame = later->frame;
        seen.kind = later->is_empty   ? MQTT_OBSERVED_STORED_AFTER_REMOVAL
                    : later->qos == 0 ? MQTT_OBSERVED_STORED_BEFORE_QOS_0
                                      : MQTT_OBSERVED_STORED_BEFORE_LATER;
        mqtt_observe_delivery(delivery, seen);
    }
}

static uint32_t latest_of(const struct mqtt_topic_order *order)
{
    uint32_t latest = 0;

    for (unsigned i = 0; i < MQTT_RECENT_ORDERS; i++)
        latest = MAX(latest, order->orders[i]);
    return latest;
}

/** The record of one publisher's messages of a topic and QoS; takes the place of the one that was used least lately. */
static struct mqtt_topic_order *order_of(struct mqtt_delivery *delivery, const struct mqtt_publication *source)
{
    struct mqtt_book *book = delivery->book;
    wmem_allocator_t *scope = delivery->tracking->connection->world->scope;
    struct mqtt_topic_order *oldest;

    if (book->orders == NULL)
        book->orders =
            (struct mqtt_topic_order *)wmem_alloc0(scope, MQTT_ORDERED_TOPICS * sizeof(struct mqtt_topic_order));
    oldest = book->orders;
    for (unsigned i = 0; i < MQTT_ORDERED_TOPICS; i++) {
        struct mqtt_topic_order *order = &book->orders[i];
        if (order->next > 0 && order->topic == source->topic && order->publisher == source->connection &&
            order->qos == source->qos)
            return order;
        if (latest_of(order) < latest_of(oldest))
            oldest = order;
    }
    *oldest = (struct mqtt_topic_order){.topic = source->topic, .publisher = source->connection, .qos = source->qos};
    return oldest;
}

/** Messages of one publisher, topic and QoS come in the order in which they were published. */
static void compare_order(struct mqtt_delivery *delivery, const struct mqtt_publication *source)
{
    struct mqtt_topic_order *order = order_of(delivery, source);

    for (unsigned i = 0; i < MQTT_RECENT_ORDERS; i++)
        if (order->orders[i] == source->order)
            return;
    if (source->order < latest_of(order))
        mqtt_observe_delivery(delivery, (struct mqtt_observation){.kind = MQTT_OBSERVED_DELIVERED_OUT_OF_ORDER,
                                                                  .at = delivery->tracking->packet->publish.payload,
                                                                  .frame = source->frame});
    order->orders[order->next++ % MQTT_RECENT_ORDERS] = source->order;
}

/** A message of a Shared Subscription goes to one of its sessions. */
static void compare_share(struct mqtt_delivery *delivery, struct mqtt_publication *source)
{
    const struct mqtt_interest *only = delivery->matches[0];
    const struct mqtt_connection *connection = delivery->tracking->connection;
    uint32_t filter = mqtt_hash_bytes(only->filter->bytes, only->filter->length);

    if (source->shared_to == NULL) {
        source->shared_to = connection;
        source->shared_filter = filter;
        source->shared_qos = delivery->tracking->packet->publish.qos;
        source->shared_in = delivery->tracking->place.frame;
        return;
    }
    struct mqtt_transport_state first = mqtt_transport_state_of(source->shared_to);
    bool has_ended = first.is_finished || first.is_reset || source->shared_to->disconnected;
    if (source->shared_to == connection || source->shared_filter != filter)
        return;
    struct mqtt_observation seen = {.at = delivery->tracking->packet->publish.payload, .frame = source->shared_in};
    if (source->is_refused)
        seen.kind = MQTT_OBSERVED_SHARED_AFTER_REFUSAL;
    else if (!has_ended)
        seen.kind = MQTT_OBSERVED_SHARED_TWICE;
    else if (source->shared_qos == 2)
        seen.kind = MQTT_OBSERVED_SHARED_AFTER_END;
    else
        return;
    mqtt_observe_delivery(delivery, seen);
}

/** Some filter that matches may bring live messages with RETAIN 1. */
static bool keeps_retain(const struct mqtt_delivery *delivery)
{
    bool keeps = false;

    for (unsigned i = 0; i < delivery->count; i++)
        keeps |= delivery->matches[i]->keeps_retain;
    return keeps;
}

void mqtt_compare_delivery(struct mqtt_delivery *delivery)
{
    const struct mqtt_packet *packet = delivery->tracking->packet;
    struct mqtt_publication *source;

    if (packet->publish.dup || packet->fault.kind != MQTT_FAULT_NONE)
        return;
    if (delivery->count == 1 && !packet->publish.retain)
        mqtt_look_for_will(delivery->tracking, delivery->topic, MQTT_WILL_COPIES);
    if (packet->publish.retain && !delivery->tracking->epoch.is_bridge && !keeps_retain(delivery))
        mqtt_look_for_will(delivery->tracking, delivery->topic, MQTT_WILL_STORED);
    source = mqtt_find_publication(delivery->tracking, delivery->topic);
    if (source == NULL)
        return;
    struct standing standing = standing_of(delivery, source);
    if (!packet->publish.retain) {
        compare_qos(delivery, source, &standing);
        if (delivery->count == 1 && !standing.is_shared && packet->publish.qos == source->qos)
            compare_order(delivery, source);
        if (delivery->count == 1 && standing.is_shared)
            compare_share(delivery, source);
    }
    if (delivery->tracking->epoch.is_bridge || (standing.is_shared && standing.is_after))
        return;
    if (standing.is_before)
        compare_live_retain(delivery, source, &standing);
    else if (standing.is_after && !standing.any_keeps)
        compare_stored(delivery, source, &standing);
}
