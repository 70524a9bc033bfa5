/* plain-port.c - plain MQTT on the ports where MQTT over TLS is expected.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clients and brokers are set up without TLS on port 8883, too. TLS takes whatever comes there and makes nothing of it. So on each
 * port whose TLS carries MQTT we come before it: what begins with a CONNECT is MQTT, and TLS has the rest. TLS hands nothing on
 * where it fails, so the alerts that say why are read here.
 */
#include <epan/conversation.h>
#include <epan/packet.h>

#include "mqttscope.h"
#include "wire/tls-record.h"

static dissector_handle_t tls;
static dissector_handle_t chooser; /* used for these entries only */
static dissector_handle_t mqtt;

/** Shows a segment by TLS, and where TLS fails in it, that. */
static int dissect_tls(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    unsigned captured = tvb_captured_length(tvb);
    bool has_alert = mqtt_find_fatal_alert(tvb_get_ptr(tvb, 0, (int)captured), captured) >= 0;
    int length = call_dissector_only(tls, tvb, pinfo, tree, data);
    struct stream_chunk chunk;

    if (has_alert) {
        stream_chunk_begin(&chunk, pinfo);
        dissect_alert(tvb, pinfo, tree, &chunk);
    }
    return length;
}

static int choose(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    /* What is called from here is no layer further from TCP than we are. */
    pinfo->can_desegment = pinfo->saved_can_desegment;
    switch (heuristics_match_connect(tvb, pinfo, data)) {
    case MQTT_CONNECT_YES:
        conversation_set_dissector_from_frame_number(find_or_create_conversation(pinfo), pinfo->num, mqtt);
        return call_dissector_only(mqtt, tvb, pinfo, tree, data);
    case MQTT_CONNECT_BEGUN:
        return (int)tvb_captured_length(tvb);
    case MQTT_CONNECT_NO:
        break;
    }
    return dissect_tls(tvb, pinfo, tree, data);
}

bool plain_port_is_adopted(dissector_handle_t handle)
{
    return handle == chooser;
}

/** Comes before TLS on a port that it has for MQTT. */
static void take_port(const char *table _U_, ftenum_t type _U_, void *key, void *value, void *data)
{
    const dissector_handle_t *over_tls = (const dissector_handle_t *)data;
    unsigned port = GPOINTER_TO_UINT(key);

    if (dtbl_entry_get_handle((dtbl_entry_t *)value) == *over_tls &&
        dissector_get_uint_handle(find_dissector_table("tcp.port"), port) == tls)
        dissector_add_uint("tcp.port", port, chooser);
}

static void give_port_back(const char *table _U_, ftenum_t type _U_, void *key, void *value _U_, void *data _U_)
{
    unsigned port = GPOINTER_TO_UINT(key);

    if (dissector_get_uint_handle(find_dissector_table("tcp.port"), port) == chooser)
        dissector_add_uint("tcp.port", port, tls);
}

void plain_port_adopt(bool enabled, dissector_handle_t over_tls)
{
    if (tls != NULL && find_dissector_table("tls.port") != NULL)
        dissector_table_foreach("tls.port", enabled ? take_port : give_port_back, &over_tls);
}

void plain_port_register(dissector_handle_t tcp)
{
    tls = find_dissector("tls");
    mqtt = tcp;
    chooser = create_dissector_handle_with_name_and_description(choose, -1, "mqttscope.plain", "MQTT or TLS");
}
