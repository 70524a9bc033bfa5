/* framing-tcp.c - finds where control packets begin in the segments of TCP.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's TCP puts segments together, but it does not say when bytes are missing: after a gap, or where the capture
 * began in the middle of a connection, a segment may start anywhere in a packet. Reading on would turn payload into
 * packets that nobody sent. So each direction remembers at which sequence number the next packet begins. A segment that
 * holds this place is read from there on, whatever comes before it: bytes sent again, or the rest of a packet that was
 * not put together. Where the place is lost, a segment is read only if whole plausible packets are at its start, or if
 * whole packets fill it that are plausible but for their flags: those are shown, and not checked against the rules.
 */
#include <string.h>

#include <epan/dissectors/packet-tcp.h>
#include <epan/proto_data.h>

#include "foreign.h"
#include "framing.h"
#include "mqttscope.h"

/** What is to be done with the bytes of a segment. */
enum segment_kind {
    SEGMENT_FRAMED, /**< read packets, after the bytes to be left out */
    SEGMENT_FILLED, /**< likewise: whole packets fill it, but their flags do not speak for a packet beginning here */
    SEGMENT_UNFRAMED,
    SEGMENT_REPEATED,
    SEGMENT_PROXY, /**< a PROXY protocol header comes before the first packet */
    SEGMENT_LEFT,  /**< another protocol's: others may have it */
    SEGMENT_SSH,   /**< likewise, and the Client's first: it is told what it is */
    SEGMENT_TRIED, /**< it may begin a packet that the next segment completes; nothing is shown before that is known */
};

/** The decision on a segment. */
struct segment {
    enum segment_kind kind;
    uint32_t skip; /**< bytes at its start that belong to no packet to be read here */
};

enum {
    SEGMENT_KINDS = 8,        /**< a decision is kept as one number */
    SEGMENT_KEY = 0x40000000, /**< for what was decided about a segment; its raw offset is added */
    MOST_LENGTH_BYTES = 4,    /**< of a Remaining Length */
    MOST_TRIED = 4096,        /**< bytes of a packet that may be one only */
    SEGMENTS_TO_PROVE = 2,    /**< what a search found may have looked like packets by chance */
};

/** Whole packets, or the beginning of a long PUBLISH, are at the segment's start. */
static bool begins_with_packet(tvbuff_t *tvb, const struct stream_chunk *chunk)
{
    uint32_t captured = tvb_captured_length(tvb);
    struct mqtt_run run = mqtt_read_run(tvb_get_ptr(tvb, 0, (int)captured), captured,
                                        track_connection_sure_version(chunk->stream->connection));
    return !run.broken && (run.packets > 0 || run.begun);
}

/** Whole packets fill the segment, though their flags are invalid. */
static bool is_filled_but_for_flags(tvbuff_t *tvb, const struct stream_chunk *chunk)
{
    uint32_t length = tvb_reported_length(tvb);
    return tvb_captured_length(tvb) == length &&
           mqtt_is_filled_but_for_flags(tvb_get_ptr(tvb, 0, (int)length), length,
                                        track_connection_sure_version(chunk->stream->connection));
}

/** A packet cannot be read by the version; by none where that is not known. */
static bool is_malformed(const uint8_t *bytes, uint32_t captured, uint32_t length, enum mqtt_version version)
{
    static const enum mqtt_version all[] = {MQTT_V31, MQTT_V311, MQTT_V50};
    struct mqtt_packet packet;

    for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
        if (version != MQTT_VERSION_UNKNOWN && version != all[i])
            continue;
        mqtt_decode(&packet, bytes, captured, length, all[i]);
        if (!mqtt_is_malformed(&packet))
            return false;
    }
    return true;
}

/** One of the packets from there to the segment's end cannot be read. */
static bool has_malformed_packet(tvbuff_t *tvb, uint32_t at, const struct stream_chunk *chunk)
{
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);

    while (at < captured) {
        uint32_t length;
        enum mqtt_frame_state state = mqtt_frame(bytes + at, captured - at, &length);
        if (state != MQTT_FRAME_WHOLE)
            return state == MQTT_FRAME_UNREADABLE;
        uint32_t held = MIN(length, captured - at);
        if (is_malformed(bytes + at, held, length, track_connection_sure_version(chunk->stream->connection)))
            return true;
        at += held;
    }
    return false;
}

/** Looks for the place where a packet begins in a segment of which nothing is known. */
static struct segment search_segment(struct tcp_direction *direction, const struct stream_chunk *chunk, tvbuff_t *tvb,
                                     const struct tcpinfo *info, uint32_t seq)
{
    bool found = begins_with_packet(tvb, chunk);
    bool is_filled = !found && !info->is_reassembled && is_filled_but_for_flags(tvb, chunk);

    framing_lose_place(chunk);
    /* What TCP put together need not end with the segment: the place after it is unknown. It does where a segment was waited for. */
    direction->framed = (found || is_filled) && (!info->is_reassembled || direction->tried);
    direction->skips = false;
    direction->open_bytes = 0;
    direction->unproved = SEGMENTS_TO_PROVE;
    direction->begins_at = seq;
    return (struct segment){found ? SEGMENT_FRAMED : is_filled ? SEGMENT_FILLED : SEGMENT_UNFRAMED, 0};
}

/** A packet may begin with the segment and continue after it. */
static bool may_begin_packet(tvbuff_t *tvb, const packet_info *pinfo, const struct stream_chunk *chunk)
{
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    uint32_t length;

    if (!mqttscope_reassembles() || !pinfo->can_desegment || captured < tvb_reported_length(tvb) ||
        captured > MOST_TRIED || !track_may_begin(chunk->stream->connection, chunk->sender, bytes[0], false))
        return false;
    enum mqtt_frame_state state = mqtt_frame(bytes, captured, &length);
    return state == MQTT_FRAME_UNFINISHED || (state == MQTT_FRAME_WHOLE && length > captured && length <= MOST_TRIED);
}

/** Looks for a packet in a segment that is passed over, since a packet with an invalid first byte announced it. What it announced
 *  need not be the rest of one. */
static struct segment pass_segment(struct tcp_direction *direction, const struct stream_chunk *chunk,
                                   packet_info *pinfo, tvbuff_t *tvb, const struct tcpinfo *info, uint32_t seq)
{
    uint32_t waited = direction->tried ? direction->next_seq - seq : 0;
    bool has_both = waited > 0 && waited < tvb_reported_length(tvb);
    tvbuff_t *latest = has_both ? tvb_new_subset_remaining(tvb, (int)waited) : tvb;
    bool is_filled = framing_is_filled(tvb, chunk);

    if (is_filled || framing_is_filled(latest, chunk)) {
        uint32_t skip = is_filled ? 0 : waited;
        track_gap(chunk->stream->connection, stream_next_pdu_ref(pinfo));
        struct segment segment = search_segment(direction, chunk, is_filled ? tvb : latest, info, seq + skip);
        segment.skip = skip;
        return segment;
    }
    return (struct segment){may_begin_packet(tvb, pinfo, chunk) ? SEGMENT_TRIED : SEGMENT_UNFRAMED, 0};
}

/** Compares a segment, or what of it the packet before left over, with the place where the next packet begins. */
static struct segment place_segment(struct tcp_direction *direction, const struct stream_chunk *chunk,
                                    packet_info *pinfo, tvbuff_t *tvb, const struct tcpinfo *info, uint32_t seq,
                                    bool goes_on)
{
    int32_t ahead = goes_on && !direction->tried ? 0 : (int32_t)(direction->begins_at - seq);

    if (direction->framed && ahead == 0 && direction->open_bytes > 0 && framing_is_filled(tvb, chunk)) {
        direction->open_bytes = 0;
    } else if (direction->framed && ahead == 0 && direction->open_bytes > 0) {
        struct segment segment = pass_segment(direction, chunk, pinfo, tvb, info, seq);
        if (segment.kind != SEGMENT_UNFRAMED)
            return segment;
        uint32_t header = framing_read_header(direction, tvb);
        ahead = (int32_t)(header + (direction->open_bytes == 0 ? direction->open_length : 0));
        direction->begins_at += (uint32_t)ahead;
    }
    if (!direction->framed || ahead < 0 || direction->open_bytes > MOST_LENGTH_BYTES)
        return search_segment(direction, chunk, tvb, info, seq);
    if ((uint32_t)ahead >= tvb_reported_length(tvb))
        return direction->skips ? pass_segment(direction, chunk, pinfo, tvb, info, seq)
                                : (struct segment){SEGMENT_UNFRAMED, 0};
    if (direction->unproved > 0) {
        if (has_malformed_packet(tvb, (uint32_t)ahead, chunk))
            return search_segment(direction, chunk, tvb, info, seq);
        if (!goes_on)
            direction->unproved--;
    }
    return (struct segment){SEGMENT_FRAMED, (uint32_t)ahead};
}

/** A segment begins with more of a packet that was shown without it. */
static void follow_rest(struct stream_chunk *chunk, const packet_info *pinfo, uint32_t seq, uint32_t next_seq)
{
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    struct track_arrival arrival;

    if (!direction->lacks_rest || (int32_t)(direction->begins_at - seq) <= 0)
        return;
    direction->lacks_rest = (int32_t)(direction->begins_at - next_seq) > 0;
    stream_arrival(chunk->stream, pinfo, &arrival);
    track_packet_continues(chunk->stream->connection, chunk->sender, &arrival, !direction->lacks_rest);
}

/** Packets were missed after what the capture holds of a segment: more was cut off than the rest of one packet. */
static bool hides_packets(tvbuff_t *tvb, uint32_t at)
{
    uint32_t captured = tvb_captured_length(tvb);

    while (at < captured) {
        unsigned header = MIN(captured - at, 5);
        uint32_t length;
        if (mqtt_frame(tvb_get_ptr(tvb, (int)at, (int)header), header, &length) != MQTT_FRAME_WHOLE)
            return true;
        at += length;
    }
    return at < tvb_reported_length(tvb);
}

/** Decides on a segment, first visit only, and takes its sequence numbers in. */
static struct segment judge_segment(struct stream_chunk *chunk, packet_info *pinfo, tvbuff_t *tvb,
                                    const struct tcpinfo *info)
{
    struct tcp_direction *direction = &chunk->stream->tcp[chunk->sender];
    uint32_t length = tvb_reported_length(tvb);
    bool is_truncated = tvb_captured_length(tvb) < length;
    uint32_t next_seq = info->nxtseq;
    uint32_t seq = next_seq - length;
    bool goes_on = info->is_reassembled || pinfo->num == direction->last_frame;
    bool is_missing_bytes = direction->seen && !goes_on && (int32_t)(seq - direction->next_seq) > 0;
    struct segment segment = {SEGMENT_FRAMED, 0};

    DISSECTOR_ASSERT(!PINFO_FD_VISITED(pinfo));
    if (is_truncated)
        track_loss(chunk->stream->connection);
    direction->tried = direction->tried && info->is_reassembled;
    if (is_missing_bytes || (direction->seen && !direction->framed))
        track_gap(chunk->stream->connection, stream_next_pdu_ref(pinfo));
    if (!direction->seen && stream_is_start(chunk->stream->analysis, seq)) {
        segment.skip = chunk->stream->tcp[1 - chunk->sender].seen ? 0 : foreign_proxy_header(tvb);
        segment.kind = segment.skip > 0 ? SEGMENT_PROXY : SEGMENT_FRAMED;
        direction->from_start = direction->framed = true;
        direction->begins_at = seq + segment.skip;
    } else if (!direction->seen) {
        if (stream_has_handshake(chunk->stream->analysis))
            track_gap(chunk->stream->connection, (struct track_pdu_ref){pinfo->num, 1});
        segment = search_segment(direction, chunk, tvb, info, seq);
    } else if (!goes_on && (int32_t)(next_seq - direction->next_seq) <= 0) {
        return (struct segment){SEGMENT_REPEATED, 0};
    } else {
        follow_rest(chunk, pinfo, seq, next_seq);
        segment = place_segment(direction, chunk, pinfo, tvb, info, seq, goes_on);
    }
    if (is_truncated && hides_packets(tvb, segment.skip))
        track_gap(chunk->stream->connection, stream_next_pdu_ref(pinfo));
    direction->seen = true;
    direction->tried = segment.kind == SEGMENT_TRIED;
    direction->next_seq = next_seq;
    direction->last_frame = pinfo->num;
    return segment;
}

/** A Client begins the stream with SSH. */
static bool is_ssh_client(const struct stream_chunk *chunk, tvbuff_t *tvb, const packet_info *pinfo)
{
    const struct tcp_analysis *analysis = chunk->stream->analysis;

    return stream_has_handshake(analysis) && analysis->server_port == pinfo->destport && foreign_is_ssh(tvb);
}

/** The segment is left to others: its stream begins with what is no MQTT, and the other end does not begin with a CONNECT. First
 *  visit only. */
static bool is_left(struct stream_chunk *chunk, tvbuff_t *tvb, const struct tcpinfo *info)
{
    struct stream *stream = chunk->stream;
    bool has_begun = stream->tcp[0].seen || stream->tcp[1].seen;

    if (has_begun && !stream->is_left)
        return false;
    bool is_start = stream_is_start(stream->analysis, info->nxtseq - tvb_reported_length(tvb));
    uint32_t captured = tvb_captured_length(tvb);
    if (stream->is_left && !stream->tcp[chunk->sender].seen && is_start)
        stream->is_left = mqtt_match_connect(tvb_get_ptr(tvb, 0, (int)captured), captured) == MQTT_CONNECT_NO;
    else if (!has_begun)
        stream->is_left = is_start ? foreign_is_stream(tvb)
                                   : !stream_has_handshake(stream->analysis) && foreign_is_stream_inside(tvb);
    if (stream->is_left)
        stream->tcp[chunk->sender].seen = true;
    return stream->is_left;
}

/** Where the decision on a segment is kept with its frame, which may have others. */
static uint32_t segment_key(tvbuff_t *tvb)
{
    return SEGMENT_KEY + (uint32_t)tvb_raw_offset(tvb);
}

/** The decision on a segment: made on the first visit, looked up on later ones. Only what is unusual is kept. */
static struct segment find_segment(struct stream_chunk *chunk, packet_info *pinfo, tvbuff_t *tvb,
                                   const struct tcpinfo *info)
{
    if (PINFO_FD_VISITED(pinfo)) {
        uint32_t kept =
            GPOINTER_TO_UINT(p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), segment_key(tvb)));
        if (kept == 0 && chunk->stream->is_left)
            return (struct segment){SEGMENT_LEFT, 0};
        return (struct segment){(enum segment_kind)(kept % SEGMENT_KINDS), kept / SEGMENT_KINDS};
    }
    if (info == NULL)
        return (struct segment){SEGMENT_FRAMED, 0};
    bool is_first = !chunk->stream->tcp[0].seen && !chunk->stream->tcp[1].seen;
    struct segment segment = {SEGMENT_LEFT, 0};
    if (!is_left(chunk, tvb, info))
        segment = judge_segment(chunk, pinfo, tvb, info);
    else if (is_first && is_ssh_client(chunk, tvb, pinfo))
        segment.kind = SEGMENT_SSH;
    else if (chunk->stream->tcp[1 - chunk->sender].seen)
        return segment;
    uint32_t kept = segment.skip * SEGMENT_KINDS + (uint32_t)segment.kind;
    if (kept != 0)
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), segment_key(tvb), GUINT_TO_POINTER(kept));
    return segment;
}

/** Shows a PROXY protocol header, by Wireshark's dissector for it too. */
static void dissect_proxy_header(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, uint32_t length)
{
    dissector_handle_t proxy = find_dissector("proxy");
    tvbuff_t *header = tvb_new_subset_length(tvb, 0, (int)length);

    if (proxy != NULL)
        call_dissector_only(proxy, header, pinfo, tree, NULL);
    show_proxy_header(header, pinfo, tree);
}

int dissect_over_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct stream_chunk chunk;

    stream_chunk_begin(&chunk, pinfo);
    if (chunk.stream->is_left && data == NULL)
        return 0;
    struct segment segment = find_segment(&chunk, pinfo, tvb, (const struct tcpinfo *)data);
    chunk.can_skip = chunk.has_places = data != NULL;
    chunk.next_seq = data != NULL ? ((const struct tcpinfo *)data)->nxtseq : 0;
    switch (segment.kind) {
    case SEGMENT_UNFRAMED:
        show_unframed(tvb, pinfo, tree);
        return (int)tvb_captured_length(tvb);
    case SEGMENT_REPEATED:
        show_repeated(tvb, pinfo, tree);
        return (int)tvb_captured_length(tvb);
    case SEGMENT_LEFT:
        return 0;
    case SEGMENT_SSH:
        show_foreign(tvb, pinfo, tree, foreign_name(pinfo->pool, tvb), false);
        return (int)tvb_captured_length(tvb);
    case SEGMENT_TRIED:
        pinfo->desegment_offset = 0;
        pinfo->desegment_len = DESEGMENT_ONE_MORE_SEGMENT;
        return (int)tvb_captured_length(tvb);
    case SEGMENT_PROXY:
        dissect_proxy_header(tvb, pinfo, tree, segment.skip);
        break;
    case SEGMENT_FILLED:
        chunk.is_tentative = true;
        break;
    case SEGMENT_FRAMED:
        break;
    }
    if (segment.skip < tvb_captured_length(tvb))
        framing_dissect(tvb, segment.skip, pinfo, tree, &chunk);
    return (int)tvb_captured_length(tvb);
}
