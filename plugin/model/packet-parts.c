/* packet-parts.c - takes in parts of packets, before or without the whole of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "packet-parts.h"

#include <string.h>

#include "conformance/check-closing.h"
#include "conformance/connection-order.h"
#include "evidence/receipt.h"
#include "protocol/connection.h"
#include "protocol/ending.h"
#include "protocol/keep-alive.h"
#include "protocol/unfinished-packets.h"
#include "tracker.h"

void track_packet_begun(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival)
{
    if (!track_is_untracked(connection))
        track_begin_sending(&connection->progress.ends[sender], arrival,
                            track_clock_read(&connection->capture->clock, arrival->ns));
}

void track_packet_continues(struct track_connection *connection, unsigned sender, const struct track_arrival *arrival,
                            bool is_end)
{
    if (track_is_untracked(connection))
        return;
    if (track_latest_snapshot(connection)->broker == 1 - sender)
        track_keep_alive_continue(connection, track_clock_read(&connection->capture->clock, arrival->ns));
    if (is_end)
        track_end_sending(&connection->progress.ends[sender]);
}

bool track_may_begin(const struct track_connection *connection, unsigned sender, uint8_t first, bool is_first)
{
    return track_is_untracked(connection) || track_unfinished_may_begin(connection, sender, first, is_first);
}

void track_begin_packet(struct track_connection *connection, const struct track_beginning *beginning)
{
    if (!track_is_untracked(connection))
        track_unfinished_begin(connection, beginning);
}

void track_judge_packet(struct track_connection *connection, unsigned sender)
{
    if (!track_is_untracked(connection))
        track_unfinished_judge(connection, sender);
}

bool track_is_packet_judged(const struct track_connection *connection, unsigned sender)
{
    return track_unfinished_is_judged(connection, sender);
}

void track_lose_packet(struct track_connection *connection, unsigned sender)
{
    if (!track_is_untracked(connection))
        track_unfinished_lose(connection, sender);
}

/** The context of what is no packet; `facts` gets what is known. */
static struct track_context context_without_packet(struct track_connection *connection, unsigned sender,
                                                   const struct track_arrival *arrival, struct track_pdu_ref pdu,
                                                   struct track_facts *facts)
{
    static const struct mqtt_packet nothing;
    struct track_context tracking = {
        .capture = connection->capture,
        .connection = connection,
        .checks = connection->checks,
        .progress = &connection->progress,
        .reports = &connection->reports,
        .sender = sender,
        .arrival = arrival,
        .now_ns = track_clock_read(&connection->capture->clock, arrival->ns),
        .pdu = pdu,
        .packet = &nothing,
        .facts = facts,
    };

    track_recall(connection, sender, pdu, facts);
    memcpy(&tracking.snapshot, track_latest_snapshot(connection), sizeof tracking.snapshot);
    return tracking;
}

unsigned track_close(struct track_connection *connection, const struct track_closing *closing,
                     const struct track_arrival *arrival, struct track_pdu_ref pdu, struct track_facts *facts,
                     struct track_unfinished list[2])
{
    struct track_context tracking = context_without_packet(connection, closing->by, arrival, pdu, facts);

    if (track_is_untracked(connection))
        return 0;
    if (tracking.checks != NULL && !connection->closing.is_closed)
        track_check_closing(&tracking, closing);
    track_close_ending(&tracking, closing);
    return track_unfinished_close(connection, closing, list);
}

void track_alert(struct track_connection *connection, unsigned sender, uint8_t description,
                 const struct track_arrival *arrival, struct track_pdu_ref pdu)
{
    struct track_facts facts;
    struct track_context tracking = context_without_packet(connection, sender, arrival, pdu, &facts);

    if (!track_is_untracked(connection))
        track_update_alert(&tracking, description);
}

bool track_connection_has_packets(const struct track_connection *connection)
{
    return connection->has_packets;
}

uint32_t track_crossed_connack(struct track_connection *connection, unsigned sender,
                               const struct track_arrival *arrival)
{
    struct track_context tracking = {
        .capture = connection->capture,
        .connection = connection,
        .checks = connection->checks,
        .progress = &connection->progress,
        .sender = sender,
        .arrival = arrival,
        .now_ns = track_clock_read(&connection->capture->clock, arrival->ns),
    };

    memcpy(&tracking.snapshot, track_latest_snapshot(connection), sizeof tracking.snapshot);
    return tracking.checks != NULL && track_has_crossed_connack(&tracking) ? connection->session.connack.frame : 0;
}
