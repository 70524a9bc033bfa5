/* keep-alive.c - how long the Client has been silent (MQTT 5.0 section 3.1.2.10).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "keep-alive.h"

#include "../store/packet-records.h"
#include "connection.h"

int64_t track_update_keep_alive(struct track_context *tracking)
{
    struct track_keep_alive *keep_alive = &tracking->connection->keep_alive;
    struct track_packet_record *record = tracking->record != &tracking->capture->unkept ? tracking->record : NULL;
    int64_t last_ns = keep_alive->last_client_ns;

    if (!track_is_from_client(tracking))
        return TRACK_TIME_UNKNOWN;
    int64_t idle_ns = last_ns == TRACK_TIME_UNKNOWN ? TRACK_TIME_UNKNOWN : tracking->now_ns - last_ns;
    keep_alive->last_client_ns = tracking->now_ns;
    if (track_packet_records_add_idle(tracking->capture->records, tracking->pdu, record, idle_ns))
        return idle_ns;
    track_report_memory_limit(tracking);
    return TRACK_TIME_UNKNOWN;
}

void track_keep_alive_continue(struct track_connection *connection, int64_t now_ns)
{
    connection->keep_alive.last_client_ns = now_ns;
}

void track_keep_alive_forget(struct track_connection *connection)
{
    connection->keep_alive.last_client_ns = TRACK_TIME_UNKNOWN;
}
