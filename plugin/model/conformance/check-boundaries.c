/* check-boundaries.c - doubts where a packet begins after a malformed one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet that does not fit its Remaining Length (section 2.1.4) may have a wrong one. Then what follows begins in the middle of
 * a field, and what its first byte seems to say proves nothing, until a plausible packet shows that the places are right.
 */
#include "check-boundaries.h"

#include "../evidence/report-anomaly.h"
#include "checks.h"

/** The fault may be that of a wrong Remaining Length. */
static bool may_have_wrong_length(const struct mqtt_fault *fault)
{
    switch (fault->kind) {
    case MQTT_FAULT_PAST_END:
    case MQTT_FAULT_BLOCK_PAST_END:
    case MQTT_FAULT_LEFT_OVER:
    case MQTT_FAULT_RESERVED_TYPE:
        return true;
    default:
        return false;
    }
}

void track_check_boundaries(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    bool *is_doubtful = &tracking->checks->boundaries.is_doubtful[tracking->sender];

    if (!may_have_wrong_length(&packet->fault))
        *is_doubtful = *is_doubtful && !mqtt_packet_is_plausible(packet);
    else if (*is_doubtful)
        track_report_anomaly(tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_AFTER_MALFORMED});
    else
        *is_doubtful = true;
}
