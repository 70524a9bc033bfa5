/* takeover.c - puts the plugin wherever MQTT travels, and takes over from Wireshark's own dissector.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Users reach MQTT in many ways: a port, the port preference of the built-in dissector, Decode As, an ALPN. All of these
 * end as entries of dissector tables that point to the built-in's handle. Before each file is read, and after each change
 * of a preference, such entries are pointed to us; when our protocol is switched off, those we took are given back. What
 * we took is recognised by its handle, which nothing else uses. Keys that the built-in does not have come and go in the same
 * way, so that Wireshark without us is Wireshark as it was.
 *
 * The protocol of a handle is what Wireshark shows as the frame's layer, and what switches the handle off. Ours belong to the
 * built-in's protocol, so that a frame is MQTT wherever Wireshark says what it is. Only the handles that Decode As lists by
 * our name belong to our protocol; their entries are pointed to the others as well.
 */
#include <epan/packet.h>

#include "mqttscope.h"

/** A table that may hold entries of the built-in, and what serves them in our place. */
struct adopted_table {
    const char *name;
    bool has_string_keys;
    bool is_listed;            /**< Decode As offers our protocol for this table */
    dissector_handle_t ours;   /**< used for adopted entries only */
    dissector_handle_t listed; /**< what Decode As offers; NULL unless `is_listed` */
};

enum { TCP_PORT = 0, TLS_PORT = 1 }; /* in the list below */

static struct adopted_table adopted_tables[] = {
    {"tcp.port", false, true, NULL, NULL}, {"tls.port", false, true, NULL, NULL},
    {"tls.alpn", true, false, NULL, NULL}, {"quic.proto", true, false, NULL, NULL},
    {"ws.port", false, false, NULL, NULL}, {"ws.protocol", true, false, NULL, NULL},
};

/** A key that leads to MQTT, added where nobody has it. */
struct own_key {
    const char *table;
    const char *key;
    dissector_handle_t handle; /**< used for these entries and Decode As only */
};

static struct own_key own_keys[] = {
    {"tls.alpn", "mqtt", NULL},        {"tls.alpn", "x-amzn-mqtt-ca", NULL}, {"ws.protocol", "mqtt", NULL},
    {"ws.protocol", "mqttv3.1", NULL}, {"quic.proto", "mqtt", NULL},
};

static dissector_handle_t builtin;

/** One run over a table: the entries that have one of these handles are to get `to`. */
struct move {
    const struct adopted_table *table;
    dissector_handle_t from[2];
    dissector_handle_t to;
};

static void move_entry(const char *table_name, ftenum_t type _U_, void *key, void *value, void *data)
{
    const struct move *move = (const struct move *)data;
    dissector_handle_t handle = dtbl_entry_get_handle((dtbl_entry_t *)value);

    if (handle == NULL || (handle != move->from[0] && handle != move->from[1]))
        return;
    if (move->table->has_string_keys)
        dissector_change_string(table_name, (const char *)key, move->to);
    else
        dissector_change_uint(table_name, GPOINTER_TO_UINT(key), move->to);
}

static void add_or_remove(const struct own_key *own, bool enabled)
{
    dissector_table_t table = find_dissector_table(own->table);
    if (table == NULL)
        return;
    dissector_handle_t present = dissector_get_string_handle(table, own->key);

    if (enabled && present == NULL)
        dissector_add_string(own->table, own->key, own->handle);
    else if (!enabled && present == own->handle)
        dissector_delete_string(own->table, own->key, own->handle);
}

/** Runs before each file and after each change of preferences. */
static void adopt_or_give_back(void)
{
    bool enabled = mqttscope_is_enabled();

    stream_reset();
    beginnings_reset();
    websocket_upgrade_reset();
    policy_reset();
    payload_reset();
    for (unsigned i = 0; i < G_N_ELEMENTS(adopted_tables); i++) {
        const struct adopted_table *table = &adopted_tables[i];
        struct move move = {table, {enabled ? builtin : table->ours, table->listed}, enabled ? table->ours : builtin};
        if (builtin != NULL && find_dissector_table(table->name) != NULL)
            dissector_table_foreach(table->name, move_entry, &move);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(own_keys); i++)
        add_or_remove(&own_keys[i], enabled);
    connection_end_adopt(enabled, adopted_tables[TCP_PORT].ours);
    plain_port_adopt(enabled, adopted_tables[TLS_PORT].ours);
}

/** The dissector for what a table's transport carries. */
static dissector_t dissector_for(const char *table)
{
    if (strcmp(table, "tcp.port") == 0)
        return dissect_over_tcp;
    if (strcmp(table, "ws.port") == 0 || strcmp(table, "ws.protocol") == 0)
        return dissect_over_websocket;
    return dissect_over_tls;
}

void takeover_register(void)
{
    int mqtt = proto_get_id_by_filter_name("mqtt");
    dissector_handle_t tcp = create_dissector_handle(dissect_over_tcp, mqtt);
    dissector_handle_t tls = create_dissector_handle(dissect_over_tls, mqtt);
    dissector_handle_t websocket = create_dissector_handle(dissect_over_websocket, mqtt);

    builtin = find_dissector("mqtt");
    for (unsigned i = 0; i < G_N_ELEMENTS(adopted_tables); i++) {
        struct adopted_table *table = &adopted_tables[i];
        dissector_t dissector = dissector_for(table->name);
        table->ours = create_dissector_handle(dissector, mqtt);
        if (!table->is_listed)
            continue;
        table->listed = create_dissector_handle(dissector, mqttscope_proto());
        dissector_add_for_decode_as(table->name, table->listed);
    }
    for (unsigned i = 0; i < G_N_ELEMENTS(own_keys); i++)
        own_keys[i].handle = strcmp(own_keys[i].table, "ws.protocol") == 0 ? websocket : tls;
    heuristics_register(mqtt, tcp, tls);
    connection_end_register();
    plain_port_register(tcp);
    register_init_routine(adopt_or_give_back);
}
