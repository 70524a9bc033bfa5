/* subscription-history.c - what a Client subscribed to on one connection, and what it was granted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "subscription-history.h"

#include <string.h>

#include "../store/text.h"
#include "topic-match.h"

enum { LISTS = 256, LISTS_FROM = 16 };

/** Of connections that there is no memory for. Nothing is ever written to it. */
static struct track_subscription_history lost_history = {.is_incomplete = true};

static struct track_subscription_history *history_of(struct track_context *tracking)
{
    struct track_subscription_history **history = &tracking->connection->subscribed;

    if (*history == NULL)
        *history = (struct track_subscription_history *)track_alloc(tracking, sizeof **history);
    if (*history == NULL)
        *history = &lost_history;
    return *history;
}

const struct track_subscription_history *track_subscription_history_of(struct track_context *tracking)
{
    return history_of(tracking);
}

static size_t size_of_filter_lists(uint32_t mask)
{
    return ((size_t)mask + 1) * sizeof(struct track_subscribed_filter *);
}

static void free_list(struct track_file_memory *memory, struct track_subscribed_filter *list)
{
    while (list != NULL) {
        struct track_subscribed_filter *next = list->next;
        track_file_free(memory, list, sizeof *list);
        list = next;
    }
}

void track_subscription_history_reset(struct track_context *tracking)
{
    struct track_file_memory *memory = &tracking->capture->memory;
    struct track_subscription_history *history = tracking->connection->subscribed;

    tracking->connection->subscribed = NULL;
    if (history == NULL || history == &lost_history)
        return;
    free_list(memory, history->wide);
    for (uint32_t i = 0; i <= history->mask; i++)
        free_list(memory, track_exact_filters(history, i));
    if (history->mask != 0)
        track_file_free(memory, history->lists, size_of_filter_lists(history->mask));
    track_file_free(memory, history, sizeof *history);
}

/** The start of the list that a filter without wildcard or prefix belongs to. */
static struct track_subscribed_filter **list_of(struct track_subscription_history *history,
                                                const struct track_text *text)
{
    if (history->mask == 0)
        return &history->list;
    return &history->lists[track_hash_bytes(text->bytes, text->length) & history->mask];
}

static struct track_subscribed_filter *find_in(struct track_subscribed_filter *list, const struct track_text *text)
{
    while (list != NULL && !track_is_same_text(list->text, text))
        list = list->next;
    return list;
}

struct track_subscribed_filter *track_subscription_history_find(const struct track_subscription_history *history,
                                                                const struct track_text *text)
{
    struct track_subscribed_filter *found =
        find_in(track_exact_filters(history, track_hash_bytes(text->bytes, text->length)), text);
    return found != NULL ? found : find_in(history->wide, text);
}

/** Changes over from one list of exact filters to many; where there is no memory for that it only gets longer. */
static void make_lists(struct track_context *tracking, struct track_subscription_history *history)
{
    struct track_subscribed_filter **lists =
        (struct track_subscribed_filter **)track_alloc(tracking, size_of_filter_lists(LISTS - 1));
    struct track_subscribed_filter *all = history->list;

    if (lists == NULL)
        return;
    history->lists = lists;
    history->mask = LISTS - 1;
    while (all != NULL) {
        struct track_subscribed_filter *filter = all;
        struct track_subscribed_filter **list = list_of(history, filter->text);
        all = filter->next;
        filter->next = *list;
        *list = filter;
    }
}

bool track_subscribed_filter_has_id(const struct track_subscribed_filter *filter, uint32_t id)
{
    bool has = filter->id == id || filter->has_more_ids;

    for (unsigned i = 0; i < TRACK_EARLIER_IDS; i++)
        has |= filter->old_ids[i] == id;
    return has;
}

static bool list_has_id(const struct track_subscribed_filter *list, uint32_t id)
{
    while (list != NULL && !track_subscribed_filter_has_id(list, id))
        list = list->next;
    return list != NULL;
}

bool track_subscription_history_has_id(const struct track_subscription_history *history, uint32_t id)
{
    bool has = list_has_id(history->wide, id);

    for (uint32_t i = 0; i <= history->mask && !has; i++)
        has = list_has_id(track_exact_filters(history, i), id);
    return has;
}

/** Looks through a list: false where some filter of it has `old` still. */
static bool find_replaced(const struct track_subscribed_filter *list, uint32_t old, uint32_t latest, bool *is_found)
{
    for (; list != NULL; list = list->next) {
        if (list->id == old)
            return false;
        *is_found |= list->id == latest && !list->has_more_ids && track_subscribed_filter_has_id(list, old);
    }
    return true;
}

bool track_subscription_history_replaced_id(const struct track_subscription_history *history, uint32_t old,
                                            uint32_t latest)
{
    bool is_found = false;
    bool is_gone = find_replaced(history->wide, old, latest, &is_found);

    for (uint32_t i = 0; i <= history->mask && is_gone; i++)
        is_gone = find_replaced(track_exact_filters(history, i), old, latest, &is_found);
    return is_gone && is_found;
}

/** The record of a filter that is requested; NULL where the history is full. */
static struct track_subscribed_filter *enter(struct track_context *tracking, struct track_subscription_history *history,
                                             const struct track_text *text)
{
    struct track_subscribed_filter *filter = track_subscription_history_find(history, text);

    if (filter != NULL)
        return filter;
    if (history->count == TRACK_SUBSCRIBED_FILTERS_MAX || !track_is_clear_filter(text)) {
        history->is_incomplete = true;
        return NULL;
    }
    filter = (struct track_subscribed_filter *)track_alloc(tracking, sizeof *filter);
    if (filter == NULL) {
        history->is_incomplete = true;
        return NULL;
    }
    if (++history->count >= LISTS_FROM && history->mask == 0)
        make_lists(tracking, history);
    filter->text = text;
    filter->is_shared = track_is_shared_filter(text);
    struct track_subscribed_filter **list = track_is_wide_filter(text) ? &history->wide : list_of(history, text);
    filter->next = *list;
    *list = filter;
    return filter;
}

/** Keeps the Subscription Identifier of an earlier request. */
static void change_id(struct track_subscribed_filter *filter, uint32_t id)
{
    unsigned slot = 0;

    if (filter->id != 0 && filter->id != id) {
        while (slot < TRACK_EARLIER_IDS && filter->old_ids[slot] != 0 && filter->old_ids[slot] != filter->id)
            slot++;
        if (slot == TRACK_EARLIER_IDS)
            filter->has_more_ids = true;
        else
            filter->old_ids[slot] = filter->id;
    }
    filter->id = id;
    filter->was_without_id |= id == 0;
}

/** A SUBSCRIBE requests a filter. */
static void take_request(struct track_context *tracking, const struct track_subscription *entry, uint32_t id)
{
    enum { QOS = 0x03, NO_LOCAL = 0x04, AS_PUBLISHED = 0x08, HANDLING_SHIFT = 4 };
    struct track_subscription_history *history = tracking->connection->subscribed;
    bool has_options = tracking->packet->version == MQTT_V50;
    struct track_subscribed_filter *filter = enter(tracking, history, entry->filter);
    unsigned handling = has_options ? entry->options >> HANDLING_SHIFT & 3 : 0;

    if (filter == NULL)
        return;
    bool exists = filter->was_granted && filter->removed_in == 0 && filter->pending == 0;
    filter->requested_in = tracking->pdu.frame;
    filter->pending += filter->pending < UINT16_MAX;
    filter->requested_most = (uint8_t)MAX(filter->requested_most, entry->options & QOS);
    filter->takes_own |= !(has_options && entry->options & NO_LOCAL);
    filter->first_ns = filter->first_ns == 0 ? tracking->now_ns : filter->first_ns;
    filter->drops_retain |= !(has_options && entry->options & AS_PUBLISHED);
    filter->keeps_retain |= has_options && entry->options & AS_PUBLISHED;
    filter->wants_retained |= handling != 2;
    if (handling == 0 || (handling == 1 && !exists))
        filter->retained_in = tracking->pdu.frame;
    if (handling == 1 && exists)
        filter->no_retained_in = tracking->pdu.frame;
    history->has_no_local |= has_options && entry->options & NO_LOCAL;
    change_id(filter, id);
}

void track_subscription_history_request(struct track_context *tracking, const struct track_request_filters *filters)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = history_of(tracking);
    const struct mqtt_property *id = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);

    if (history == &lost_history)
        return;
    if (!filters->is_whole)
        history->is_incomplete = true;
    for (unsigned i = 0; i < TRACK_RECENT_RESPONSES; i++)
        if (history->responses[i].packet_id == packet->packet_id)
            history->responses[i].frame = 0;
    for (uint32_t i = 0; i < filters->count && packet->type == MQTT_TYPE_SUBSCRIBE && !history->is_incomplete; i++)
        take_request(tracking, &filters->entries[i], id != NULL ? id->number : 0);
}

void track_subscription_history_request_again(struct track_request_filters *filters)
{
    if (filters != NULL && filters->again < UINT8_MAX)
        filters->again++;
}

void track_subscription_history_request_lost(struct track_context *tracking)
{
    struct track_subscription_history *history = history_of(tracking);

    if (history != &lost_history)
        history->is_incomplete = true;
}

/** Remembers that a request has its response. */
static void remember_response(struct track_context *tracking, const struct track_request_filters *filters)
{
    struct track_subscription_history *history = tracking->connection->subscribed;

    history->responses[history->next_response++ % TRACK_RECENT_RESPONSES] = (struct track_recent_response){
        .frame = tracking->pdu.frame,
        .packet_id = tracking->packet->packet_id,
        .type = (uint8_t)tracking->packet->type,
        .left = filters->again,
    };
}

/** A SUBACK's Reason Code for a filter. */
static void take_grant(struct track_context *tracking, struct track_subscribed_filter *filter, uint8_t code)
{
    filter->pending -= filter->pending > 0;
    if (mqtt_reason_is_error(MQTT_TYPE_SUBACK, code))
        return;
    tracking->connection->subscribed->grants += !filter->was_granted;
    filter->was_granted = true;
    filter->granted = code;
    filter->granted_most = (uint8_t)MAX(filter->granted_most, code);
    filter->granted_in = tracking->pdu.frame;
    filter->removed_in = 0;
    filter->settled_ns = tracking->now_ns;
}

/** An UNSUBACK's Reason Code for a filter; 0 in a version that has none. */
static void take_removal(struct track_context *tracking, struct track_subscribed_filter *filter, uint8_t code)
{
    if (mqtt_reason_is_error(MQTT_TYPE_UNSUBACK, code) || filter->removed_in != 0)
        return;
    filter->removed_in = tracking->pdu.frame;
    filter->settled_ns = tracking->now_ns;
}

void track_subscription_history_response(struct track_context *tracking, const struct track_request_filters *filters)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = history_of(tracking);
    bool is_suback = packet->type == MQTT_TYPE_SUBACK;
    bool has_codes = is_suback || packet->version == MQTT_V50;

    if (history == &lost_history)
        return;
    remember_response(tracking, filters);
    if (packet->fault.kind != MQTT_FAULT_NONE || (has_codes && packet->list.length != filters->count))
        history->is_incomplete = true;
    for (uint32_t i = 0; i < filters->count && !history->is_incomplete; i++) {
        struct track_subscribed_filter *filter = track_subscription_history_find(history, filters->entries[i].filter);
        uint8_t code = has_codes ? packet->bytes[packet->list.at + i] : 0;
        if (filter != NULL && is_suback)
            take_grant(tracking, filter, code);
        else if (filter != NULL)
            take_removal(tracking, filter, code);
    }
}

const struct track_recent_response *track_find_repeated_response(const struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_subscription_history *history = tracking->connection->subscribed;

    for (unsigned i = 0; history != NULL && !history->is_incomplete && i < TRACK_RECENT_RESPONSES; i++) {
        const struct track_recent_response *response = &history->responses[i];
        if (response->frame != 0 && response->packet_id == packet->packet_id && response->type == packet->type)
            return response;
    }
    return NULL;
}

void track_subscription_history_stray_response(struct track_context *tracking)
{
    struct track_subscription_history *history = tracking->connection->subscribed;
    const struct track_recent_response *repeated = track_find_repeated_response(tracking);

    if (repeated != NULL && repeated->left > 0)
        history->responses[repeated - history->responses].left--;
}

/** True where the Client had no subscription before the connection. */
static bool begins_without_subscriptions(const struct track_connection *connection, enum mqtt_version version)
{
    const struct track_connection_session *session = &connection->session;
    bool is_accepted = session->connack_seen && session->connack_code == 0;

    return is_accepted && !session->session_present && (session->clean_start || version != MQTT_V31);
}

bool track_knows_all_subscriptions(const struct track_context *tracking)
{
    return begins_without_subscriptions(tracking->connection, (enum mqtt_version)tracking->snapshot.version) &&
           track_has_history(tracking);
}

/** True where what the Client has subscribed to, or had, is known. */
static bool is_history_whole(const struct track_connection *connection)
{
    return (connection->subscribed == NULL || !connection->subscribed->is_incomplete) &&
           begins_without_subscriptions(connection, (enum mqtt_version)track_latest_snapshot(connection)->version);
}

bool track_has_no_effect(const struct track_connection *connection, const struct track_request_filters *filters)
{
    bool has_effect = !filters->is_whole || !is_history_whole(connection);

    for (uint32_t i = 0; i < filters->count && !has_effect && connection->subscribed != NULL; i++) {
        const struct track_subscribed_filter *filter =
            track_subscription_history_find(connection->subscribed, filters->entries[i].filter);
        has_effect = filter != NULL && filter->removed_in == 0;
    }
    return !has_effect;
}

/** True where all filters of a list are removed; `latest` becomes the last removal. */
static bool are_removed(const struct track_subscribed_filter *list, uint32_t *latest)
{
    for (; list != NULL && list->removed_in != 0; list = list->next)
        *latest = MAX(*latest, list->removed_in);
    return list == NULL;
}

bool track_has_unsubscribed_since(const struct track_connection *connection, uint32_t frame)
{
    const struct track_subscription_history *history = connection->subscribed;
    uint32_t latest = 0;

    if (history == NULL || !is_history_whole(connection) || !are_removed(history->wide, &latest))
        return false;
    for (uint32_t i = 0; i <= history->mask; i++)
        if (!are_removed(track_exact_filters(history, i), &latest))
            return false;
    return latest > frame;
}
