/* clients_table.c - `mqttscope,clients`: a table with a row for each client, over all its connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Connections are of one client where they have the same name at the same broker. What a connection comes to is known when all
 * frames were read, so the rows are put together each time that the table is drawn.
 */
#include <string.h>

#include <epan/packet.h>

#include "../compat.h"
#include "session_list.h"
#include "table.h"

enum client_column {
    COLUMN_NAME,
    COLUMN_LAST_END,
    COLUMN_CONNECTIONS,
    COLUMN_RECONNECTS,
    COLUMN_REFUSED,
    COLUMN_CLIENT_PROBLEMS,
    COLUMN_CLIENT_EVENTS,
    COLUMN_CONNECTED_S,
    COLUMN_CLIENT_PUBLISHED,
    COLUMN_CLIENT_DELIVERED,
    COLUMN_CLIENT_ADDRESS,
    COLUMN_CLIENT_BROKER,
    CLIENT_COLUMNS,
};

static const struct tap_column column_list[CLIENT_COLUMNS] = {
    [COLUMN_NAME] = {"Client", TABLE_ITEM_STRING},
    [COLUMN_LAST_END] = {"Last end", TABLE_ITEM_STRING},
    [COLUMN_CONNECTIONS] = {"Connections", TABLE_ITEM_UINT},
    [COLUMN_RECONNECTS] = {"Reconnects", TABLE_ITEM_UINT},
    [COLUMN_REFUSED] = {"Refused", TABLE_ITEM_UINT},
    [COLUMN_CLIENT_PROBLEMS] = {"Problems", TABLE_ITEM_UINT},
    [COLUMN_CLIENT_EVENTS] = {"Events", TABLE_ITEM_STRING},
    [COLUMN_CONNECTED_S] = {"Connected (s)", TABLE_ITEM_FLOAT},
    [COLUMN_CLIENT_PUBLISHED] = {"Published", TABLE_ITEM_UINT},
    [COLUMN_CLIENT_DELIVERED] = {"Delivered", TABLE_ITEM_UINT},
    [COLUMN_CLIENT_ADDRESS] = {"Last address", TABLE_ITEM_STRING},
    [COLUMN_CLIENT_BROKER] = {"Broker", TABLE_ITEM_STRING},
};

/** A client: the sums over its connections. The other texts are those of the rows of its connections. */
struct client_row {
    const struct session_row *latest;
    uint32_t connections;
    uint32_t refused;
    uint32_t problems;
    uint32_t published;
    uint32_t delivered;
    double connected_s;
    unsigned events[TRACK_EVENT_KINDS];
    char *events_text;
};

static void clear_client(void *client)
{
    g_free(((struct client_row *)client)->events_text);
}

static void fill_clients(void);

static struct session_list connections = {.complete = fill_clients};
static GArray *clients; /* struct client_row, in the order of their first packets; NULL while no table is open */

static struct tap_table clients_table;

static const char *client_cell_text(unsigned index, unsigned column)
{
    const struct session_row *latest = g_array_index(clients, struct client_row, index).latest;

    switch (column) {
    case COLUMN_NAME:
        return session_row_text(latest, COLUMN_CLIENT);
    case COLUMN_LAST_END:
        return session_row_text(latest, COLUMN_END);
    case COLUMN_CLIENT_EVENTS:
        return g_array_index(clients, struct client_row, index).events_text;
    case COLUMN_CLIENT_ADDRESS:
        return session_row_text(latest, COLUMN_ADDRESS);
    default:
        return session_row_text(latest, COLUMN_BROKER);
    }
}

/** The row of a connection's client; made with its first connection. */
static struct client_row *find_client(GHashTable *by_name, const struct session_row *row)
{
    char *key = g_strconcat(session_row_text(row, COLUMN_BROKER), " ", session_row_text(row, COLUMN_CLIENT), NULL);
    unsigned found = GPOINTER_TO_UINT(g_hash_table_lookup(by_name, key));

    if (found != 0) {
        g_free(key);
        return &g_array_index(clients, struct client_row, found - 1);
    }
    g_array_set_size(clients, clients->len + 1);
    g_hash_table_insert(by_name, key, GUINT_TO_POINTER(clients->len));
    return &g_array_index(clients, struct client_row, clients->len - 1);
}

static void add_connection(struct client_row *client, const struct session_row *row)
{
    client->latest = row;
    client->connections++;
    client->refused += row->is_refused;
    client->problems += row->problems;
    client->published += session_row_publishes(row, false);
    client->delivered += session_row_publishes(row, true);
    client->connected_s += row->end_s - row->start_s;
    for (unsigned kind = 0; kind < TRACK_EVENT_KINDS; kind++)
        client->events[kind] += row->events[kind];
}

static void fill_client_cells(unsigned index)
{
    const struct client_row *client = &g_array_index(clients, struct client_row, index);
    stat_tap_table_item_type cells[CLIENT_COLUMNS];

    tap_table_begin_cells(&clients_table, index, cells);
    cells[COLUMN_CONNECTIONS].value.uint_value = client->connections;
    cells[COLUMN_RECONNECTS].value.uint_value = client->connections - 1;
    cells[COLUMN_REFUSED].value.uint_value = client->refused;
    cells[COLUMN_CLIENT_PROBLEMS].value.uint_value = client->problems;
    cells[COLUMN_CONNECTED_S].value.float_value = client->connected_s;
    cells[COLUMN_CLIENT_PUBLISHED].value.uint_value = client->published;
    cells[COLUMN_CLIENT_DELIVERED].value.uint_value = client->delivered;
    tap_table_set_cells(&clients_table, index, cells);
}

static void fill_clients(void)
{
    GHashTable *by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_array_set_size(clients, 0);
    for (unsigned i = 0; i < connections.rows->len; i++) {
        const struct session_row *row = session_list_row(&connections, i);
        add_connection(find_client(by_name, row), row);
    }
    g_hash_table_destroy(by_name);
    tap_table_clear(&clients_table);
    for (unsigned i = 0; i < clients->len; i++) {
        struct client_row *client = &g_array_index(clients, struct client_row, i);
        client->events_text = session_events_text(client->events);
    }
    for (unsigned i = 0; i < clients->len; i++)
        fill_client_cells(i);
    tap_table_pad(&clients_table, clients->len);
}

static void draw_clients(void)
{
    session_list_complete(&connections);
}

static bool add_to_clients(const struct tap_record *record, packet_info *pinfo)
{
    session_list_count(&connections, record, pinfo);
    return true;
}

static void begin_clients(void)
{
    session_list_begin(&connections);
    clients = g_array_new(FALSE, TRUE, sizeof(struct client_row));
    g_array_set_clear_func(clients, clear_client);
}

static void end_clients(void)
{
    session_list_end(&connections);
    g_clear_pointer(&clients, g_array_unref);
}

static struct tap_table clients_table = {
    .title = "MQTT Clients",
    .menu = COMPAT_TABLE_MENU "Clients",
    .command = TAP_NAME ",clients",
    .columns = column_list,
    .column_count = CLIENT_COLUMNS,
    .text = client_cell_text,
    .begin = begin_clients,
    .end = end_clients,
    .count = add_to_clients,
    .draw = draw_clients,
};

void tap_register_clients_table(int proto _U_)
{
    tap_table_register(&clients_table);
}
