/* check-closing.c - finds what is wrong where the transport of a connection is closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check-closing.h"

#include "../evidence/report-anomaly.h"
#include "unanswered-requests.h"

void track_check_closing(struct track_context *tracking, const struct track_closing *closing)
{
    /* MQTT 5.0 section 6. Where a CONNECT came, it was said there. */
    if (closing->lacks_subprotocol && !tracking->snapshot.connect_seen)
        track_report_anomaly(
            tracking, (struct track_anomaly){.kind = TRACK_ANOMALY_SUBPROTOCOL_MISSING, .doubt = TRACK_DOUBT_NO_MQTT});
    track_check_unanswered_at_close(tracking);
}
