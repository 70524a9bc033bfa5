/* send-quota.c - how many QoS 1 and 2 PUBLISHes an end may still send: Receive Maximum (MQTT 5.0 section 4.9).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "send-quota.h"

#include "../evidence/report-anomaly.h"

void packet_id_take_quota(const struct packet_id_check *check)
{
    struct track_packet_id_end_state *end = packet_id_end_state(check);
    const struct track_limits *limits = check->tracking->snapshot.limits[1 - check->end];

    if (check->packet->version != MQTT_V50 || end->quota == UINT16_MAX)
        return;
    end->quota++;
    if (limits == NULL || limits->receive_maximum == 0 || end->quota <= limits->receive_maximum)
        return;
    track_report_anomaly(check->tracking, (struct track_anomaly){
                                              .kind = TRACK_ANOMALY_RECEIVE_MAXIMUM_EXCEEDED,
                                              .lack = check->lack,
                                              .at = {check->packet->packet_id_at, 2},
                                              .value = end->quota,
                                              .other = limits->receive_maximum,
                                          });
}

void packet_id_give_quota_back(const struct packet_id_check *check)
{
    struct track_packet_id_end_state *end = packet_id_end_state(check);

    end->quota -= end->quota > 0;
}
