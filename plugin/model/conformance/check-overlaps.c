/* check-overlaps.c - finds messages that overlapping subscriptions bring below the highest QoS that one of them accounts for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Server may send one copy for each filter that matches, by that one's QoS, and need not send the best one first (MQTT
 * 5.0 section 3.3.4). So a copy below the highest QoS breaks nothing; that none has it shows when the Server sends what was
 * published later, above QoS 0, as long as it might have sent this as well.
 */
#include "check-overlaps.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

static struct track_overlap *find_overlap(struct track_overlaps *overlaps, uint32_t order)
{
    for (unsigned i = 0; i < TRACK_OVERLAPS_MAX; i++)
        if (overlaps->kept[i].order == order)
            return &overlaps->kept[i];
    return NULL;
}

/** The Server's send quota is used up. */
static bool is_quota_used_up(const struct track_delivery *delivery)
{
    const struct track_context *tracking = delivery->tracking;
    const struct track_packet_id_state *packet_ids = tracking->checks->packet_ids;
    const struct track_limits *limits = tracking->snapshot.limits[1 - tracking->sender];

    return limits != NULL && packet_ids != NULL && packet_ids->ends[tracking->sender].quota >= limits->receive_maximum;
}

/** A copy came: it may be the first of a message, or the one that was missing. */
static void take_copy(struct track_delivery *delivery, struct track_overlaps *overlaps,
                      const struct track_recent_publish *source, uint8_t highest)
{
    uint8_t qos = delivery->tracking->packet->publish.qos;
    struct track_overlap *overlap = find_overlap(overlaps, source->order);

    if (overlap == NULL) {
        overlap = &overlaps->kept[overlaps->next++ % TRACK_OVERLAPS_MAX];
        *overlap = (struct track_overlap){.order = source->order, .frame = source->frame, .highest = highest};
    }
    overlap->best = MAX(overlap->best, qos);
}

/** Messages that were published before this one, and of which no copy has come as it should. */
static void check_earlier(struct track_delivery *delivery, struct track_overlaps *overlaps,
                          const struct track_recent_publish *source)
{
    for (unsigned i = 0; i < TRACK_OVERLAPS_MAX; i++) {
        struct track_overlap *each = &overlaps->kept[i];
        if (each->order == 0 || each->order >= source->order || each->best >= each->highest || each->is_settled)
            continue;
        each->is_settled = true;
        track_report_anomaly(delivery->tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_OVERLAP_BELOW_HIGHEST,
                                                                        .at = {0, 1},
                                                                        .frame = each->frame,
                                                                        .value = each->best,
                                                                        .other = each->highest});
    }
}

void track_check_overlap(struct track_delivery *delivery, const struct track_recent_publish *source, uint8_t lowest,
                         uint8_t highest)
{
    struct track_context *tracking = delivery->tracking;
    struct track_delivery_checks *checks = track_delivery_checks_of(tracking);
    struct track_overlaps *overlaps = checks != NULL ? checks->overlaps : NULL;

    if (checks != NULL && overlaps == NULL && lowest < highest)
        overlaps = checks->overlaps = (struct track_overlaps *)track_alloc(tracking, sizeof *overlaps);
    if (overlaps == NULL)
        return;
    if (lowest < highest)
        take_copy(delivery, overlaps, source, highest);
    if (tracking->packet->publish.qos > 0 && !is_quota_used_up(delivery))
        check_earlier(delivery, overlaps, source);
    for (unsigned i = 0; i < TRACK_OVERLAPS_MAX && is_quota_used_up(delivery); i++)
        overlaps->kept[i].is_settled = true;
}
