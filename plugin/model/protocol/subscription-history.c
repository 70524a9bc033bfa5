/* subscription-history.c - what a Client asked for on one connection, and whether the answers fit.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "subscription-history.h"

#include <string.h>

enum { LISTS = 256, LISTS_FROM = 16 };

struct track_subscription_history *track_subscription_history_of(struct track_connection *connection)
{
    struct track_capture *capture = connection->capture;

    if (connection->history == NULL && capture->options.observes) {
        connection->history = wmem_new0(capture->scope, struct track_subscription_history);
        connection->history->exact =
            (struct track_subscribed_filter **)wmem_alloc0(capture->scope, sizeof(struct track_subscribed_filter *));
    }
    return connection->history;
}

static struct track_subscribed_filter **list_of(const struct track_subscription_history *history, const uint8_t *filter,
                                                uint32_t length)
{
    return &history->exact[track_hash_bytes(filter, length) & history->mask];
}

static struct track_subscribed_filter *find_in(struct track_subscribed_filter *list, const uint8_t *filter,
                                               uint32_t length)
{
    while (list != NULL && !(list->text->length == length && memcmp(list->text->bytes, filter, length) == 0))
        list = list->next;
    return list;
}

struct track_subscribed_filter *track_subscription_history_find(const struct track_subscription_history *history,
                                                                const uint8_t *filter, uint32_t length)
{
    struct track_subscribed_filter *found = find_in(*list_of(history, filter, length), filter, length);
    return found != NULL ? found : find_in(history->wide, filter, length);
}

/** Changes over from one list of exact filters to many. */
static void make_lists(struct track_capture *capture, struct track_subscription_history *history)
{
    struct track_subscribed_filter *all = history->exact[0];

    wmem_free(capture->scope, history->exact);
    history->exact = (struct track_subscribed_filter **)wmem_alloc0(capture->scope,
                                                                    LISTS * sizeof(struct track_subscribed_filter *));
    history->mask = LISTS - 1;
    while (all != NULL) {
        struct track_subscribed_filter *filter = all;
        struct track_subscribed_filter **list = list_of(history, filter->text->bytes, filter->text->length);
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
        has = list_has_id(history->exact[i], id);
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
        is_gone = find_replaced(history->exact[i], old, latest, &is_found);
    return is_gone && is_found;
}

/** The record of a filter that is asked for; NULL where the history is full. */
static struct track_subscribed_filter *enter(struct track_capture *capture, struct track_subscription_history *history,
                                             const struct track_text *text)
{
    struct track_subscribed_filter *filter = track_subscription_history_find(history, text->bytes, text->length);

    if (filter != NULL)
        return filter;
    if (history->count == TRACK_SUBSCRIBED_FILTERS_MAX || !track_is_clear_filter(text)) {
        history->is_incomplete = true;
        return NULL;
    }
    if (++history->count == LISTS_FROM)
        make_lists(capture, history);
    filter = wmem_new0(capture->scope, struct track_subscribed_filter);
    filter->text = text;
    filter->is_shared = track_is_shared_filter(text);
    struct track_subscribed_filter **list =
        track_is_wide_filter(text) ? &history->wide : list_of(history, text->bytes, text->length);
    filter->next = *list;
    *list = filter;
    return filter;
}

/** Keeps the Subscription Identifier of an earlier request. */
static void change_id(struct track_subscribed_filter *filter, uint32_t id)
{
    unsigned place = 0;

    if (filter->id != 0 && filter->id != id) {
        while (place < TRACK_EARLIER_IDS && filter->old_ids[place] != 0 && filter->old_ids[place] != filter->id)
            place++;
        if (place == TRACK_EARLIER_IDS)
            filter->has_more_ids = true;
        else
            filter->old_ids[place] = filter->id;
    }
    filter->id = id;
    filter->was_without_id |= id == 0;
}

/** A SUBSCRIBE asks for a filter. */
static void ask_for(struct track_context *tracking, const struct track_subscription *entry, uint32_t id)
{
    enum { QOS = 0x03, NO_LOCAL = 0x04, AS_PUBLISHED = 0x08, HANDLING_SHIFT = 4 };
    struct track_connection *connection = tracking->connection;
    bool has_options = tracking->packet->version == MQTT_V50;
    struct track_subscribed_filter *filter = enter(connection->capture, connection->history, entry->filter);
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
    if (has_options && entry->options & NO_LOCAL && connection->history->own == NULL)
        connection->history->own = (struct track_message_fingerprint *)wmem_alloc0(
            connection->capture->scope, TRACK_FINGERPRINTS_MAX * sizeof(struct track_message_fingerprint));
    change_id(filter, id);
}

void track_subscription_history_request(struct track_context *tracking, const struct track_request_filters *kept)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = track_subscription_history_of(tracking->connection);
    const struct mqtt_property *id = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER);

    if (history == NULL)
        return;
    if (!kept->is_whole)
        history->is_incomplete = true;
    for (unsigned i = 0; i < TRACK_RECENT_RESPONSES; i++)
        if (history->answers[i].packet_id == packet->packet_id)
            history->answers[i].frame = 0;
    for (uint32_t i = 0; i < kept->count && packet->type == MQTT_TYPE_SUBSCRIBE && !history->is_incomplete; i++)
        ask_for(tracking, &kept->entries[i], id != NULL ? id->number : 0);
}

void track_subscription_history_request_again(struct track_context *tracking, struct track_inflight_entry *entry)
{
    struct track_request_filters *kept = (struct track_request_filters *)entry->payload;

    (void)tracking;
    if (kept != NULL && kept->again < UINT8_MAX)
        kept->again++;
}

void track_subscription_history_request_lost(struct track_context *tracking)
{
    struct track_subscription_history *history = track_subscription_history_of(tracking->connection);

    if (history != NULL)
        history->is_incomplete = true;
}

/** Remembers that a request has its answer. */
static void remember_answer(struct track_context *tracking, const struct track_request_filters *kept)
{
    struct track_subscription_history *history = tracking->connection->history;
    unsigned place = history->next_answer++ % TRACK_RECENT_RESPONSES;

    history->answers[place].frame = tracking->pdu.frame;
    history->answers[place].packet_id = tracking->packet->packet_id;
    history->answers[place].type = (uint8_t)tracking->packet->type;
    history->answers[place].left = kept->again;
}

/** A SUBACK's code for a filter. */
static void take_grant(struct track_context *tracking, struct track_subscribed_filter *filter, uint8_t code)
{
    struct track_subscription_history *history = tracking->connection->history;

    filter->pending -= filter->pending > 0;
    if (mqtt_reason_is_error(MQTT_TYPE_SUBACK, code))
        return;
    history->grants += !filter->was_granted;
    filter->was_granted = true;
    filter->granted = code;
    filter->granted_most = (uint8_t)MAX(filter->granted_most, code);
    filter->granted_in = tracking->pdu.frame;
    filter->removed_in = 0;
    filter->settled_ns = tracking->now_ns;
}

static void look_at_grant(struct track_context *tracking, const struct track_request_filters *kept, uint32_t index)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits *limits = tracking->snapshot.limits[tracking->sender];
    struct track_anomaly seen = {.at = {packet->list.at + index, 1}, .frame = kept->sent_in};
    uint8_t code = packet->bytes[packet->list.at + index];
    uint8_t asked = kept->entries[index].options & 3;

    seen.value = code;
    seen.other = asked;
    if (code <= 2 && asked <= 2 && code > asked) {
        seen.kind = TRACK_ANOMALY_GRANTED_ABOVE_REQUEST;
        track_report_anomaly(tracking, seen);
    }
    bool is_unspecific = code == MQTT_REASON_UNSPECIFIED_ERROR || code == MQTT_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    if (limits != NULL && limits->maximum_qos < asked && asked <= 2 && is_unspecific) {
        seen.kind = TRACK_ANOMALY_REFUSED_FOR_QOS;
        track_report_anomaly(tracking, seen);
    }
}

static void look_at_removal(struct track_context *tracking, const struct track_request_filters *kept, uint32_t index,
                            const struct track_subscribed_filter *filter)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_anomaly seen = {.at = {packet->list.at + index, 1}};
    uint8_t code = packet->bytes[packet->list.at + index];
    bool was_there = filter != NULL && filter->granted_in != 0 && filter->granted_in < kept->sent_in &&
                     filter->removed_in == 0 && filter->pending == 0;

    if (code == MQTT_REASON_NO_SUBSCRIPTION_EXISTED && was_there) {
        seen.kind = TRACK_ANOMALY_GRANTED_FILTER_UNKNOWN;
        seen.frame = filter->granted_in;
        track_report_anomaly(tracking, seen);
    } else if (code == 0 && filter == NULL && track_is_fresh(tracking)) {
        seen.kind = TRACK_ANOMALY_UNKNOWN_FILTER_REMOVED;
        seen.frame = kept->sent_in;
        track_report_anomaly(tracking, seen);
    }
}

bool track_is_fresh(const struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    bool is_accepted = connection->connack_seen && connection->connack_code == 0;
    bool is_new = !connection->session_present && (connection->clean_start || tracking->snapshot.version != MQTT_V31);

    return is_accepted && is_new && tracking->snapshot.connect_seen && !tracking->snapshot.has_gap;
}

void track_subscription_history_response(struct track_context *tracking, struct track_request_filters *kept)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = track_subscription_history_of(tracking->connection);
    bool is_suback = packet->type == MQTT_TYPE_SUBACK;
    bool has_codes = is_suback || packet->version == MQTT_V50;

    if (history == NULL)
        return;
    remember_answer(tracking, kept);
    if (packet->fault.kind != MQTT_FAULT_NONE) {
        history->is_incomplete = true;
        return;
    }
    bool fits = !has_codes || packet->list.length == kept->count;
    if (!fits && !history->is_incomplete)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_OTHER_CODE_COUNT,
                                                              .at = packet->list,
                                                              .frame = kept->sent_in,
                                                              .value = packet->list.length,
                                                              .other = kept->count});
    if (!fits)
        history->is_incomplete = true;
    for (uint32_t i = 0; i < kept->count && !history->is_incomplete; i++) {
        const struct track_text *text = kept->entries[i].filter;
        struct track_subscribed_filter *filter = track_subscription_history_find(history, text->bytes, text->length);
        uint8_t code = has_codes ? packet->bytes[packet->list.at + i] : 0;
        if (is_suback) {
            look_at_grant(tracking, kept, i);
            if (filter != NULL)
                take_grant(tracking, filter, code);
            continue;
        }
        if (has_codes)
            look_at_removal(tracking, kept, i, filter);
        if (filter != NULL && !mqtt_reason_is_error(packet->type, code) && filter->removed_in == 0) {
            filter->removed_in = tracking->pdu.frame;
            filter->settled_ns = tracking->now_ns;
        }
    }
}

/** The answer that the packet, another one of its kind, repeats; NULL where none is remembered. */
static struct track_recent_response *find_answer(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_subscription_history *history = tracking->connection->history;

    for (unsigned i = 0; history != NULL && !history->is_incomplete && i < TRACK_RECENT_RESPONSES; i++) {
        struct track_recent_response *answer = &history->answers[i];
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

void track_message_fingerprint_add(struct track_context *tracking, struct track_message_fingerprint **fingerprints,
                                   uint32_t hash)
{
    struct track_message_fingerprint *oldest;

    if (*fingerprints == NULL)
        *fingerprints = (struct track_message_fingerprint *)wmem_alloc0(
            tracking->connection->capture->scope, TRACK_FINGERPRINTS_MAX * sizeof(struct track_message_fingerprint));
    oldest = *fingerprints;
    for (unsigned i = 1; i < TRACK_FINGERPRINTS_MAX; i++)
        if ((*fingerprints)[i].frame < oldest->frame)
            oldest = &(*fingerprints)[i];
    *oldest = (struct track_message_fingerprint){hash, tracking->pdu.frame, tracking->now_ns};
}

const struct track_message_fingerprint *
track_message_fingerprint_find(const struct track_message_fingerprint *fingerprints, uint32_t hash)
{
    for (unsigned i = 0; fingerprints != NULL && i < TRACK_FINGERPRINTS_MAX; i++)
        if (fingerprints[i].frame != 0 && fingerprints[i].hash == hash)
            return &fingerprints[i];
    return NULL;
}
