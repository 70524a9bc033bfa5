/* framing.c - finds the control packets in the streams of TCP, TLS and QUIC.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark's TCP puts segments together, but it does not say when bytes are missing: behind a gap, or where the capture
 * began in the middle of a connection, a segment may start anywhere in a packet. Reading on would turn payload into
 * packets that nobody sent. So each direction remembers whether the next byte is known to begin a packet; where it is
 * not, a segment is read only if whole plausible packets stand at its start.
 */
#include <string.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/proto_data.h>

#include "mqttscope.h"

/** What is to be done with the bytes of a segment. */
enum segment {
    SEGMENT_FRAMED, /**< read packets from the first byte on */
    SEGMENT_UNFRAMED,
    SEGMENT_REPEATED,
    SEGMENT_PROXY, /**< a PROXY protocol header stands before the first packet */
};

enum {
    SEGMENT_KEY = 0x40000000, /**< for what was decided about a segment; its raw offset is added */
    FIXED_HEADER_LEAST = 2,   /**< bytes without which no length can be told */
    PROXY_V1_LONGEST = 107,
    PROXY_V2_HEADER = 16,
    SYN_SEEN = 0x03, /**< completeness bits of Wireshark's TCP analysis: SYN, SYN + ACK */
};

unsigned framing_pdu_length(packet_info *pinfo, tvbuff_t *tvb, int offset, void *data)
{
    struct stretch *stretch = (struct stretch *)data;
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, offset);
    unsigned reported = (unsigned)tvb_reported_length_remaining(tvb, offset);
    unsigned header = MIN(captured, 5);
    bool can_wait = mqttscope_reassembles() && pinfo->can_desegment && captured == reported;
    uint32_t length = reported;
    enum mqtt_frame_state state = mqtt_frame(tvb_get_ptr(tvb, offset, (int)header), header, &length);

    if (state == MQTT_FRAME_UNFINISHED && can_wait)
        return 0;
    /* What is not put together leaves the next segment's beginning in the middle of a packet. */
    bool ends_here = state == MQTT_FRAME_WHOLE && length <= reported;
    if (!PINFO_FD_VISITED(pinfo) && !can_wait && !ends_here)
        stretch->stream->tcp[stretch->sender].framed = false;
    return MAX(length, FIXED_HEADER_LEAST);
}

/** True where nothing behind these bytes can be framed. */
static bool is_unframeable(tvbuff_t *tvb)
{
    uint32_t length;
    unsigned header = MIN(tvb_captured_length(tvb), 5);
    return mqtt_frame(tvb_get_ptr(tvb, 0, (int)header), header, &length) == MQTT_FRAME_UNREADABLE;
}

/** Dissects what tcp_dissect_pdus() cut out: a packet, or the rest of a segment that cannot be framed. */
static int dissect_framed(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct stretch *stretch = (struct stretch *)data;

    if (!is_unframeable(tvb))
        return dissect_control_packet(tvb, pinfo, tree, data);
    if (!PINFO_FD_VISITED(pinfo))
        stretch->stream->tcp[stretch->sender].framed = false;
    show_unframeable(tvb, pinfo, tree);
    return (int)tvb_captured_length(tvb);
}

/** Length of the PROXY protocol header (versions 1 and 2) that these bytes begin with, 0 if there is none. Load balancers
 *  put it before the first packet of a connection. */
static unsigned proxy_header_length(tvbuff_t *tvb)
{
    static const uint8_t v2_signature[] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};
    unsigned captured = tvb_captured_length(tvb);
    const char *bytes = (const char *)tvb_get_ptr(tvb, 0, (int)captured);

    if (captured >= 6 && memcmp(bytes, "PROXY ", 6) == 0) {
        const char *end = (const char *)memchr(bytes, '\n', MIN(captured, PROXY_V1_LONGEST));
        return end != NULL ? (unsigned)(end - bytes) + 1 : 0;
    }
    if (captured >= PROXY_V2_HEADER && memcmp(bytes, v2_signature, sizeof v2_signature) == 0) {
        unsigned length = PROXY_V2_HEADER + tvb_get_ntohs(tvb, 14);
        return length <= captured ? length : 0;
    }
    return 0;
}

/** Whole packets, or the beginning of a long PUBLISH, stand at the segment's start. */
static bool begins_with_packet(tvbuff_t *tvb, const struct stretch *stretch)
{
    uint32_t captured = tvb_captured_length(tvb);
    struct mqtt_run run = mqtt_read_run(tvb_get_ptr(tvb, 0, (int)captured), captured,
                                        mqtt_connection_version(stretch->stream->connection));
    return !run.broken && (run.packets > 0 || run.begun);
}

/** The first data of a direction: is it known to be the stream's first byte? Wireshark counts sequence numbers from the
 *  SYN unless it is told not to. */
static bool is_stream_start(packet_info *pinfo, uint32_t seq)
{
    conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    struct tcp_analysis *tcp = conversation != NULL ? get_tcp_conversation_data(conversation, pinfo) : NULL;

    return tcp != NULL && tcp->conversation_completeness & SYN_SEEN && (seq == 1 || seq == tcp->fwd->base_seq + 1);
}

/** Decides on a segment, first visit only, and takes its sequence numbers in. */
static enum segment judge_segment(struct stretch *stretch, packet_info *pinfo, tvbuff_t *tvb,
                                  const struct tcpinfo *info)
{
    struct tcp_direction *direction = &stretch->stream->tcp[stretch->sender];
    uint32_t seq = info->nxtseq - tvb_reported_length(tvb);
    bool is_first = !direction->seen;
    enum segment verdict = SEGMENT_FRAMED;

    if (is_first) {
        direction->framed = info->is_reassembled || is_stream_start(pinfo, seq);
        if (direction->framed && proxy_header_length(tvb) > 0)
            verdict = SEGMENT_PROXY;
    } else if (!info->is_reassembled && seq != direction->next_seq && pinfo->num != direction->last_frame) {
        if ((int32_t)(info->nxtseq - direction->next_seq) <= 0)
            return SEGMENT_REPEATED;
        direction->framed = false;
        mqtt_track_gap(stretch->stream->connection, (struct mqtt_place){pinfo->num, 1});
    }
    if (!direction->framed) {
        direction->framed = begins_with_packet(tvb, stretch);
        if (!direction->framed)
            verdict = SEGMENT_UNFRAMED;
    }
    direction->seen = true;
    direction->next_seq = info->nxtseq;
    direction->last_frame = pinfo->num;
    return verdict;
}

/** The decision on a segment: made on the first visit, looked up on later ones. Only what is unusual is kept. */
static enum segment find_segment(struct stretch *stretch, packet_info *pinfo, tvbuff_t *tvb, const struct tcpinfo *info)
{
    uint32_t key = SEGMENT_KEY + (uint32_t)tvb_raw_offset(tvb);

    if (PINFO_FD_VISITED(pinfo))
        return (enum segment)GPOINTER_TO_INT(p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key));
    if (info == NULL)
        return SEGMENT_FRAMED;
    enum segment verdict = judge_segment(stretch, pinfo, tvb, info);
    if (verdict != SEGMENT_FRAMED)
        p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), key, GINT_TO_POINTER(verdict));
    return verdict;
}

static void dissect_packets(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, struct stretch *stretch)
{
    tcp_dissect_pdus(tvb, pinfo, tree, mqttscope_reassembles(), FIXED_HEADER_LEAST, framing_pdu_length, dissect_framed,
                     stretch);
}

/** Shows a PROXY protocol header by Wireshark's dissector for it; returns the packets behind it. */
static tvbuff_t *dissect_proxy_header(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree)
{
    unsigned length = proxy_header_length(tvb);
    dissector_handle_t proxy = find_dissector("proxy");

    if (proxy != NULL)
        call_dissector_only(proxy, tvb_new_subset_length(tvb, 0, (int)length), pinfo, tree, NULL);
    return tvb_new_subset_remaining(tvb, (int)length);
}

int dissect_over_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    struct stretch stretch;
    tvbuff_t *packets = tvb;

    stretch_begin(&stretch, pinfo);
    switch (find_segment(&stretch, pinfo, tvb, (const struct tcpinfo *)data)) {
    case SEGMENT_UNFRAMED:
        show_unframed(tvb, pinfo, tree);
        return (int)tvb_captured_length(tvb);
    case SEGMENT_REPEATED:
        show_repeated(tvb, pinfo, tree);
        return (int)tvb_captured_length(tvb);
    case SEGMENT_PROXY:
        packets = dissect_proxy_header(tvb, pinfo, tree);
        break;
    case SEGMENT_FRAMED:
        break;
    }
    if (tvb_reported_length(packets) > 0)
        dissect_packets(packets, pinfo, tree, &stretch);
    return (int)tvb_captured_length(tvb);
}

int dissect_over_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    struct stretch stretch;

    stretch_begin(&stretch, pinfo);
    dissect_packets(tvb, pinfo, tree, &stretch);
    return (int)tvb_captured_length(tvb);
}
