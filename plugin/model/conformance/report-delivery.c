/* report-delivery.c - what is remembered of the deliveries on a connection, and reported of their topics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report-delivery.h"

#include "../evidence/report-anomaly.h"
#include "checks.h"

struct track_delivery_checks *track_delivery_checks_of(struct track_context *tracking)
{
    struct track_delivery_checks **checks = &tracking->checks->deliveries;

    if (*checks == NULL)
        *checks = (struct track_delivery_checks *)track_alloc(tracking, sizeof **checks);
    return *checks;
}

void track_delivery_checks_reset(struct track_context *tracking)
{
    struct track_file_memory *memory = &tracking->capture->memory;
    struct track_delivery_checks *checks = tracking->checks->deliveries;

    tracking->checks->deliveries = NULL;
    if (checks == NULL)
        return;
    track_file_free(memory, checks->retained, TRACK_FINGERPRINTS_MAX * sizeof *checks->retained);
    track_file_free(memory, checks->own, TRACK_FINGERPRINTS_MAX * sizeof *checks->own);
    track_file_free(memory, checks->orders, TRACK_ORDERED_TOPICS * sizeof *checks->orders);
    track_file_free(memory, checks->overlaps, sizeof *checks->overlaps);
    track_file_free(memory, checks, sizeof *checks);
}

void track_report_for_topic(const struct track_delivery *delivery, struct track_anomaly anomaly)
{
    struct track_delivery_checks *checks = track_delivery_checks_of(delivery->tracking);
    uint32_t key = delivery->topic_hash ^ (uint32_t)anomaly.kind * 2654435761u;

    if (checks == NULL)
        return;
    for (unsigned i = 0; i < checks->reported_count; i++)
        if (checks->reported[i] == key)
            return;
    if (checks->reported_count == TRACK_REPORTED_MAX)
        return;
    checks->reported[checks->reported_count++] = key;
    track_report_anomaly(delivery->tracking, anomaly);
}
