/* report-anomaly.c - keeps what was found at a packet beyond its fields, for the rules to judge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "report-anomaly.h"

#include "../store/packet-records.h"

void track_report_anomaly(struct track_context *tracking, struct track_anomaly anomaly)
{
    struct track_facts *facts = tracking->facts;

    if (facts->anomaly_count >= TRACK_ANOMALIES_MAX)
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
    enum { SIZE = (TRACK_ANOMALY_KINDS + 63) / 64 * sizeof(uint64_t) };
    struct track_reports *reports = tracking->reports;
    uint64_t bit = UINT64_C(1) << anomaly.kind % 64;

    /* The rules do not look at what is reported of a malformed packet: the next one will do. */
    if (mqtt_is_malformed(tracking->packet))
        return;
    if (reports->anomalies == NULL)
        reports->anomalies = (uint64_t *)track_alloc(tracking, SIZE);
    if (reports->anomalies == NULL || reports->anomalies[anomaly.kind / 64] & bit)
        return;
    reports->anomalies[anomaly.kind / 64] |= bit;
    track_report_anomaly(tracking, anomaly);
}
