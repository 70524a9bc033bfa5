/* report-delivery.c - reports anomalies of deliveries: one of a kind for a topic, and not many in all.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report-delivery.h"

#include "../evidence/report-anomaly.h"
#include "checks.h"

struct track_delivery_checks *track_delivery_checks_of(const struct track_context *tracking)
{
    if (tracking->checks->deliveries == NULL)
        tracking->checks->deliveries = wmem_new0(tracking->capture->memory.scope, struct track_delivery_checks);
    return tracking->checks->deliveries;
}

static bool is_news(const struct track_delivery *delivery, enum track_anomaly_kind kind)
{
    struct track_delivery_checks *checks = track_delivery_checks_of(delivery->tracking);
    uint32_t key = delivery->topic_hash ^ (uint32_t)kind * 2654435761u;

    for (unsigned i = 0; i < checks->reported_count; i++)
        if (checks->reported[i] == key)
            return false;
    if (checks->reported_count == TRACK_REPORTED_MAX)
        return false;
    checks->reported[checks->reported_count++] = key;
    return true;
}

void track_report_delivery(const struct track_delivery *delivery, struct track_anomaly anomaly)
{
    if (is_news(delivery, (enum track_anomaly_kind)anomaly.kind))
        track_report_anomaly(delivery->tracking, anomaly);
}
