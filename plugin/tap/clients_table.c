/* clients_table.c - `mqttscope,clients`: a table with a row for each client, over all its connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Connections are of one client where they have the same name at the same broker. What a connection comes to is known when all
 * frames were read, so the rows are put together each time that the table is drawn.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "../compat.h"
#include "session_list.h"
#include "table.h"

#define TITLE "MQTT Clients"

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

static stat_tap_table_item fields[CLIENT_COLUMNS];
static char *padded_names[CLIENT_COLUMNS];
static char *padded_formats[CLIENT_COLUMNS];
static struct tap_columns columns = {column_list, CLIENT_COLUMNS, fields, padded_names, padded_formats};

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

static void complete_clients(void);

/* The table that is open, NULL while there is none. Wireshark keeps one for each kind of statistics. */
static stat_tap_table *open_clients;
static struct session_list connections = {.complete = complete_clients};
static GArray *clients; /* struct client_row, in the order of their first packets */

static const char *client_cell_text(unsigned index, unsigned column)
{
    char *const *texts = g_array_index(clients, struct client_row, index).latest->texts;

    switch (column) {
    case COLUMN_NAME:
        return texts[COLUMN_CLIENT];
    case COLUMN_LAST_END:
        return texts[COLUMN_END];
    case COLUMN_CLIENT_EVENTS:
        return g_array_index(clients, struct client_row, index).events_text;
    case COLUMN_CLIENT_ADDRESS:
        return texts[COLUMN_ADDRESS];
    default:
        return texts[COLUMN_BROKER];
    }
}

/** The row of a connection's client; made with its first connection. */
static struct client_row *find_client(GHashTable *by_name, const struct session_row *row)
{
    char *key = g_strconcat(row->texts[COLUMN_BROKER], " ", row->texts[COLUMN_CLIENT], NULL);
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

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < CLIENT_COLUMNS; column++) {
        cells[column].type = column_list[column].type;
        if (column_list[column].type == TABLE_ITEM_STRING)
            cells[column].value.string_value = client_cell_text(index, column);
    }
    cells[COLUMN_CONNECTIONS].value.uint_value = client->connections;
    cells[COLUMN_RECONNECTS].value.uint_value = client->connections - 1;
    cells[COLUMN_REFUSED].value.uint_value = client->refused;
    cells[COLUMN_CLIENT_PROBLEMS].value.uint_value = client->problems;
    cells[COLUMN_CONNECTED_S].value.float_value = client->connected_s;
    cells[COLUMN_CLIENT_PUBLISHED].value.uint_value = client->published;
    cells[COLUMN_CLIENT_DELIVERED].value.uint_value = client->delivered;
    stat_tap_init_table_row(open_clients, index, CLIENT_COLUMNS, cells);
}

static void complete_clients(void)
{
    if (open_clients == NULL)
        return;
    GHashTable *by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_array_set_size(clients, 0);
    for (unsigned i = 0; i < connections.rows->len; i++) {
        const struct session_row *row = session_list_row(&connections, i);
        add_connection(find_client(by_name, row), row);
    }
    g_hash_table_destroy(by_name);
    tap_table_clear(open_clients);
    for (unsigned i = 0; i < clients->len; i++) {
        struct client_row *client = &g_array_index(clients, struct client_row, i);
        client->events_text = session_events_text(client->events);
    }
    for (unsigned i = 0; i < clients->len; i++)
        fill_client_cells(i);
    tap_columns_pad(&columns, clients->len, client_cell_text);
}

static tap_packet_status clients_table_on_packet(void *tapdata _U_, packet_info *pinfo, epan_dissect_t *edt _U_,
                                                 const void *queued, tap_flags_t flags _U_)
{
    if (open_clients == NULL)
        return TAP_PACKET_DONT_REDRAW;
    session_list_count(&connections, (const struct tap_record *)queued, pinfo);
    return TAP_PACKET_REDRAW;
}

static void begin_clients(void)
{
    session_list_begin(&connections);
    g_clear_pointer(&clients, g_array_unref);
    clients = g_array_new(FALSE, TRUE, sizeof(struct client_row));
    g_array_set_clear_func(clients, clear_client);
    tap_columns_reset(&columns);
}

/** Opens the table; where one is open already, empties it. */
static void clients_table_on_init(stat_tap_table_ui *statistics)
{
    stat_tap_table *table = stat_tap_find_table(statistics, TITLE);

    if (table != NULL) {
        statistics->stat_tap_reset_table_cb(table);
        return;
    }
    begin_clients();
    open_clients = stat_tap_init_table(TITLE, CLIENT_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_clients);
}

static void clients_table_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    begin_clients();
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void clients_table_on_free_cell(stat_tap_table *table, unsigned row, unsigned column,
                                       stat_tap_table_item_type *cell _U_)
{
    if (table != open_clients || row != 0 || column != 0)
        return;
    open_clients = NULL;
    session_list_end(&connections);
    g_clear_pointer(&clients, g_array_unref);
    tap_columns_reset(&columns);
}

void tap_register_clients_table(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = COMPAT_TABLE_MENU "Clients",
        .tap_name = TAP_NAME,
        .cli_string = TAP_NAME ",clients",
        .stat_tap_init_cb = clients_table_on_init,
        .packet_func = clients_table_on_packet,
        .stat_tap_reset_table_cb = clients_table_on_reset,
        .stat_tap_free_table_item_cb = clients_table_on_free_cell,
        .nfields = CLIENT_COLUMNS,
        .fields = fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    tap_columns_reset(&columns);
    register_stat_tap_table_ui(&statistics);
}
