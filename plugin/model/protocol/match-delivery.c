/* match-delivery.c - which subscriptions explain a PUBLISH of the Server (MQTT 5.0 section 3.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is known where a subscription may have been missed: in a session that was resumed, after a gap, where the Server
 * had already received what is captured only later, where a filter is not clear.
 */
#include "match-delivery.h"

#include "../evidence/receipt.h"
#include "message.h"

static void match_list(struct track_delivery *delivery, const struct track_subscribed_filter *list)
{
    for (; list != NULL; list = list->next) {
        if (track_match_topic(list->text, delivery->topic, false) != TRACK_MATCHES)
            continue;
        delivery->is_explained |= list->was_granted || list->pending > 0;
        if (delivery->count < TRACK_MATCHES_MAX)
            delivery->matches[delivery->count++] = list;
        else
            delivery->has_too_many = true;
    }
}

/** Looks for a filter that nearly matches. */
static void find_nearest(struct track_delivery *delivery, const struct track_subscribed_filter *list)
{
    for (; list != NULL; list = list->next) {
        enum track_match match = track_match_topic(list->text, delivery->topic, true);
        if (match != TRACK_MATCHES && match > delivery->nearest && list->was_granted) {
            delivery->nearest = match;
            delivery->nearest_in = list->requested_in;
        }
    }
}

bool track_match_delivery(struct track_context *tracking, struct track_topic topic, struct track_delivery *delivery)
{
    if (!track_knows_all_subscriptions(tracking) || track_sender_received_uncaptured(tracking))
        return false;
    *delivery = (struct track_delivery){
        .tracking = tracking,
        .history = track_subscription_history_of(tracking),
        .topic = topic,
        .topic_hash = track_topic_hash(tracking, topic),
    };
    const struct track_subscription_history *history = delivery->history;
    if (history->is_incomplete)
        return false;
    match_list(delivery, history->wide);
    match_list(delivery, track_exact_filters(history, delivery->topic_hash));
    if (!delivery->is_explained) {
        find_nearest(delivery, history->wide);
        for (uint32_t i = 0; i <= history->mask; i++)
            find_nearest(delivery, track_exact_filters(history, i));
    }
    return true;
}

bool track_match_resumed(struct track_context *tracking, struct track_topic topic, struct track_delivery *delivery)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *previous = connection->session.previous;

    if (!connection->session.session_present || previous == NULL || connection->subscribed != NULL ||
        !track_has_history(tracking) || track_sender_received_uncaptured(tracking))
        return false;
    const struct track_subscription_history *history = previous->subscribed;
    if (history == NULL || history->is_incomplete || previous->session.session_present || !previous->journey.is_whole ||
        track_latest_snapshot(previous)->has_gap)
        return false;
    *delivery = (struct track_delivery){
        .tracking = tracking,
        .history = history,
        .topic = topic,
        .topic_hash = track_topic_hash(tracking, topic),
    };
    match_list(delivery, history->wide);
    match_list(delivery, track_exact_filters(history, delivery->topic_hash));
    return true;
}
