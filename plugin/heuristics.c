/* heuristics.c - recognises MQTT on ports that nobody named.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>

#include "compat.h"
#include "mqttscope.h"
#include "wire/midstream.h"

/** So many conversations are looked at for what speaks for MQTT in their middle. */
enum { MIDSTREAM_MAX = 65536, BYTES_OF_ENTRY = 64 };

static dissector_handle_t tcp_handle;
static dissector_handle_t tls_handle;
static wmem_map_t *midstreams; /* conversation to struct mqtt_midstream in a pointer; file scope */

/** Whether it is the first data of a Client: a CONNECT. */
static enum mqtt_connect_match match_connect(tvbuff_t *tvb)
{
    uint32_t captured = tvb_captured_length(tvb);
    return mqtt_match_connect(tvb_get_ptr(tvb, 0, (int)captured), captured);
}

static bool is_connect(tvbuff_t *tvb)
{
    return match_connect(tvb) == MQTT_CONNECT_YES;
}

/** Some Clients send the first bytes of their CONNECT by themselves. Asks for more where a stream begins with what may become
 *  one; false where it does not, or nothing is put together. */
static bool await_connect(tvbuff_t *tvb, packet_info *pinfo, const struct tcpinfo *info)
{
    uint32_t length = tvb_reported_length(tvb);

    if (!pinfo->can_desegment || info == NULL || tvb_captured_length(tvb) < length ||
        match_connect(tvb) != MQTT_CONNECT_BEGUN ||
        !stream_is_start(get_tcp_conversation_data(NULL, pinfo), info->nxtseq - length))
        return false;
    pinfo->desegment_offset = 0;
    pinfo->desegment_len = DESEGMENT_ONE_MORE_SEGMENT;
    return true;
}

enum mqtt_connect_match heuristics_match_connect(tvbuff_t *tvb, packet_info *pinfo, const void *data)
{
    if (is_connect(tvb))
        return MQTT_CONNECT_YES;
    return await_connect(tvb, pinfo, (const struct tcpinfo *)data) ? MQTT_CONNECT_BEGUN : MQTT_CONNECT_NO;
}

/** The conversation is MQTT's from this frame on: those before it were left to others, and are on later visits. */
static void take_conversation(packet_info *pinfo)
{
    conversation_set_dissector_from_frame_number(find_or_create_conversation(pinfo), pinfo->num, tcp_handle);
}

static ws_bool recognise_over_tcp(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (!mqttscope_is_enabled())
        return false;
    enum mqtt_connect_match match = heuristics_match_connect(tvb, pinfo, data);

    if (match != MQTT_CONNECT_YES)
        return match == MQTT_CONNECT_BEGUN;
    take_conversation(pinfo);
    dissect_over_tcp(tvb, pinfo, tree, data);
    return true;
}

static ws_bool recognise_over_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    if (!mqttscope_is_enabled() || !is_connect(tvb))
        return false;
    if (dissect_records(tvb, pinfo, tree) == 0)
        return false;
    tls_set_appdata_dissector(find_dissector("tls"), pinfo, tls_handle);
    return true;
}

/** A WebSocket whose handshake did not name a subprotocol: each message has to be recognised by itself or belong to a
 *  stream that was. */
static ws_bool recognise_over_websocket(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (!mqttscope_is_enabled())
        return false;
    conversation_t *conversation = find_or_create_conversation(pinfo);
    const struct stream *stream = (const struct stream *)conversation_get_proto_data(conversation, mqttscope_proto());
    bool known = stream != NULL && stream->websocket != NULL && pinfo->num >= stream->websocket->begun_in;

    if (!known && !is_connect(tvb))
        return false;
    dissect_over_websocket(tvb, pinfo, tree, data);
    return true;
}

/** Takes a segment into what is known of its conversation. True where that is MQTT. Where it cannot be kept, the segment counts
 *  by itself. */
static bool add_to_midstream(tvbuff_t *tvb, packet_info *pinfo)
{
    const struct tcp_analysis *tcp = get_tcp_conversation_data(NULL, pinfo);
    const conversation_t *conversation = find_or_create_conversation(pinfo);
    uint32_t captured = tvb_captured_length(tvb);
    bool is_whole = captured == tvb_reported_length(tvb);
    unsigned kept = GPOINTER_TO_UINT(wmem_map_lookup(midstreams, conversation));
    struct mqtt_midstream midstream = {.packets = (uint8_t)kept, .client = (uint8_t)(kept >> 8)};
    bool is_mqtt = mqtt_midstream_add(&midstream, tcp != NULL && tcp->fwd == &tcp->flow2,
                                      tvb_get_ptr(tvb, 0, (int)captured), is_whole ? captured : 0);
    unsigned now = midstream.packets | (unsigned)midstream.client << 8;

    if (now != kept && (wmem_map_contains(midstreams, conversation) ||
                        (wmem_map_size(midstreams) < MIDSTREAM_MAX && stream_charge(BYTES_OF_ENTRY))))
        wmem_map_insert(midstreams, conversation, GUINT_TO_POINTER(now));
    return is_mqtt;
}

/** Whole packets that fill one segment after the other, whatever they are: too weak to be on unless the user says so. What comes
 *  before there are enough is left to others, so that on later visits nothing is to be decided. */
static ws_bool recognise_midstream(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    if (!mqttscope_is_enabled() || PINFO_FD_VISITED(pinfo) || tvb_captured_length(tvb) == 0 ||
        !add_to_midstream(tvb, pinfo))
        return false;
    take_conversation(pinfo);
    dissect_over_tcp(tvb, pinfo, tree, data);
    return true;
}

void heuristics_register(int mqtt, dissector_handle_t tcp, dissector_handle_t tls)
{
    tcp_handle = tcp;
    tls_handle = tls;
    midstreams = wmem_map_new_autoreset(wmem_epan_scope(), wmem_file_scope(), g_direct_hash, g_direct_equal);
    heur_dissector_add("tcp", recognise_over_tcp, "MQTT over TCP, from its CONNECT", "mqttscope_tcp", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("tls", recognise_over_tls, "MQTT over TLS, from its CONNECT", "mqttscope_tls", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("ws", recognise_over_websocket, "MQTT over WebSocket, from its CONNECT", "mqttscope_ws", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("tcp", recognise_midstream, "MQTT over TCP, from packets in the middle of a connection",
                       "mqttscope_tcp_midstream", mqtt, HEURISTIC_DISABLE);
}
