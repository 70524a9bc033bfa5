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
    uint64_t *reported = &tracking->reports->anomalies[anomaly.kind / 64];
    uint64_t bit = UINT64_C(1) << anomaly.kind % 64;

    /* The rules do not look at what is reported of a malformed packet: the next one will do. */
    if (*reported & bit || mqtt_is_malformed(tracking->packet))
        return;
    *reported |= bit;
    track_report_anomaly(tracking, anomaly);
}
