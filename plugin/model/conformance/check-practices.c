/* check-practices.c - finds what no statement forbids and few want, for the hints.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-practices.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "../protocol/message.h"
#include "../protocol/subscription-history.h"
#include "../protocol/topic-match.h"
#include "../store/endpoint.h"
#include "checks.h"

enum {
    GRANTED_FILTERS_MAX = 256, /**< each PUBLISH is matched with them; with more, nothing is said */
    PINGS_ENOUGH = 3,          /**< early ones in sequence */
    EARLY_PART = 4,            /**< a ping before this part of the Keep Alive is early */
};

/** A Topic Filter that a Server granted, whoever subscribed to it. */
struct granted_filter {
    struct track_endpoint broker;
    const struct track_text *text;
    uint8_t qos; /**< the highest that was granted */
};

/** Those of a capture. File scope. */
struct track_granted_filters {
    unsigned count;
    bool is_incomplete; /**< there are more */
    struct granted_filter list[GRANTED_FILTERS_MAX];
};

/** The filters of the capture; made on first use. NULL where there is no memory for them. */
static struct track_granted_filters *granted_filters_of(struct track_context *tracking)
{
    struct track_capture_checks *checks = track_capture_checks_of(tracking->capture);

    if (checks->granted == NULL)
        checks->granted = (struct track_granted_filters *)track_alloc(tracking, sizeof *checks->granted);
    return checks->granted;
}

static const struct track_endpoint *broker_of(const struct track_context *tracking)
{
    return &tracking->connection->transport.ends[tracking->snapshot.broker];
}

static void add_granted(struct track_granted_filters *filters, const struct track_endpoint *broker,
                        const struct track_subscribed_filter *subscribed)
{
    for (unsigned i = 0; i < filters->count; i++) {
        struct granted_filter *filter = &filters->list[i];
        if (filter->text == subscribed->text && track_is_same_endpoint(&filter->broker, broker)) {
            filter->qos = MAX(filter->qos, subscribed->granted_most);
            return;
        }
    }
    if (filters->count == GRANTED_FILTERS_MAX)
        filters->is_incomplete = true;
    else
        filters->list[filters->count++] = (struct granted_filter){*broker, subscribed->text, subscribed->granted_most};
}

/** Adds those of a list that the SUBACK being tracked grants. */
static void add_granted_of(struct track_context *tracking, struct track_granted_filters *filters,
                           const struct track_subscribed_filter *list)
{
    for (; list != NULL; list = list->next)
        if (list->was_granted && list->granted_in == tracking->pdu.frame)
            add_granted(filters, broker_of(tracking), list);
}

/** Takes in what a SUBACK grants. */
static void take_grants(struct track_context *tracking)
{
    struct track_granted_filters *filters = granted_filters_of(tracking);
    const struct track_subscription_history *history = track_subscription_history_of(tracking);

    if (filters == NULL)
        return;
    filters->is_incomplete |= history->is_incomplete;
    add_granted_of(tracking, filters, history->wide);
    for (uint32_t i = 0; i <= history->mask; i++)
        add_granted_of(tracking, filters, track_exact_filters(history, i));
}

/** A Client's PUBLISH whose QoS nobody gets who subscribed to its topic in this capture. */
static void check_published_qos(struct track_context *tracking)
{
    const struct track_granted_filters *filters = granted_filters_of(tracking);
    unsigned qos = tracking->packet->publish.qos;
    unsigned granted = 0;
    bool has_match = false;
    struct track_topic topic;

    if (qos == 0 || filters == NULL || filters->is_incomplete || !track_topic_of_publish(tracking, &topic))
        return;
    for (unsigned i = 0; i < filters->count && granted < qos; i++) {
        const struct granted_filter *filter = &filters->list[i];
        if (!track_is_same_endpoint(&filter->broker, broker_of(tracking)) ||
            track_match_topic(filter->text, topic, true) == TRACK_MATCHES_NOT)
            continue;
        has_match = true;
        granted = MAX(granted, filter->qos);
    }
    if (has_match && granted < qos)
        track_report_anomaly_once(
            tracking, (struct track_anomaly){
                          .kind = TRACK_ANOMALY_QOS_ABOVE_GRANTS, .at = {0, 1}, .value = qos, .other = granted});
}

/** A PINGREQ soon after the Client's last packet, and not the first such one. */
static void check_ping(struct track_context *tracking)
{
    const struct track_snapshot *snapshot = &tracking->snapshot;
    int64_t limit_ms = snapshot->keep_alive_s * INT64_C(1000) / EARLY_PART;
    int64_t last_ns = tracking->connection->keep_alive.last_client_ns;
    uint8_t *pings = &tracking->checks->early_pings;

    if (!track_has_history(tracking) || !snapshot->has_keep_alive || last_ns == TRACK_TIME_UNKNOWN)
        return;
    int64_t silent_ms = track_most_elapsed_ns(&tracking->capture->clock, last_ns, tracking->now_ns) / 1000000;
    if (silent_ms >= limit_ms) {
        *pings = 0;
        return;
    }
    *pings += *pings < PINGS_ENOUGH;
    if (*pings == PINGS_ENOUGH)
        track_report_anomaly_once(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_EARLY_PINGS,
                                                                   .value = (uint32_t)CLAMP(silent_ms, 0, UINT32_MAX),
                                                                   .other = snapshot->keep_alive_s});
}

void track_check_practices(struct track_context *tracking)
{
    bool is_clients = track_is_from_client(tracking);

    switch (tracking->packet->type) {
    case MQTT_TYPE_SUBACK:
        if (track_is_from_server(tracking))
            take_grants(tracking);
        break;
    case MQTT_TYPE_PUBLISH:
        if (is_clients)
            check_published_qos(tracking);
        break;
    case MQTT_TYPE_PINGREQ:
        if (is_clients)
            check_ping(tracking);
        break;
    default:
        break;
    }
}
