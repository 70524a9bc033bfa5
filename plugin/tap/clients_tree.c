/* clients_tree.c - `mqttscope_clients,tree`: what each client sends and receives.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/stats_tree.h>

#include "../compat.h"
#include "bounded.h"
#include "tap.h"

enum {
    MAX_CLIENTS = 5000,
    MAX_NAME_CHARACTERS = 64,
};

#define FURTHER_NAME "(further clients, counted together)"
#define UNKNOWN_NAME "(client unknown)"

static const char *const direction_names[] = {
    [TAP_TO_BROKER] = "sent",
    [TAP_TO_CLIENT] = "received",
    [TAP_DIRECTION_UNKNOWN] = "sent or received",
};

static void clients_on_init(stats_tree *tree)
{
    bounded_begin(tree, "MQTT clients", MAX_CLIENTS);
}

static void tick_packet(stats_tree *tree, int client_id, const struct tap_record *record)
{
    static const char *const publish_names[] = {"PUBLISH QoS 0", "PUBLISH QoS 1", "PUBLISH QoS 2",
                                                "PUBLISH QoS 3 (invalid)"};
    const struct mqtt_packet *packet = &record->packet;

    int id = tick_stat_node(tree, direction_names[tap_direction_of(record)], client_id, TRUE);
    if (packet->type == MQTT_TYPE_PUBLISH)
        tick_stat_node(tree, publish_names[packet->publish.qos & 3], id, FALSE);
    else
        tick_stat_node(tree, mqtt_packet_type_name(packet->type), id, FALSE);
}

static tap_packet_status clients_on_packet(stats_tree *tree, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                           const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;

    if (record->subject != TAP_PACKET)
        return TAP_PACKET_DONT_REDRAW;
    struct bounded_tree *bounded = bounded_find(tree);
    const char *client = tap_client_of(record);
    char *name = tap_shorten(client != NULL ? client : UNKNOWN_NAME, MAX_NAME_CHARACTERS);

    if (bounded_child(bounded, bounded->root, name) < 0 && !bounded_has_room(bounded, 1)) {
        g_free(name);
        name = g_strdup(FURTHER_NAME);
    }
    int id = bounded_child(bounded, bounded->root, name);
    if (id < 0)
        id = bounded_make(bounded, bounded->root, name);
    stats_tree_tick_pivot(tree, bounded->root, name); /* the client, and the root with it */
    tick_packet(tree, id, record);
    g_free(name);
    return TAP_PACKET_REDRAW;
}

void tap_register_clients_tree(int proto _U_)
{
    stats_tree_register_plugin(TAP_NAME, "mqttscope_clients", "MQTT" COMPAT_SUBMENU "Clients", 0, clients_on_packet,
                               clients_on_init, bounded_end);
}
