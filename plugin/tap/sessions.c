/* sessions.c - `mqttscope,sessions`: a table with a row for each MQTT connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Wireshark draws such a table itself and says nothing before it does. But how a connection ended is known only when all
 * of its frames were read, and a FIN comes after the last MQTT packet. So a second listener of the tap is registered
 * with the first packet: listeners are drawn in the reverse order of their registration, and its turn to draw is the
 * time to complete the rows. The menus and a second pass need none of it, since they count a file that was read before.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "../compat.h"
#include "sessions.h"
#include "table.h"

#define TITLE "MQTT Sessions"

/** The columns, in the order of enum session_column. */
static const struct tap_column column_list[SESSION_COLUMNS] = {
    [COLUMN_NUMBER] = {"#", TABLE_ITEM_UINT},
    [COLUMN_STREAM] = {"Stream", TABLE_ITEM_STRING},
    [COLUMN_CLIENT] = {"Client", TABLE_ITEM_STRING},
    [COLUMN_ROLE] = {"Role", TABLE_ITEM_STRING},
    [COLUMN_BROKER] = {"Broker", TABLE_ITEM_STRING},
    [COLUMN_VERSION] = {"Version", TABLE_ITEM_STRING},
    [COLUMN_KEEP_ALIVE] = {"Keep Alive", TABLE_ITEM_STRING},
    [COLUMN_CLEAN_START] = {"Clean Start", TABLE_ITEM_STRING},
    [COLUMN_SESSION_PRESENT] = {"Session Present", TABLE_ITEM_STRING},
    [COLUMN_CONNACK] = {"CONNACK", TABLE_ITEM_STRING},
    [COLUMN_SUBSCRIPTIONS] = {"Subscriptions", TABLE_ITEM_STRING},
    [COLUMN_TO_BROKER] = {"To broker (QoS 0/1/2)", TABLE_ITEM_STRING},
    [COLUMN_TO_CLIENT] = {"To client (QoS 0/1/2)", TABLE_ITEM_STRING},
    [COLUMN_START] = {"Start", TABLE_ITEM_FLOAT},
    [COLUMN_DURATION] = {"Duration", TABLE_ITEM_FLOAT},
    [COLUMN_END] = {"End", TABLE_ITEM_STRING},
};

static stat_tap_table_item fields[SESSION_COLUMNS];
static char *padded_names[SESSION_COLUMNS];
static char *padded_formats[SESSION_COLUMNS];
static struct tap_columns columns = {column_list, SESSION_COLUMNS, fields, padded_names, padded_formats};

/* The table that is open. Wireshark keeps one for each kind of statistics. */
static struct {
    stat_tap_table *table; /* NULL while there is none */
    GPtrArray *rows;       /* struct session_row, in the order of the table */
    GHashTable *by_number; /* struct session_row by number + 1, while its file is open */
    GPtrArray *waiting;    /* likewise, of connections whose first packet has begun: they have no row yet */
    guint file_callback;   /* 0: not registered */
    bool has_completer;
} open_table;

/** The text of a cell. */
static const char *session_cell_text(unsigned row, unsigned column)
{
    return ((const struct session_row *)g_ptr_array_index(open_table.rows, row))->texts[column];
}

/** Copies a row's texts and numbers to its cells. */
static void fill_session_cells(unsigned index)
{
    const struct session_row *row = (const struct session_row *)g_ptr_array_index(open_table.rows, index);
    stat_tap_table_item_type cells[SESSION_COLUMNS];

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < SESSION_COLUMNS; column++) {
        cells[column].type = column_list[column].type;
        cells[column].value.string_value = row->texts[column];
    }
    cells[COLUMN_NUMBER].value.uint_value = row->number;
    cells[COLUMN_START].value.float_value = row->start_s;
    cells[COLUMN_DURATION].value.float_value = row->end_s - row->start_s;
    stat_tap_init_table_row(open_table.table, index, SESSION_COLUMNS, cells);
}

/** Where the row of a connection is in the table, plus 1; 0 while there is none. */
static unsigned find_session_row(uint32_t number)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(open_table.by_number, GUINT_TO_POINTER(number)));
}

static void add_session_row(struct session_row *row)
{
    g_ptr_array_add(open_table.rows, row);
    g_hash_table_insert(open_table.by_number, GUINT_TO_POINTER(row->number), GUINT_TO_POINTER(open_table.rows->len));
}

/** Connections whose first packet was not completed get their rows. */
static void add_waiting_rows(void)
{
    gsize count;
    gpointer *rows = g_ptr_array_steal(open_table.waiting, &count);

    for (gsize i = 0; i < count; i++) {
        struct session_row *row = (struct session_row *)rows[i];
        if (session_row_has_packets(row) || find_session_row(row->number) != 0)
            session_row_free(row);
        else
            add_session_row(row);
    }
    g_free(rows);
}

/** Brings all rows up to date. */
static void complete_rows(void)
{
    add_waiting_rows();
    for (unsigned i = 0; i < open_table.rows->len; i++) {
        session_row_summarise((struct session_row *)g_ptr_array_index(open_table.rows, i));
        fill_session_cells(i);
    }
}

static tap_packet_status ignore_packet(void *tapdata _U_, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                       const void *queued _U_, tap_flags_t flags _U_)
{
    return TAP_PACKET_DONT_REDRAW;
}

static void on_draw(void *tapdata _U_)
{
    if (open_table.table == NULL)
        return;
    complete_rows();
    tap_columns_pad(&columns, open_table.rows->len, session_cell_text);
}

static void add_completer(void)
{
    GString *error = register_tap_listener(TAP_NAME, &open_table, NULL, 0, NULL, ignore_packet, on_draw, NULL);

    if (error != NULL)
        g_string_free(error, TRUE);
    open_table.has_completer = error == NULL;
}

/** The file is about to be closed: what is known of its connections goes with it. */
static ws_bool on_file_closed(wmem_allocator_t *scope _U_, wmem_cb_event_t event _U_, void *data _U_)
{
    open_table.file_callback = 0;
    complete_rows();
    for (unsigned i = 0; i < open_table.rows->len; i++)
        ((struct session_row *)g_ptr_array_index(open_table.rows, i))->connection = NULL;
    g_hash_table_remove_all(open_table.by_number);
    return FALSE;
}

static void free_session_row(void *row)
{
    session_row_free((struct session_row *)row);
}

static void forget_rows(void)
{
    if (open_table.file_callback != 0)
        wmem_unregister_callback(wmem_file_scope(), open_table.file_callback);
    open_table.file_callback = 0;
    g_clear_pointer(&open_table.rows, g_ptr_array_unref);
    g_clear_pointer(&open_table.waiting, g_ptr_array_unref);
    g_clear_pointer(&open_table.by_number, g_hash_table_destroy);
}

static void begin_session_rows(void)
{
    forget_rows();
    open_table.rows = g_ptr_array_new_with_free_func(free_session_row);
    open_table.waiting = g_ptr_array_new_with_free_func(free_session_row);
    open_table.by_number = g_hash_table_new(g_direct_hash, g_direct_equal);
}

/** Makes the row of a record's connection, which is in the table from now on or, while its first packet has only begun,
 *  once all frames were read. */
static void begin_session_row(const struct tap_record *record, packet_info *pinfo)
{
    struct session_row *row = session_row_new(record, pinfo);

    if (!open_table.has_completer)
        add_completer();
    if (open_table.file_callback == 0)
        open_table.file_callback = wmem_register_callback(wmem_file_scope(), on_file_closed, NULL);
    if (record->subject == TAP_BEGINNING)
        g_ptr_array_add(open_table.waiting, row);
    else
        add_session_row(row);
}

static tap_packet_status sessions_on_packet(void *tapdata _U_, packet_info *pinfo, epan_dissect_t *edt _U_,
                                            const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;

    if (open_table.table == NULL)
        return TAP_PACKET_DONT_REDRAW;
    uint32_t number = record->facts.connection;
    if (find_session_row(number) == 0)
        begin_session_row(record, pinfo);
    unsigned found = find_session_row(number);
    if (found == 0)
        return TAP_PACKET_DONT_REDRAW;
    session_row_count((struct session_row *)g_ptr_array_index(open_table.rows, found - 1), record, pinfo);
    fill_session_cells(found - 1);
    return TAP_PACKET_REDRAW;
}

/** Opens the table; where one is open already, empties it. */
static void sessions_on_init(stat_tap_table_ui *statistics)
{
    stat_tap_table *table = stat_tap_find_table(statistics, TITLE);

    if (table != NULL) {
        statistics->stat_tap_reset_table_cb(table);
        return;
    }
    tap_columns_reset(&columns);
    begin_session_rows();
    open_table.table = stat_tap_init_table(TITLE, SESSION_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_table.table);
}

static void sessions_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    begin_session_rows();
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void sessions_on_free_cell(stat_tap_table *table, unsigned row, unsigned column,
                                  stat_tap_table_item_type *cell _U_)
{
    if (table != open_table.table || row != 0 || column != 0)
        return;
    if (open_table.has_completer)
        remove_tap_listener(&open_table);
    open_table.has_completer = false;
    open_table.table = NULL;
    forget_rows();
    tap_columns_reset(&columns);
}

void tap_register_sessions(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = TITLE,
        .tap_name = TAP_NAME,
        .cli_string = TAP_NAME ",sessions",
        .stat_tap_init_cb = sessions_on_init,
        .packet_func = sessions_on_packet,
        .stat_tap_reset_table_cb = sessions_on_reset,
        .stat_tap_free_table_item_cb = sessions_on_free_cell,
        .nfields = SESSION_COLUMNS,
        .fields = fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    tap_columns_reset(&columns);
    register_stat_tap_table_ui(&statistics);
}
