/* subscriptions.c - the subscriptions of each session (MQTT 5.0 sections 3.8.4 and 3.10.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A subscription is in force from its SUBACK on, for as long as its session lives, and a further one with the same filter
 * replaces it. A session may have very many: all sessions share one map that finds a subscription by session and filter.
 */
#include <string.h>

#include "interests.h"
#include "state.h"

guint mqtt_hash_text(guint seed, const struct mqtt_text *text)
{
    guint hash = seed;

    for (uint32_t i = 0; i < text->length; i++)
        hash = (hash ^ text->bytes[i]) * 16777619u;
    return hash;
}

bool mqtt_is_same_text(const struct mqtt_text *one, const struct mqtt_text *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

static guint hash_subscription(gconstpointer key)
{
    const struct mqtt_subscription *subscription = (const struct mqtt_subscription *)key;
    return mqtt_hash_text(g_direct_hash(subscription->session), subscription->filter);
}

static gboolean is_same_subscription(gconstpointer one, gconstpointer other)
{
    const struct mqtt_subscription *a = (const struct mqtt_subscription *)one;
    const struct mqtt_subscription *b = (const struct mqtt_subscription *)other;
    return a->session == b->session && mqtt_is_same_text(a->filter, b->filter);
}

void mqtt_subscriptions_begin(struct mqtt_world *world)
{
    world->subscriptions = wmem_map_new(world->scope, hash_subscription, is_same_subscription);
}

/** Takes a subscription out of its session and of the map. */
static void end_subscription(struct mqtt_world *world, struct mqtt_session *session,
                             struct mqtt_subscription *subscription)
{
    wmem_map_remove(world->subscriptions, subscription);
    if (subscription->next != NULL)
        subscription->next->previous = subscription->previous;
    if (subscription->previous != NULL)
        subscription->previous->next = subscription->next;
    else
        session->subscriptions = subscription->next;
}

void mqtt_subscriptions_clear(struct mqtt_world *world, struct mqtt_session *session)
{
    while (session->subscriptions != NULL)
        end_subscription(world, session, session->subscriptions);
}

static void end_by_filter(struct mqtt_world *world, struct mqtt_session *session, const struct mqtt_text *filter)
{
    struct mqtt_subscription wanted = {.session = session, .filter = filter};
    struct mqtt_subscription *found = (struct mqtt_subscription *)wmem_map_lookup(world->subscriptions, &wanted);

    if (found != NULL)
        end_subscription(world, session, found);
}

static void begin_subscription(struct mqtt_world *world, struct mqtt_session *session,
                               struct mqtt_subscription *subscription, uint8_t granted)
{
    subscription->session = session;
    subscription->granted = granted;
    subscription->next = session->subscriptions;
    subscription->previous = NULL;
    if (subscription->next != NULL)
        subscription->next->previous = subscription;
    session->subscriptions = subscription;
    wmem_map_insert(world->subscriptions, subscription, subscription);
}

void mqtt_keep_filters(struct mqtt_tracking *tracking, struct mqtt_flow *flow)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_world *world = tracking->connection->world;
    struct mqtt_filter filter;
    uint32_t count = 0;
    uint32_t at = 0;

    while (mqtt_filters_next(packet, &at, &filter))
        count++;
    struct mqtt_kept_filters *kept =
        (struct mqtt_kept_filters *)wmem_alloc0(world->scope, sizeof *kept + count * sizeof(struct mqtt_subscription));
    at = 0;
    while (mqtt_filters_next(packet, &at, &filter)) {
        struct mqtt_subscription *entry = &kept->entries[kept->count++];
        entry->filter = mqtt_keep_text(world, packet, filter.text);
        entry->options = filter.options;
    }
    kept->is_whole = packet->fault.kind == MQTT_FAULT_NONE;
    kept->sent_in = tracking->place.frame;
    flow->payload = kept;
    mqtt_note_request(tracking, kept);
}

void mqtt_apply_filters(struct mqtt_tracking *tracking, const struct mqtt_flow *flow)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_world *world = tracking->connection->world;
    struct mqtt_session *session = tracking->connection->session;
    struct mqtt_kept_filters *kept = (struct mqtt_kept_filters *)flow->payload;
    bool is_unsubscribe = packet->type == MQTT_TYPE_UNSUBACK;

    if (kept != NULL)
        mqtt_note_answer(tracking, kept);
    if (session == NULL || kept == NULL)
        return;
    for (uint32_t i = 0; i < kept->count; i++) {
        bool has_code = i < packet->list.length && packet->list.at + i < packet->captured;
        uint8_t code = has_code ? packet->bytes[packet->list.at + i] : 0;
        if (code >= 0x80 || (!is_unsubscribe && !has_code))
            continue;
        end_by_filter(world, session, kept->entries[i].filter);
        if (!is_unsubscribe)
            begin_subscription(world, session, &kept->entries[i], code);
    }
}
