/* unfinished-packets.c - packets of which only the beginning has come.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "unfinished-packets.h"

#include "../../wire/validity.h"
#include "connection.h"

enum { LONGEST_FIXED_HEADER = 5 };

/** Who the end may be. */
static enum mqtt_senders possible_senders(const struct track_snapshot *snapshot, unsigned end)
{
    if (snapshot->broker == TRACK_END_UNKNOWN || snapshot->evidence < TRACK_EVIDENCE_CONNACK)
        return MQTT_SENT_BY_EITHER;
    return snapshot->broker == end ? MQTT_SENT_BY_SERVER : MQTT_SENT_BY_CLIENT;
}

bool track_unfinished_may_begin(const struct track_connection *connection, unsigned sender, uint8_t first,
                                bool is_first)
{
    const struct track_snapshot *snapshot = track_latest_snapshot(connection);
    bool is_version_known = snapshot->version_source == TRACK_VERSION_FROM_CONNECT ||
                            snapshot->version_source == TRACK_VERSION_FROM_PREFERENCE;
    bool is_opener = connection->transport.evidence == TRACK_EVIDENCE_HANDSHAKE &&
                     connection->transport.server == 1 - sender && snapshot->broker == 1 - sender;

    /* Section 3.1: the Client's first packet is a CONNECT. */
    if (is_first && is_opener && first >> 4 != MQTT_TYPE_CONNECT)
        return false;
    return mqtt_is_first_byte_valid(first,
                                    is_version_known ? (enum mqtt_version)snapshot->version : MQTT_VERSION_UNKNOWN,
                                    possible_senders(snapshot, sender));
}

void track_unfinished_begin(struct track_connection *connection, const struct track_beginning *beginning)
{
    struct track_begun_packets *begun = connection->begun;

    if (begun == NULL)
        begun = (struct track_begun_packets *)track_file_alloc(&connection->capture->memory, sizeof *begun);
    if (begun == NULL)
        return;
    connection->begun = begun;
    struct track_begun_packet *packet = &begun->ends[beginning->packet.sender];
    if (packet->is_under_way && packet->beginning.packet.closing.is_closed)
        return;
    *packet = (struct track_begun_packet){
        .beginning = *beginning, .is_under_way = true, .is_judged = packet->is_under_way && packet->is_judged};
}

void track_unfinished_judge(struct track_connection *connection, unsigned sender)
{
    if (connection->begun != NULL)
        connection->begun->ends[sender].is_judged = true;
}

bool track_unfinished_is_judged(const struct track_connection *connection, unsigned sender)
{
    return connection->begun != NULL && connection->begun->ends[sender].is_judged;
}

void track_unfinished_lose(struct track_connection *connection, unsigned sender)
{
    if (connection->begun != NULL)
        connection->begun->ends[sender] = (struct track_begun_packet){0};
}

bool track_unfinished_complete(struct track_connection *connection, unsigned sender)
{
    if (connection->begun == NULL || !connection->begun->ends[sender].is_under_way)
        return false;
    bool is_judged = connection->begun->ends[sender].is_judged;
    track_unfinished_lose(connection, sender);
    return is_judged;
}

/** Counts what has come of a packet by how far its sender's bytes go. False where all of it has: then the capture lacks
 *  some, and nothing is wrong. */
static bool count_arrived(const struct track_beginning *beginning, const struct track_transport_state *transport,
                          struct track_unfinished *packet)
{
    unsigned sender = beginning->packet.sender;

    *packet = beginning->packet;
    if (beginning->has_number && transport->has_sent_by[sender]) {
        packet->is_at_least = false;
        packet->arrived = transport->sent_by[sender] - beginning->from;
    }
    return packet->arrived < (packet->length != 0 ? packet->length : LONGEST_FIXED_HEADER);
}

/** Fills `list` with the packets under way. */
static unsigned find_unfinished(const struct track_begun_packets *begun, const struct track_transport_state *transport,
                                struct track_unfinished list[2])
{
    unsigned count = 0;

    for (unsigned end = 0; end < 2; end++) {
        const struct track_begun_packet *packet = &begun->ends[end];
        if (packet->beginning.packet.closing.is_closed)
            list[count++] = packet->beginning.packet;
        else if (packet->is_under_way && count_arrived(&packet->beginning, transport, &list[count]))
            count++;
    }
    return count;
}

unsigned track_unfinished_list(const struct track_connection *connection, struct track_unfinished list[2])
{
    if (connection->begun == NULL)
        return 0;
    struct track_transport_state transport = track_transport_state_of(connection);
    return find_unfinished(connection->begun, &transport, list);
}

unsigned track_unfinished_close(struct track_connection *connection, const struct track_closing *closing,
                                struct track_unfinished list[2])
{
    struct track_unfinished now[2];
    unsigned count = 0;

    if (!connection->closing.is_closed)
        connection->closing = *closing;
    if (connection->begun == NULL)
        return 0;
    struct track_transport_state transport = track_transport_state_of(connection);
    transport.sent_by[closing->by] -= !closing->is_reset; /* a FIN has a sequence number of its own */
    unsigned found = find_unfinished(connection->begun, &transport, now);
    for (unsigned i = 0; i < found; i++) {
        struct track_begun_packet *packet = &connection->begun->ends[now[i].sender];
        if (now[i].closing.is_closed)
            continue;
        now[i].closing = *closing;
        packet->beginning.packet = list[count++] = now[i];
    }
    return count;
}
