/* report-anomaly.c - keeps what was found at a packet beyond its fields, for the rules to judge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report-anomaly.h"

#include "../store/packet-records.h"

/** What is undecided is kept for users who want to see it, and takes no room from what is not. */
static bool may_keep(const struct track_context *tracking, const struct track_anomaly *anomaly)
{
    unsigned count = tracking->facts->anomaly_count;

    if (anomaly->lack == TRACK_LACK_NOTHING)
        return count < TRACK_ANOMALIES_MAX;
    return tracking->capture->options.keeps_undecided && count < TRACK_ANOMALIES_MAX / 2;
}

void track_report_anomaly(struct track_context *tracking, struct track_anomaly anomaly)
{
    struct track_facts *facts = tracking->facts;

    if (!may_keep(tracking, &anomaly))
        return;
    anomaly.frame_at = tracking->pdu.frame;
    anomaly.pdu_at = tracking->pdu.pdu;
    const struct track_anomaly *kept = track_packet_records_add_anomaly(tracking->capture->records, &anomaly);
    if (kept == NULL)
        track_report_memory_limit(tracking);
    else
        facts->anomalies[facts->anomaly_count++] = kept;
}

void track_report_anomaly_once(struct track_context *tracking, struct track_anomaly anomaly)
{
    enum { WORDS = (TRACK_ANOMALY_KINDS + 63) / 64 };
    struct track_reports *reports = tracking->reports;
    uint64_t bit = UINT64_C(1) << anomaly.kind % 64;
    unsigned word = anomaly.kind / 64 + (anomaly.lack == TRACK_LACK_NOTHING ? 0 : WORDS);

    /* The rules do not look at what is reported of a malformed packet: the next one will do. */
    if (mqtt_is_malformed(tracking->packet) || !may_keep(tracking, &anomaly))
        return;
    if (reports->anomalies == NULL)
        reports->anomalies = (uint64_t *)track_alloc(tracking, 2 * WORDS * sizeof(uint64_t));
    if (reports->anomalies == NULL || reports->anomalies[word] & bit)
        return;
    reports->anomalies[word] |= bit;
    track_report_anomaly(tracking, anomaly);
}
