/* packets_tree.c - `mqttscope_packets,tree`: what kinds of packets travel which way.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All names in this tree come from tables of ours, so it is bounded by itself.
 */
#include <epan/stats_tree.h>

#include "../compat.h"
#include "tap.h"

static const char *const direction_names[] = {
    [TAP_TO_BROKER] = "client to broker",
    [TAP_TO_CLIENT] = "broker to client",
    [TAP_DIRECTION_UNKNOWN] = "direction unknown",
};

static int root_id;

static void packets_on_init(stats_tree *tree)
{
    root_id = stats_tree_create_node(tree, "MQTT packets", 0, STAT_DT_INT, TRUE);
}

static void tick_code(stats_tree *tree, int parent, const struct mqtt_packet *packet, uint8_t code)
{
    const char *name = mqtt_reason_name(packet->version, packet->type, code);
    char text[80];

    snprintf(text, sizeof text, "0x%02x %s", code, name != NULL ? name : "(unknown)");
    tick_stat_node(tree, text, parent, FALSE);
}

/** A packet of MQTT 5.0 that may leave a Reason Code of 0x00 out (sections 3.4 to 3.7, 3.14 and 3.15). */
static bool has_silent_code(const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
    case MQTT_TYPE_DISCONNECT:
    case MQTT_TYPE_AUTH:
        return packet->version == MQTT_V50;
    default:
        return false;
    }
}

static void tick_codes(stats_tree *tree, int parent, const struct mqtt_packet *packet)
{
    if (packet->reason_at != 0) {
        tick_code(tree, parent, packet, packet->reason);
    } else if (has_silent_code(packet) && packet->fault.kind == MQTT_FAULT_NONE) {
        tick_code(tree, parent, packet, 0);
    } else if (packet->type == MQTT_TYPE_SUBACK || packet->type == MQTT_TYPE_UNSUBACK) {
        struct mqtt_span codes = packet->list;
        for (uint32_t at = codes.at; at < codes.at + codes.length && at < packet->captured; at++)
            tick_code(tree, parent, packet, packet->bytes[at]);
    }
}

static void tick_publish(stats_tree *tree, int parent, const struct mqtt_publish *publish)
{
    static const char *const qos_names[] = {"QoS 0", "QoS 1", "QoS 2", "QoS 3 (invalid)"};

    tick_stat_node(tree, qos_names[publish->qos & 3], parent, FALSE);
    if (publish->dup)
        tick_stat_node(tree, "DUP", parent, FALSE);
    if (publish->retain)
        tick_stat_node(tree, "RETAIN", parent, FALSE);
}

static tap_packet_status packets_on_packet(stats_tree *tree, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                           const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;
    const struct mqtt_packet *packet = &record->packet;
    const char *type = mqtt_packet_type_name(packet->type);

    if (record->subject != TAP_PACKET)
        return TAP_PACKET_DONT_REDRAW;
    int type_id = increase_stat_node(tree, type, root_id, TRUE, 0);
    stats_tree_tick_pivot(tree, root_id, type);
    int direction_id = tick_stat_node(tree, direction_names[tap_direction_of(record)], type_id, TRUE);
    if (packet->type == MQTT_TYPE_PUBLISH)
        tick_publish(tree, direction_id, &packet->publish);
    else
        tick_codes(tree, direction_id, packet);
    if (mqtt_is_malformed(packet))
        tick_stat_node(tree, "malformed", direction_id, FALSE);
    return TAP_PACKET_REDRAW;
}

void tap_register_packets_tree(int proto _U_)
{
    stats_tree_register_plugin(TAP_NAME, "mqttscope_packets", "MQTT" COMPAT_SUBMENU "Packets", 0, packets_on_packet,
                               packets_on_init, NULL);
}
