/* dissect.c - one control packet from its bytes to what people see.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/packet.h>

#include <epan/proto_data.h>

#include "model/version.h"
#include "mqttscope.h"

/** Tracks the packet on its first visit and keeps what was noted about it; recalls it on later ones. */
static void find_facts(const struct stretch *stretch, packet_info *pinfo, struct mqtt_place place,
                       struct mqtt_packet *packet, tvbuff_t *tvb, struct mqtt_facts *facts)
{
    struct mqtt_connection *connection = stretch->stream->connection;
    uint32_t captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    uint32_t length = tvb_reported_length(tvb);

    if (!PINFO_FD_VISITED(pinfo)) {
        mqtt_read(packet, bytes, captured, length, mqtt_connection_version(connection));
        struct mqtt_note *note = mqtt_track(connection, stretch->sender, place, packet, facts);
        if (note != NULL)
            p_add_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), place.pdu, note);
        return;
    }
    const struct mqtt_note *note =
        (const struct mqtt_note *)p_get_proto_data(wmem_file_scope(), pinfo, mqttscope_proto(), place.pdu);
    mqtt_recall(connection, place, note, facts);
    mqtt_read(packet, bytes, captured, length, facts->version);
}

int dissect_control_packet(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data)
{
    const struct stretch *stretch = (const struct stretch *)data;
    struct mqtt_place place = {pinfo->num, stream_next_pdu(pinfo)};
    struct mqtt_packet packet;
    struct mqtt_facts facts;
    struct show_faults faults;
    struct show_context context = {tvb, pinfo, &packet, &facts};

    find_facts(stretch, pinfo, place, &packet, tvb, &facts);
    show_find_faults(&packet, &facts, stretch->in_websocket_text, &faults);
    show_info(&context);

    proto_tree *packet_tree = NULL;
    if (show_is_wanted(tree) || (tree != NULL && faults.count > 0))
        packet_tree = show_tree(&context, tree);
    show_faults(&context, packet_tree, &faults);
    if (packet.type == MQTT_TYPE_PUBLISH && packet.publish.payload.length > 0)
        payload_hand_over(&context, tree, packet_tree);
    return (int)tvb_captured_length(tvb);
}
