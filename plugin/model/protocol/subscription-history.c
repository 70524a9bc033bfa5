/* subscription-history.c - what a Client asked for on one connection, and whether the answers fit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "subscription-history.h"

#include <string.h>

enum { FAILURE = 0x80, NO_SUBSCRIPTION_EXISTED = 0x11, LISTS = 256, LISTS_FROM = 16 };

struct track_subscription_history *track_subscription_history_of(struct track_connection *connection)
{
    struct track_capture *world = connection->world;

    if (connection->book == NULL && world->options.observes) {
        connection->book = wmem_new0(world->scope, struct track_subscription_history);
        connection->book->exact =
            (struct track_subscribed_filter **)wmem_alloc0(world->scope, sizeof(struct track_subscribed_filter *));
    }
    return connection->book;
}

static struct track_subscribed_filter **list_of(const struct track_subscription_history *book, const uint8_t *filter,
                                                uint32_t length)
{
    return &book->exact[track_hash_bytes(filter, length) & book->mask];
}

static struct track_subscribed_filter *find_in(struct track_subscribed_filter *list, const uint8_t *filter,
                                               uint32_t length)
{
    while (list != NULL && !(list->filter->length == length && memcmp(list->filter->bytes, filter, length) == 0))
        list = list->next;
    return list;
}

struct track_subscribed_filter *track_subscription_history_find(const struct track_subscription_history *book,
                                                                const uint8_t *filter, uint32_t length)
{
    struct track_subscribed_filter *found = find_in(*list_of(book, filter, length), filter, length);
    return found != NULL ? found : find_in(book->wide, filter, length);
}

/** Changes over from one list of exact filters to many. */
static void make_lists(struct track_capture *world, struct track_subscription_history *book)
{
    struct track_subscribed_filter *all = book->exact[0];

    wmem_free(world->scope, book->exact);
    book->exact =
        (struct track_subscribed_filter **)wmem_alloc0(world->scope, LISTS * sizeof(struct track_subscribed_filter *));
    book->mask = LISTS - 1;
    while (all != NULL) {
        struct track_subscribed_filter *interest = all;
        struct track_subscribed_filter **list = list_of(book, interest->filter->bytes, interest->filter->length);
        all = interest->next;
        interest->next = *list;
        *list = interest;
    }
}

bool track_subscribed_filter_has_id(const struct track_subscribed_filter *interest, uint32_t id)
{
    bool has = interest->id == id || interest->has_more_ids;

    for (unsigned i = 0; i < TRACK_EARLIER_IDS; i++)
        has |= interest->old_ids[i] == id;
    return has;
}

static bool list_has_id(const struct track_subscribed_filter *list, uint32_t id)
{
    while (list != NULL && !track_subscribed_filter_has_id(list, id))
        list = list->next;
    return list != NULL;
}

bool track_subscription_history_has_id(const struct track_subscription_history *book, uint32_t id)
{
    bool has = list_has_id(book->wide, id);

    for (uint32_t i = 0; i <= book->mask && !has; i++)
        has = list_has_id(book->exact[i], id);
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

bool track_subscription_history_replaced_id(const struct track_subscription_history *book, uint32_t old,
                                            uint32_t latest)
{
    bool is_found = false;
    bool is_gone = find_replaced(book->wide, old, latest, &is_found);

    for (uint32_t i = 0; i <= book->mask && is_gone; i++)
        is_gone = find_replaced(book->exact[i], old, latest, &is_found);
    return is_gone && is_found;
}

/** The record of a filter that is asked for; NULL where the book is full. */
static struct track_subscribed_filter *enter(struct track_capture *world, struct track_subscription_history *book,
                                             const struct track_text *filter)
{
    struct track_subscribed_filter *interest = track_subscription_history_find(book, filter->bytes, filter->length);

    if (interest != NULL)
        return interest;
    if (book->count == TRACK_SUBSCRIBED_FILTERS_MAX || !track_is_clear_filter(filter)) {
        book->is_blind = true;
        return NULL;
    }
    if (++book->count == LISTS_FROM)
        make_lists(world, book);
    interest = wmem_new0(world->scope, struct track_subscribed_filter);
    interest->filter = filter;
    interest->is_shared = track_is_shared_filter(filter);
    struct track_subscribed_filter **list =
        track_is_wide_filter(filter) ? &book->wide : list_of(book, filter->bytes, filter->length);
    interest->next = *list;
    *list = interest;
    return interest;
}

/** Keeps the Subscription Identifier of an earlier request. */
static void change_id(struct track_subscribed_filter *interest, uint32_t id)
{
    unsigned place = 0;

    if (interest->id != 0 && interest->id != id) {
        while (place < TRACK_EARLIER_IDS && interest->old_ids[place] != 0 && interest->old_ids[place] != interest->id)
            place++;
        if (place == TRACK_EARLIER_IDS)
            interest->has_more_ids = true;
        else
            interest->old_ids[place] = interest->id;
    }
    interest->id = id;
    interest->was_without_id |= id == 0;
}

/** A SUBSCRIBE asks for a filter. */
static void ask_for(struct track_context *tracking, const struct track_subscription *entry, uint32_t id)
{
    enum { QOS = 0x03, NO_LOCAL = 0x04, AS_PUBLISHED = 0x08, HANDLING_SHIFT = 4 };
    struct track_connection *connection = tracking->connection;
    bool has_options = tracking->packet->version == MQTT_V50;
    struct track_subscribed_filter *interest = enter(connection->world, connection->book, entry->filter);
    unsigned handling = has_options ? entry->options >> HANDLING_SHIFT & 3 : 0;

    if (interest == NULL)
        return;
    bool exists = interest->was_granted && interest->removed_in == 0 && interest->pending == 0;
    interest->requested_in = tracking->place.frame;
    interest->pending += interest->pending < UINT16_MAX;
    interest->requested_most = (uint8_t)MAX(interest->requested_most, entry->options & QOS);
    interest->takes_own |= !(has_options && entry->options & NO_LOCAL);
    interest->first_ns = interest->first_ns == 0 ? tracking->now_ns : interest->first_ns;
    interest->drops_retain |= !(has_options && entry->options & AS_PUBLISHED);
    interest->keeps_retain |= has_options && entry->options & AS_PUBLISHED;
    interest->wants_retained |= handling != 2;
    if (handling == 0 || (handling == 1 && !exists))
        interest->retained_in = tracking->place.frame;
    if (handling == 1 && exists)
        interest->no_retained_in = tracking->place.frame;
    if (has_options && entry->options & NO_LOCAL && connection->book->own == NULL)
        connection->book->own = (struct track_message_fingerprint *)wmem_alloc0(
            connection->world->scope, TRACK_FINGERPRINTS_MAX * sizeof(struct track_message_fingerprint));
    change_id(interest, id);
}

void track_subscription_history_request(struct track_context *tracking, const struct track_request_filters *kept)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *book = track_subscription_history_of(tracking->connection);
    const struct mqtt_property *id = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);

    if (book == NULL)
        return;
    if (!kept->is_whole)
        book->is_blind = true;
    for (unsigned i = 0; i < TRACK_RECENT_RESPONSES; i++)
        if (book->answers[i].packet_id == packet->packet_id)
            book->answers[i].frame = 0;
    for (uint32_t i = 0; i < kept->count && packet->type == MQTT_TYPE_SUBSCRIBE && !book->is_blind; i++)
        ask_for(tracking, &kept->entries[i], id != NULL ? id->number : 0);
}

void track_subscription_history_request_again(struct track_context *tracking, struct track_inflight_entry *flow)
{
    struct track_request_filters *kept = (struct track_request_filters *)flow->payload;

    (void)tracking;
    if (kept != NULL && kept->again < UINT8_MAX)
        kept->again++;
}

void track_subscription_history_request_lost(struct track_context *tracking)
{
    struct track_subscription_history *book = track_subscription_history_of(tracking->connection);

    if (book != NULL)
        book->is_blind = true;
}

/** Remembers that a request has its answer. */
static void remember_answer(struct track_context *tracking, const struct track_request_filters *kept)
{
    struct track_subscription_history *book = tracking->connection->book;
    unsigned place = book->next_answer++ % TRACK_RECENT_RESPONSES;

    book->answers[place].frame = tracking->place.frame;
    book->answers[place].packet_id = tracking->packet->packet_id;
    book->answers[place].type = (uint8_t)tracking->packet->type;
    book->answers[place].left = kept->again;
}

/** A SUBACK's code for a filter. */
static void take_grant(struct track_context *tracking, struct track_subscribed_filter *interest, uint8_t code)
{
    struct track_subscription_history *book = tracking->connection->book;

    interest->pending -= interest->pending > 0;
    if (code >= FAILURE)
        return;
    book->grants += !interest->was_granted;
    interest->was_granted = true;
    interest->granted = code;
    interest->granted_most = (uint8_t)MAX(interest->granted_most, code);
    interest->granted_in = tracking->place.frame;
    interest->removed_in = 0;
    interest->settled_ns = tracking->now_ns;
}

static void look_at_grant(struct track_context *tracking, const struct track_request_filters *kept, uint32_t index)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits *limits = tracking->epoch.limits[tracking->sender];
    struct track_anomaly seen = {.at = {packet->list.at + index, 1}, .frame = kept->sent_in};
    uint8_t code = packet->bytes[packet->list.at + index];
    uint8_t asked = kept->entries[index].options & 3;

    seen.value = code;
    seen.other = asked;
    if (code <= 2 && asked <= 2 && code > asked) {
        seen.kind = TRACK_ANOMALY_GRANTED_ABOVE_REQUEST;
        track_report_anomaly(tracking, seen);
    }
    if (limits != NULL && limits->maximum_qos < asked && asked <= 2 && (code == FAILURE || code == 0x83)) {
        seen.kind = TRACK_ANOMALY_REFUSED_FOR_QOS;
        track_report_anomaly(tracking, seen);
    }
}

static void look_at_removal(struct track_context *tracking, const struct track_request_filters *kept, uint32_t index,
                            const struct track_subscribed_filter *interest)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_anomaly seen = {.at = {packet->list.at + index, 1}};
    uint8_t code = packet->bytes[packet->list.at + index];
    bool was_there = interest != NULL && interest->granted_in != 0 && interest->granted_in < kept->sent_in &&
                     interest->removed_in == 0 && interest->pending == 0;

    if (code == NO_SUBSCRIPTION_EXISTED && was_there) {
        seen.kind = TRACK_ANOMALY_GRANTED_FILTER_UNKNOWN;
        seen.frame = interest->granted_in;
        track_report_anomaly(tracking, seen);
    } else if (code == 0 && interest == NULL && track_is_fresh(tracking)) {
        seen.kind = TRACK_ANOMALY_UNKNOWN_FILTER_REMOVED;
        seen.frame = kept->sent_in;
        track_report_anomaly(tracking, seen);
    }
}

bool track_is_fresh(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    bool is_accepted = connection->connack_seen && connection->connack_code == 0;
    bool is_new = !connection->session_present && (connection->clean_start || tracking->epoch.version != MQTT_V31);

    return is_accepted && is_new && tracking->epoch.connect_seen && !tracking->epoch.has_gap;
}

void track_subscription_history_response(struct track_context *tracking, struct track_request_filters *kept)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *book = track_subscription_history_of(tracking->connection);
    bool is_suback = packet->type == MQTT_TYPE_SUBACK;
    bool has_codes = is_suback || packet->version == MQTT_V50;

    if (book == NULL)
        return;
    remember_answer(tracking, kept);
    if (packet->fault.kind != MQTT_FAULT_NONE) {
        book->is_blind = true;
        return;
    }
    bool fits = !has_codes || packet->list.length == kept->count;
    if (!fits && !book->is_blind)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_OTHER_CODE_COUNT,
                                                              .at = packet->list,
                                                              .frame = kept->sent_in,
                                                              .value = packet->list.length,
                                                              .other = kept->count});
    if (!fits)
        book->is_blind = true;
    for (uint32_t i = 0; i < kept->count && !book->is_blind; i++) {
        const struct track_text *filter = kept->entries[i].filter;
        struct track_subscribed_filter *interest = track_subscription_history_find(book, filter->bytes, filter->length);
        uint8_t code = has_codes ? packet->bytes[packet->list.at + i] : 0;
        if (is_suback) {
            look_at_grant(tracking, kept, i);
            if (interest != NULL)
                take_grant(tracking, interest, code);
            continue;
        }
        if (has_codes)
            look_at_removal(tracking, kept, i, interest);
        if (interest != NULL && code < FAILURE && interest->removed_in == 0) {
            interest->removed_in = tracking->place.frame;
            interest->settled_ns = tracking->now_ns;
        }
    }
}

/** The answer that the packet, another one of its kind, repeats; NULL where none is remembered. */
static struct track_recent_response *find_answer(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *book = tracking->connection->book;

    for (unsigned i = 0; book != NULL && !book->is_blind && i < TRACK_RECENT_RESPONSES; i++) {
        struct track_recent_response *answer = &book->answers[i];
        if (answer->frame != 0 && answer->packet_id == packet->packet_id && answer->type == packet->type)
            return answer;
    }
    return NULL;
}

bool track_subscription_history_had_response(struct track_context *tracking)
{
    return find_answer(tracking) != NULL;
}

void track_subscription_history_stray_response(struct track_context *tracking)
{
    struct track_recent_response *answer = find_answer(tracking);

    if (answer == NULL)
        return;
    if (answer->left > 0)
        answer->left--;
    else
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_ANSWERED_BEFORE,
                                                              .at = {tracking->packet->packet_id_at, 2},
                                                              .frame = answer->frame,
                                                              .value = tracking->packet->packet_id});
}

void track_message_fingerprint_add(struct track_context *tracking, struct track_message_fingerprint **echoes,
                                   uint32_t hash)
{
    struct track_message_fingerprint *oldest;

    if (*echoes == NULL)
        *echoes = (struct track_message_fingerprint *)wmem_alloc0(
            tracking->connection->world->scope, TRACK_FINGERPRINTS_MAX * sizeof(struct track_message_fingerprint));
    oldest = *echoes;
    for (unsigned i = 1; i < TRACK_FINGERPRINTS_MAX; i++)
        if ((*echoes)[i].frame < oldest->frame)
            oldest = &(*echoes)[i];
    *oldest = (struct track_message_fingerprint){hash, tracking->place.frame, tracking->now_ns};
}

const struct track_message_fingerprint *track_message_fingerprint_find(const struct track_message_fingerprint *echoes,
                                                                       uint32_t hash)
{
    for (unsigned i = 0; echoes != NULL && i < TRACK_FINGERPRINTS_MAX; i++)
        if (echoes[i].frame != 0 && echoes[i].hash == hash)
            return &echoes[i];
    return NULL;
}
