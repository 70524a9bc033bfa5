/* beginnings.c - what is reported in the frame where a packet begins whose end comes later.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet is shown where it is complete. But what its fixed header breaks, a size limit, is known where it begins, and it may
 * never be complete: so that is reported where it begins, and not again. Later visits of the frame do not reach the framing
 * if the packet begins with the segment, so all visits show it after TCP (connection-end.c). The tables hear of the first
 * packet of a connection, too: they would not know the connection otherwise.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/proto_data.h>

#include "mqttscope.h"

enum { LONGEST_FIXED_HEADER = 5, BEGINNINGS_KEY = 0x60000000 };

/** The beginning of a packet. File scope. */
struct kept_beginning {
    struct kept_beginning *next; /**< of the same frame */
    const struct stream *stream;
    struct track_unfinished packet;
    uint8_t header[LONGEST_FIXED_HEADER]; /**< the fixed header, as far as it is there */
    uint8_t header_length;
    struct track_snapshot snapshot;
    struct track_anomaly crossing; /**< it was sent before the CONNACK had arrived, where `frame` is not 0 */
};

static bool has_any; /* the file has a frame with one */

void beginnings_reset(void)
{
    has_any = false;
}

/** Reads the fixed header as far as it is there, and finds the facts that it is judged by. */
static void recall(struct kept_beginning *beginning, packet_info *pinfo, struct mqtt_packet *packet,
                   struct track_facts *facts)
{
    track_recall(beginning->stream->connection, beginning->packet.sender, stream_next_pdu_ref(pinfo), facts);
    facts->snapshot = &beginning->snapshot;
    facts->record = NULL;
    facts->request_topic = NULL;
    facts->anomaly_count = beginning->crossing.frame != 0;
    facts->anomalies[0] = &beginning->crossing;
    uint32_t length = beginning->packet.length != 0 ? beginning->packet.length : LONGEST_FIXED_HEADER;
    mqtt_decode(packet, beginning->header, beginning->header_length, length, beginning->snapshot.version);
}

/** Keeps a beginning with its frame, after those that are there. */
static void keep(packet_info *pinfo, const struct kept_beginning *beginning)
{
    struct kept_beginning *kept = wmem_new(wmem_file_scope(), struct kept_beginning);
    struct kept_beginning *last =
        (struct kept_beginning *)p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), BEGINNINGS_KEY);

    has_any = true;
    *kept = *beginning;
    if (last == NULL) {
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), BEGINNINGS_KEY, kept);
        return;
    }
    while (last->next != NULL)
        last = last->next;
    last->next = kept;
}

/** The other end has not said yet what it takes: the packet cannot break a limit that comes later. */
static bool is_before_limits(const struct track_snapshot *snapshot, unsigned sender)
{
    return snapshot->connect_seen && snapshot->version == MQTT_V50 && snapshot->limits[1 - sender] == NULL;
}

/** Finds what is to be reported of a beginning. True where the rules of the fixed header have decided. */
static bool note_beginning(packet_info *pinfo, const struct stream *stream, const struct track_unfinished *packet,
                           const uint8_t *bytes)
{
    struct track_connection *connection = stream->connection;
    struct kept_beginning beginning = {
        .stream = stream,
        .packet = *packet,
        .header_length = (uint8_t)MIN(packet->arrived, LONGEST_FIXED_HEADER),
        .crossing = {.kind = TRACK_ANOMALY_SENT_BEFORE_CONNACK},
    };
    struct mqtt_packet header;
    struct track_arrival arrival;
    struct track_facts facts;
    struct check_findings findings;

    memcpy(beginning.header, bytes, beginning.header_length);
    track_recall(connection, packet->sender, stream_next_pdu_ref(pinfo), &facts);
    memcpy(&beginning.snapshot, facts.snapshot, sizeof beginning.snapshot);
    stream_arrival(stream, pinfo, &arrival);
    beginning.crossing.frame = track_crossed_connack(connection, packet->sender, &arrival);
    recall(&beginning, pinfo, &header, &facts);
    check_fixed_header(mqttscope_rules(), &header, &facts, pinfo->pool, &findings);
    if (findings.count > 0 || !track_connection_has_packets(connection))
        keep(pinfo, &beginning);
    return findings.count > 0 || is_before_limits(&beginning.snapshot, packet->sender);
}

void beginnings_take(packet_info *pinfo, const struct stream *stream, const struct track_beginning *beginning,
                     const uint8_t *bytes)
{
    struct track_connection *connection = stream->connection;
    unsigned sender = beginning->packet.sender;
    uint32_t end;

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    track_begin_packet(connection, beginning);
    /* What is not in a TCP segment is not shown by beginnings_show(). */
    if (!stream_segment_end(pinfo, &end) || track_is_packet_judged(connection, sender))
        return;
    if (note_beginning(pinfo, stream, &beginning->packet, bytes))
        track_judge_packet(connection, sender);
}

static void show_beginnings_of(tvbuff_t *segment, packet_info *pinfo, proto_tree *tree)
{
    struct kept_beginning *each =
        (struct kept_beginning *)p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), BEGINNINGS_KEY);

    for (; each != NULL; each = each->next) {
        struct mqtt_packet packet;
        struct track_facts facts;
        recall(each, pinfo, &packet, &facts);
        dissect_beginning(segment, pinfo, tree, each->stream, &packet, &facts, each->packet.arrived);
    }
}

void beginnings_show(tvbuff_t *segment, packet_info *pinfo, proto_tree *tree)
{
    if (has_any)
        show_beginnings_of(segment, pinfo, tree);
}
