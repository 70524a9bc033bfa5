/* heuristics.c - recognises MQTT on ports that nobody named.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>

#include "compat.h"
#include "mqttscope.h"

/** A segment in the middle of a connection has to hold this many plausible packets, and nothing else. */
enum { MIDSTREAM_PACKETS = 3 };

static dissector_handle_t tcp_handle;
static dissector_handle_t tls_handle;

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

/** Several whole packets that fill the segment, whatever they are: too weak to be on unless the user says so. */
static ws_bool recognise_midstream(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    uint32_t captured = tvb_captured_length(tvb);
    if (!mqttscope_is_enabled() || captured == 0 || captured < tvb_reported_length(tvb))
        return false;
    struct mqtt_run run = mqtt_read_run(tvb_get_ptr(tvb, 0, (int)captured), captured, MQTT_VERSION_UNKNOWN);

    if (run.packets < MIDSTREAM_PACKETS || run.length < captured)
        return false;
    take_conversation(pinfo);
    dissect_over_tcp(tvb, pinfo, tree, data);
    return true;
}

void heuristics_register(int mqtt, dissector_handle_t tcp, dissector_handle_t tls)
{
    tcp_handle = tcp;
    tls_handle = tls;
    heur_dissector_add("tcp", recognise_over_tcp, "MQTT over TCP, from its CONNECT", "mqttscope_tcp", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("tls", recognise_over_tls, "MQTT over TLS, from its CONNECT", "mqttscope_tls", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("ws", recognise_over_websocket, "MQTT over WebSocket, from its CONNECT", "mqttscope_ws", mqtt,
                       HEURISTIC_ENABLE);
    heur_dissector_add("tcp", recognise_midstream, "MQTT over TCP, from packets in the middle of a connection",
                       "mqttscope_tcp_midstream", mqtt, HEURISTIC_DISABLE);
}
