/* receipt.h - had the sender of a packet received an earlier packet of the other end?
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_EVIDENCE_RECEIPT_H
#define MQTTSCOPE_MODEL_EVIDENCE_RECEIPT_H

#include "../store/context.h"

/** How far the bytes of one end were captured. */
struct track_end_progress {
    uint32_t captured_to;     /**< the sequence number after this end's latest packet; good where `is_known` */
    bool is_known;            /**< the transport counts bytes */
    bool acknowledges_unseen; /**< its latest packet acknowledges bytes that were not captured, or not yet */
    bool is_sending;          /**< a packet of it is under way: the one below is good */
    int64_t begun_ns;         /**< when its first byte came; TRACK_TIME_UNKNOWN where that is not known */
};

/** How far both ends' bytes were captured. Written by receipt.c. */
struct track_progress {
    struct track_end_progress ends[2];
};

/** Whether the sender of a packet had received an earlier one of the other end by then. */
enum track_receipt {
    TRACK_RECEIVED,
    TRACK_NOT_RECEIVED,
    TRACK_MAYBE_RECEIVED, /**< the transport does not tell, and they came close together */
};

/** Where the packet being tracked ends in its sender's bytes. */
struct track_stream_position track_stream_position_of(const struct track_context *tracking);

/** Whether the sender of the packet being tracked had received the other end's packet at `position` when it sent this one. */
enum track_receipt track_sender_had_received(const struct track_context *tracking,
                                             const struct track_stream_position *position);

/** The sender of the packet being tracked had received more of the other end than was captured by then: that is missing
 *  from the capture, or captured late. */
bool track_sender_received_uncaptured(const struct track_context *tracking);

/** How many bytes that is; a FIN counts as one, too. */
uint32_t track_uncaptured_received(const struct track_context *tracking);

/** All that the sender of the packet being tracked had received by then was captured; false where nothing tells it. */
bool track_has_seen_received(const struct track_context *tracking);

/** The other end than the sender of the packet being tracked is sending: what was not captured, or not yet, or a packet that
 *  is under way. */
bool track_is_other_sending(const struct track_context *tracking);

/** When the first byte of a packet came that an end completes with what arrives; TRACK_TIME_UNKNOWN where that is not known. */
int64_t track_begin_of_packet(const struct track_end_progress *sender, const struct track_arrival *arrival,
                              int64_t now_ns);

/** An end has begun a packet, of which more is to come; or has sent the last of it. */
void track_begin_sending(struct track_end_progress *sender, const struct track_arrival *arrival, int64_t now_ns);
void track_end_sending(struct track_end_progress *sender);

/** Keeps how far the bytes of the packet's sender were captured. */
void track_update_progress(struct track_context *tracking);

/** The sum of how far both ends' bytes were captured: a transport's state does not say which end is which. */
static inline uint32_t track_captured_to(const struct track_progress *progress)
{
    return progress->ends[0].captured_to + progress->ends[1].captured_to;
}

/** True where the last packets of a connection may not have been captured: its transport counts more bytes than were read,
 *  or does not count. */
bool track_lacks_last_packets(const struct track_progress *progress, const struct track_transport_state *transport);

#endif
