/* connection-end.c - reaches the frames in which a TCP connection is closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A FIN or RST without data never comes to those whom TCP hands its data to, and a post-dissector, which is called for every
 * frame, costs six times as much. So TCP is wrapped: where the network layer looks TCP up, it finds a handle that calls TCP
 * and then looks at the flags. The handle has no protocol, so that it adds no layer and cannot be switched off; where
 * somebody else was put in TCP's place, or our protocol is disabled, it is not there.
 */
#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/packet.h>
#include <epan/proto_data.h>

#include "mqttscope.h"

/** What is told on a frame that closes a connection. File scope. */
struct kept_closing {
    struct stream *stream;
    struct track_closing closing;
    unsigned unfinished_count;
    struct track_unfinished unfinished[2];
};

enum { IP_PROTO_TCP = 6, CLOSING_KEY = 0x50000000, FLAG_FIN = 0x01, FLAG_RST = 0x04, LEAST_HEADER = 20 };

static dissector_handle_t tcp;
static dissector_handle_t wrapper;
static dissector_handle_t mqtt_over_tcp; /* of the ports that are MQTT's */

static bool is_mqtt_port(unsigned port)
{
    dissector_handle_t handle = dissector_get_uint_handle(find_dissector_table("tcp.port"), port);

    return handle != NULL && (handle == mqtt_over_tcp || plain_port_is_adopted(handle));
}

/** The segment, with its RST, is the answer to a SYN on a port for MQTT. Where nobody listens, its sequence number is 0 (RFC 9293
 *  section 3.10.7.1); that of a connection that was open is not. */
static bool is_refusal(tvbuff_t *segment, packet_info *pinfo)
{
    enum { SYN_SEEN = 0x01, SYN_ACK_SEEN = 0x02, DATA_SEEN = 0x08, FIN_SEEN = 0x10, SEQUENCE_AT = 4 };
    const struct tcp_analysis *analysis = get_tcp_conversation_data(NULL, pinfo);
    unsigned seen = analysis != NULL ? analysis->conversation_completeness : 0;

    return (seen & (SYN_SEEN | SYN_ACK_SEEN | DATA_SEEN | FIN_SEEN)) == SYN_SEEN &&
           tvb_get_ntohl(segment, SEQUENCE_AT) == 0 && analysis->server_port == pinfo->srcport &&
           pinfo->srcport != pinfo->destport && is_mqtt_port(pinfo->srcport);
}

/** The stream that a frame closes. One whose Server left out the subprotocol may have been given up before anybody knew it for
 *  MQTT's, and one that is refused has none of it. NULL where it is none. */
static struct stream *find_closed(packet_info *pinfo, const struct websocket_upgrade *upgrade, bool is_refused)
{
    const conversation_t *conversation = find_conversation_pinfo(pinfo, 0);
    struct stream *stream =
        conversation != NULL ? (struct stream *)conversation_get_proto_data(conversation, mqttscope_proto()) : NULL;
    struct stream_chunk chunk;

    bool is_wanted = is_refused || (upgrade != NULL && websocket_upgrade_lacks_choice(upgrade, false));
    if (stream != NULL || !is_wanted)
        return stream;
    stream_chunk_begin(&chunk, pinfo);
    return chunk.stream;
}

/** What the layers between TCP and MQTT send at most before they close: the close frame of a WebSocket without a reason, an
 *  alert of TLS. */
static uint8_t goodbye_of(const struct stream *stream)
{
    enum { CLOSE_FRAME = 8, ALERT = 31 };

    return stream->websocket != NULL ? CLOSE_FRAME : stream->has_records ? ALERT : 0;
}

/** Takes a close in, first visit only; what is to be reported of it is kept. NULL for nothing. */
static const struct kept_closing *take_closing(tvbuff_t *segment, packet_info *pinfo, bool is_reset)
{
    const struct websocket_upgrade *upgrade = websocket_upgrade_of(pinfo);
    bool is_refused = is_reset && is_refusal(segment, pinfo);
    struct stream *stream = find_closed(pinfo, upgrade, is_refused);
    struct track_arrival arrival;
    struct track_facts facts;

    if (stream == NULL)
        return NULL;
    bool has_mqtt = track_connection_has_packets(stream->connection);
    struct kept_closing closing = {
        .stream = stream,
        .closing =
            {
                .is_closed = true,
                .is_reset = is_reset,
                .is_refusal = is_refused && !has_mqtt,
                .by = (uint8_t)stream_sender(stream, pinfo),
                .goodbye = goodbye_of(stream),
                .lacks_subprotocol = upgrade != NULL && websocket_upgrade_lacks_choice(upgrade, has_mqtt),
            },
    };
    stream_arrival(stream, pinfo, &arrival);
    closing.unfinished_count = track_close(stream->connection, &closing.closing, &arrival, stream_next_pdu_ref(pinfo),
                                           &facts, closing.unfinished);
    if (closing.unfinished_count == 0 && facts.anomaly_count == 0 && facts.event_count == 0)
        return NULL;
    struct kept_closing *kept = wmem_new(wmem_file_scope(), struct kept_closing);
    *kept = closing;
    p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), CLOSING_KEY, kept);
    return kept;
}

/** Looks at the flags of a segment that TCP has dissected. */
static void look_at_flags(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, unsigned flags)
{
    const struct kept_closing *kept;

    if (PINFO_FD_VISITED(pinfo))
        kept = (const struct kept_closing *)p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), CLOSING_KEY);
    else
        kept = take_closing(tvb, pinfo, flags & FLAG_RST);
    if (kept != NULL)
        dissect_closing(tvb, pinfo, tree, kept->stream, kept->closing.by, kept->unfinished, kept->unfinished_count);
}

/** The packet is still that of the segment: what TCP carried was no TCP of its own, and nothing was quoted by an error message. */
static bool is_of_segment(tvbuff_t *tvb, const packet_info *pinfo)
{
    return !pinfo->flags.in_error_pkt && pinfo->ptype == PT_TCP && pinfo->srcport == tvb_get_ntohs(tvb, 0) &&
           pinfo->destport == tvb_get_ntohs(tvb, 2);
}

static int dissect_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    stream_enter_segment(pinfo, tvb);
    int length = call_dissector_only(tcp, tvb, pinfo, tree, data);
    unsigned flags = length < LEAST_HEADER ? 0 : tvb_get_ntohs(tvb, 12);
    if (length >= LEAST_HEADER && !PINFO_FD_VISITED(pinfo))
        websocket_upgrade_look(pinfo, tvb, flags >> 12 << 2);
    stream_enter_segment(pinfo, NULL);
    if (length < LEAST_HEADER)
        return length;
    tls_offer_look(pinfo, tvb, flags >> 12 << 2);
    beginnings_show(tvb, pinfo, tree);
    if (flags & (FLAG_FIN | FLAG_RST) && is_of_segment(tvb, pinfo))
        look_at_flags(tvb, pinfo, tree, flags);
    return length;
}

void connection_end_adopt(bool enabled, dissector_handle_t over_tcp)
{
    dissector_table_t table = find_dissector_table("ip.proto");

    mqtt_over_tcp = over_tcp;
    if (table == NULL || tcp == NULL)
        return;
    dissector_handle_t present = dissector_get_uint_handle(table, IP_PROTO_TCP);
    if (enabled && present == tcp)
        dissector_add_uint("ip.proto", IP_PROTO_TCP, wrapper);
    else if (!enabled && present == wrapper)
        dissector_add_uint("ip.proto", IP_PROTO_TCP, tcp);
}

void connection_end_register(void)
{
    tcp = find_dissector("tcp");
    wrapper =
        create_dissector_handle_with_name_and_description(dissect_tcp, -1, "mqttscope.tcp", "TCP with MQTT Scope");
}
