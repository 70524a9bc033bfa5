/* subscriptions.c - the subscriptions of each session (MQTT 5.0 sections 3.8.4 and 3.10.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A subscription is in force from its SUBACK on, for as long as its session lives, and a further one with the same filter
 * replaces it. A session may have very many: all sessions share one map that finds a subscription by session and filter.
 */
#include "subscriptions.h"

#include <stddef.h>

#include "../store/text.h"
#include "connection.h"

static guint hash_subscription(gconstpointer key)
{
    const struct track_subscription *subscription = (const struct track_subscription *)key;
    return track_hash_text(g_direct_hash(subscription->session), subscription->filter);
}

static gboolean is_same_subscription(gconstpointer one, gconstpointer other)
{
    const struct track_subscription *a = (const struct track_subscription *)one;
    const struct track_subscription *b = (const struct track_subscription *)other;
    return a->session == b->session && track_is_same_text(a->filter, b->filter);
}

static size_t size_of_filters(uint32_t count)
{
    return sizeof(struct track_request_filters) + count * sizeof(struct track_subscription);
}

void track_request_filters_release(struct track_file_memory *memory, struct track_request_filters *filters)
{
    if (--filters->uses == 0)
        track_file_free(memory, filters, size_of_filters(filters->count));
}

/** The request that a subscription stems from. */
static struct track_request_filters *request_of(struct track_subscription *subscription)
{
    char *entries = (char *)(subscription - subscription->index);
    return (struct track_request_filters *)(entries - offsetof(struct track_request_filters, entries));
}

/** Takes a subscription out of its session and of the map. */
static void end_subscription(struct track_capture *capture, struct track_session *session,
                             struct track_subscription *subscription)
{
    wmem_map_remove(capture->subscriptions, subscription);
    if (subscription->next != NULL)
        subscription->next->previous = subscription->previous;
    if (subscription->previous != NULL)
        subscription->previous->next = subscription->next;
    else
        session->subscriptions = subscription->next;
    capture->memory.used -= TRACK_MAP_ENTRY_SIZE;
    track_request_filters_release(&capture->memory, request_of(subscription));
}

void track_subscriptions_clear(struct track_capture *capture, struct track_session *session)
{
    while (session->subscriptions != NULL)
        end_subscription(capture, session, session->subscriptions);
}

static void end_by_filter(struct track_capture *capture, struct track_session *session, const struct track_text *filter)
{
    struct track_subscription wanted = {.session = session, .filter = filter};
    struct track_subscription *found =
        capture->subscriptions != NULL ? (struct track_subscription *)wmem_map_lookup(capture->subscriptions, &wanted)
                                       : NULL;

    if (found != NULL)
        end_subscription(capture, session, found);
}

static void begin_subscription(struct track_context *tracking, struct track_session *session,
                               struct track_request_filters *filters, uint32_t index, uint8_t granted)
{
    struct track_capture *capture = tracking->capture;
    struct track_subscription *subscription = &filters->entries[index];

    if (!track_file_charge(&capture->memory, TRACK_MAP_ENTRY_SIZE)) {
        track_report_memory_limit(tracking);
        return;
    }
    if (capture->subscriptions == NULL)
        capture->subscriptions = wmem_map_new(capture->memory.scope, hash_subscription, is_same_subscription);
    filters->uses++;
    subscription->session = session;
    subscription->granted = granted;
    subscription->next = session->subscriptions;
    subscription->previous = NULL;
    if (subscription->next != NULL)
        subscription->next->previous = subscription;
    session->subscriptions = subscription;
    wmem_map_insert(capture->subscriptions, subscription, subscription);
}

struct track_request_filters *track_read_request_filters(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct mqtt_filter filter;
    uint32_t count = 0;
    uint32_t at = 0;

    while (mqtt_filters_next(packet, &at, &filter))
        count++;
    struct track_request_filters *filters =
        (struct track_request_filters *)track_alloc(tracking, size_of_filters(count));
    if (filters == NULL)
        return NULL;
    filters->count = count;
    filters->uses = 1;
    filters->is_whole = packet->fault.kind == MQTT_FAULT_NONE;
    filters->sent_in = tracking->pdu.frame;
    at = 0;
    for (uint32_t i = 0; i < count && mqtt_filters_next(packet, &at, &filter); i++) {
        struct track_subscription *entry = &filters->entries[i];
        entry->filter = track_intern_span(tracking->capture, packet, filter.text);
        entry->index = i;
        entry->options = filter.options;
        if (entry->filter == NULL) {
            track_request_filters_release(&tracking->capture->memory, filters);
            track_report_memory_limit(tracking);
            return NULL;
        }
    }
    return filters;
}

void track_apply_request_filters(struct track_context *tracking, struct track_request_filters *filters)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_session *session = tracking->connection->session.stored;
    bool is_unsubscribe = packet->type == MQTT_TYPE_UNSUBACK;

    if (session == NULL)
        return;
    for (uint32_t i = 0; i < filters->count; i++) {
        bool has_code = i < packet->list.length && packet->list.at + i < packet->captured;
        uint8_t code = has_code ? packet->bytes[packet->list.at + i] : 0;
        if (mqtt_reason_is_error(packet->type, code) || (!is_unsubscribe && !has_code))
            continue;
        end_by_filter(tracking->capture, session, filters->entries[i].filter);
        if (!is_unsubscribe)
            begin_subscription(tracking, session, filters, i, code);
    }
}
