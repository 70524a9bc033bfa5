/* check-suback.c - finds SUBACKs and UNSUBACKs that do not fit what they answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-suback.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/subscription-history.h"

/** The Reason Code of a SUBACK for one filter. */
static void check_grant(struct track_context *tracking, const struct track_request_filters *filters, uint32_t index)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_limits *limits = tracking->snapshot.limits[tracking->sender];
    struct track_anomaly found = {.at = {packet->list.at + index, 1}, .frame = filters->sent_in};
    uint8_t code = packet->bytes[packet->list.at + index];
    uint8_t requested = filters->entries[index].options & 3;

    found.value = code;
    found.other = requested;
    if (code <= 2 && requested <= 2 && code > requested) {
        found.kind = TRACK_ANOMALY_GRANTED_ABOVE_REQUEST;
        track_report_anomaly(tracking, found);
    }
    bool is_unspecific = code == MQTT_REASON_UNSPECIFIED_ERROR || code == MQTT_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    if (limits != NULL && limits->maximum_qos < requested && requested <= 2 && is_unspecific) {
        found.kind = TRACK_ANOMALY_REFUSED_FOR_QOS;
        track_report_anomaly(tracking, found);
    }
}

/** The Reason Code of an UNSUBACK for one filter; `filter` is what the Client's connection knows of that, NULL for nothing. */
static void check_removal(struct track_context *tracking, const struct track_request_filters *filters, uint32_t index,
                          const struct track_subscribed_filter *filter)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_anomaly found = {.at = {packet->list.at + index, 1}};
    uint8_t code = packet->bytes[packet->list.at + index];
    bool was_there = filter != NULL && filter->granted_in != 0 && filter->granted_in < filters->sent_in &&
                     filter->removed_in == 0 && filter->pending == 0;

    if (code == MQTT_REASON_NO_SUBSCRIPTION_EXISTED && was_there) {
        found.kind = TRACK_ANOMALY_GRANTED_FILTER_UNKNOWN;
        found.frame = filter->granted_in;
        track_report_anomaly(tracking, found);
    } else if (code == 0 && filter == NULL && track_knows_all_subscriptions(tracking)) {
        found.kind = TRACK_ANOMALY_UNKNOWN_FILTER_REMOVED;
        found.frame = filters->sent_in;
        track_report_anomaly(tracking, found);
    }
}

/** The Reason Codes of an UNSUBACK. A filter may be in it twice: the first removes it. */
static void check_removals(struct track_context *tracking, const struct track_request_filters *filters,
                           const struct track_subscription_history *history)
{
    const struct mqtt_packet *packet = tracking->packet;
    GHashTable *removed = g_hash_table_new(g_direct_hash, g_direct_equal);

    for (uint32_t i = 0; i < filters->count; i++) {
        struct track_subscribed_filter *filter =
            history != NULL ? track_subscription_history_find(history, filters->entries[i].filter) : NULL;
        if (filter == NULL || !g_hash_table_contains(removed, filter))
            check_removal(tracking, filters, i, filter);
        if (filter != NULL && !mqtt_reason_is_error(packet->type, packet->bytes[packet->list.at + i]))
            g_hash_table_add(removed, filter);
    }
    g_hash_table_destroy(removed);
}

/** The response to a request. */
static void check_response(struct track_context *tracking, const struct track_request_filters *filters)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_subscription_history *history = tracking->connection->subscribed;
    bool is_suback = packet->type == MQTT_TYPE_SUBACK;

    if (packet->fault.kind != MQTT_FAULT_NONE || (history != NULL && history->is_incomplete) ||
        (!is_suback && packet->version != MQTT_V50))
        return;
    if (packet->list.length != filters->count) {
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_OTHER_CODE_COUNT,
                                                              .at = packet->list,
                                                              .frame = filters->sent_in,
                                                              .value = packet->list.length,
                                                              .other = filters->count});
        return;
    }
    if (!is_suback)
        check_removals(tracking, filters, history);
    for (uint32_t i = 0; i < filters->count && is_suback; i++)
        check_grant(tracking, filters, i);
}

/** A response whose identifier no request has. */
static void check_stray_response(struct track_context *tracking)
{
    const struct track_recent_response *repeated = track_find_repeated_response(tracking);

    if (repeated != NULL && repeated->left == 0)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_RESPONSE_REPEATED,
                                                              .at = {tracking->packet->packet_id_at, 2},
                                                              .frame = repeated->frame,
                                                              .value = tracking->packet->packet_id});
}

void track_check_suback(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    enum mqtt_packet_type request = packet->type == MQTT_TYPE_SUBACK ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_UNSUBSCRIBE;

    if ((packet->type != MQTT_TYPE_SUBACK && packet->type != MQTT_TYPE_UNSUBACK) || packet->packet_id_at == 0)
        return;
    const struct track_inflight_entry *entry =
        track_inflight_find(&tracking->connection->inflight[1 - tracking->sender], packet->packet_id);
    if (entry == NULL || entry->type != request)
        check_stray_response(tracking);
    else if (entry->filters != NULL)
        check_response(tracking, entry->filters);
}
