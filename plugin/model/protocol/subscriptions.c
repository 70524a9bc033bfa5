/* subscriptions.c - the subscriptions of each session (MQTT 5.0 sections 3.8.4 and 3.10.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A subscription is in force from its SUBACK on, for as long as its session lives, and a further one with the same filter
 * replaces it. A session may have very many: all sessions share one map that finds a subscription by session and filter.
 */
#include "subscriptions.h"

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

static void begin_subscription(struct track_capture *capture, struct track_session *session,
                               struct track_subscription *subscription, uint8_t granted)
{
    if (capture->subscriptions == NULL)
        capture->subscriptions = wmem_map_new(capture->memory.scope, hash_subscription, is_same_subscription);
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
    struct track_request_filters *filters = (struct track_request_filters *)track_file_alloc(
        &tracking->capture->memory, sizeof *filters + count * sizeof(struct track_subscription));
    at = 0;
    while (filters != NULL && mqtt_filters_next(packet, &at, &filter)) {
        struct track_subscription *entry = &filters->entries[filters->count++];
        entry->filter = track_intern_span(tracking->capture, packet, filter.text);
        entry->options = filter.options;
        if (entry->filter == NULL)
            filters = NULL;
    }
    if (filters == NULL) {
        track_report_memory_limit(tracking);
        return NULL;
    }
    filters->is_whole = packet->fault.kind == MQTT_FAULT_NONE;
    filters->sent_in = tracking->pdu.frame;
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
            begin_subscription(tracking->capture, session, &filters->entries[i], code);
    }
}
