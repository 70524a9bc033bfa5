/* report-anomaly.c - keeps what is noticed at a packet, and tells what its sender can have known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture shows packets in the order in which they passed one place, not in the order in which the ends met them. What a
 * packet's sender had received by then is told by the acknowledgement number of its TCP segment.
 */
#include "../state.h"

/* Where no numbers tell: what was captured this long before has arrived. */
static const int64_t SURELY_ARRIVED_NS = INT64_C(2000000000);

struct track_stream_position track_stream_position_of(const struct track_context *tracking)
{
    const struct track_arrival *arrival = tracking->arrival;
    return (struct track_stream_position){tracking->pdu.frame, arrival->has_numbers ? arrival->sent_to : 0,
                                          arrival->ns};
}

enum track_receipt track_sender_had_received(const struct track_context *tracking,
                                             const struct track_stream_position *mark)
{
    const struct track_arrival *arrival = tracking->arrival;

    if (mark->frame == 0)
        return TRACK_NOT_RECEIVED;
    if (mark->sent_to != 0 && arrival->has_numbers)
        return (int32_t)(arrival->got_to - mark->sent_to) >= 0 ? TRACK_RECEIVED : TRACK_NOT_RECEIVED;
    return arrival->ns - mark->ns > SURELY_ARRIVED_NS ? TRACK_RECEIVED : TRACK_MAYBE_RECEIVED;
}

bool track_sender_received_uncaptured(const struct track_context *tracking)
{
    const struct track_end *other = &tracking->connection->ends[1 - tracking->sender];
    const struct track_arrival *arrival = tracking->arrival;

    return arrival->has_numbers && other->has_seen_to && (int32_t)(arrival->got_to - other->seen_to) > 0;
}

void track_report_anomaly(struct track_context *tracking, struct track_anomaly anomaly)
{
    struct track_capture *capture = tracking->connection->capture;
    struct track_facts *facts = tracking->facts;

    if (!capture->options.observes || facts->anomaly_count >= TRACK_ANOMALIES_MAX)
        return;
    anomaly.frame_at = tracking->pdu.frame;
    anomaly.pdu_at = tracking->pdu.pdu;
    const struct track_anomaly *kept = track_packet_records_add_anomaly(capture->records, &anomaly);
    if (kept == NULL)
        track_report_memory_limit(tracking);
    else
        facts->anomalies[facts->anomaly_count++] = kept;
}
