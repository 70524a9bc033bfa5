/* receipt.c - had the sender of a packet received an earlier packet of the other end?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture shows packets in the order in which they passed one point of the network, not in the order in which the ends
 * sent and received them. What a packet's sender had received by then is told by the acknowledgement number of its TCP
 * segment.
 */
#include "receipt.h"

/* Where no numbers tell: what was captured this long before has arrived. */
static const int64_t SURELY_ARRIVED_NS = INT64_C(2000000000);

struct track_stream_position track_stream_position_of(const struct track_context *tracking)
{
    const struct track_arrival *arrival = tracking->arrival;
    return (struct track_stream_position){tracking->pdu.frame, arrival->has_numbers ? arrival->sent_to : 0,
                                          tracking->now_ns};
}

enum track_receipt track_sender_had_received(const struct track_context *tracking,
                                             const struct track_stream_position *position)
{
    const struct track_arrival *arrival = tracking->arrival;

    if (position->frame == 0)
        return TRACK_NOT_RECEIVED;
    if (position->sent_to != 0 && arrival->has_numbers)
        return (int32_t)(arrival->got_to - position->sent_to) >= 0 ? TRACK_RECEIVED : TRACK_NOT_RECEIVED;
    bool has_arrived =
        track_least_elapsed_ns(&tracking->capture->clock, position->ns, tracking->now_ns) > SURELY_ARRIVED_NS;
    return has_arrived ? TRACK_RECEIVED : TRACK_MAYBE_RECEIVED;
}

uint32_t track_uncaptured_received(const struct track_context *tracking)
{
    const struct track_end_progress *other = &tracking->progress->ends[1 - tracking->sender];
    const struct track_arrival *arrival = tracking->arrival;
    int32_t more = (int32_t)(arrival->got_to - other->captured_to);

    return arrival->has_numbers && other->is_known && more > 0 ? (uint32_t)more : 0;
}

bool track_sender_received_uncaptured(const struct track_context *tracking)
{
    return track_uncaptured_received(tracking) > 0;
}

bool track_has_seen_received(const struct track_context *tracking)
{
    return tracking->arrival->has_numbers && !track_sender_received_uncaptured(tracking);
}

bool track_is_other_sending(const struct track_context *tracking)
{
    const struct track_end_progress *other = &tracking->progress->ends[1 - tracking->sender];
    const struct track_arrival *arrival = tracking->arrival;
    bool has_begun =
        arrival->has_other && other->is_known && (int32_t)(arrival->other_sent_to - other->captured_to) > 0;

    return has_begun || other->is_sending || track_sender_received_uncaptured(tracking);
}

int64_t track_begin_of_packet(const struct track_end_progress *sender, const struct track_arrival *arrival,
                              int64_t now_ns)
{
    if (sender->is_sending)
        return sender->begun_ns;
    return arrival->is_joined ? TRACK_TIME_UNKNOWN : now_ns;
}

void track_begin_sending(struct track_end_progress *sender, const struct track_arrival *arrival, int64_t now_ns)
{
    sender->begun_ns = track_begin_of_packet(sender, arrival, now_ns);
    sender->is_sending = true;
}

void track_end_sending(struct track_end_progress *sender)
{
    sender->is_sending = false;
}

/** A lost segment shows only when its direction continues. Until then it shows in what the other end acknowledges: more
 *  than was captured. Then the packet's sender knows something that the capture does not. */
void track_update_progress(struct track_context *tracking)
{
    const struct track_arrival *arrival = tracking->arrival;
    struct track_end_progress *own = &tracking->progress->ends[tracking->sender];
    struct track_end_progress *other = &tracking->progress->ends[1 - tracking->sender];

    if (arrival->has_numbers && !other->is_known) {
        /* At the CONNECT it is the handshake of the transport that is acknowledged, and no packet. */
        other->is_known = true;
        other->captured_to = arrival->got_to;
    }
    own->acknowledges_unseen = track_sender_received_uncaptured(tracking);
    own->is_known = arrival->has_numbers;
    own->captured_to = arrival->sent_to;
    own->is_sending = false;
}

/** The FIN of each end counts, too. What is missing at the very end shows in nothing that comes later. */
bool track_lacks_last_packets(const struct track_progress *progress, const struct track_transport_state *transport)
{
    enum { FINS = 2 };
    uint32_t captured_to = track_captured_to(progress);

    if (!transport->has_numbers)
        return true;
    return (int32_t)(transport->sent_to - captured_to) > FINS ||
           (!transport->is_reset && (int32_t)(transport->got_to - captured_to) > FINS);
}
