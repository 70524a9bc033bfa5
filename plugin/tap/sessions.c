/* sessions.c - `mqttscope,sessions`: a table with a row for each MQTT connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The columns are in the order in which a fault is read: who, how it ended, what was wrong, who exactly; then the settings, and
 * what was sent.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "../compat.h"
#include "session_list.h"
#include "table.h"

#define TITLE "MQTT Sessions"

/** The columns, in the order of enum session_column. */
static const struct tap_column column_list[SESSION_COLUMNS] = {
    [COLUMN_NUMBER] = {"#", TABLE_ITEM_UINT},
    [COLUMN_CLIENT] = {"Client", TABLE_ITEM_STRING},
    [COLUMN_END] = {"End", TABLE_ITEM_STRING},
    [COLUMN_PROBLEMS] = {"Problems", TABLE_ITEM_UINT},
    [COLUMN_EVENTS] = {"Events", TABLE_ITEM_STRING},
    [COLUMN_CONNACK] = {"CONNACK", TABLE_ITEM_STRING},
    [COLUMN_ROLE] = {"Role", TABLE_ITEM_STRING},
    [COLUMN_VERSION] = {"Version", TABLE_ITEM_STRING},
    [COLUMN_ADDRESS] = {"Address", TABLE_ITEM_STRING},
    [COLUMN_USER_NAME] = {"User Name", TABLE_ITEM_STRING},
    [COLUMN_BROKER] = {"Broker", TABLE_ITEM_STRING},
    [COLUMN_STREAM] = {"Stream", TABLE_ITEM_STRING},
    [COLUMN_START] = {"Start", TABLE_ITEM_FLOAT},
    [COLUMN_DURATION] = {"Duration", TABLE_ITEM_FLOAT},
    [COLUMN_KEEP_ALIVE] = {"Keep Alive", TABLE_ITEM_STRING},
    [COLUMN_CLEAN_START] = {"Clean Start", TABLE_ITEM_STRING},
    [COLUMN_SESSION_PRESENT] = {"Session Present", TABLE_ITEM_STRING},
    [COLUMN_SUBSCRIPTIONS] = {"Subscriptions", TABLE_ITEM_STRING},
    [COLUMN_PUBLISHED] = {"Published", TABLE_ITEM_UINT},
    [COLUMN_DELIVERED] = {"Delivered", TABLE_ITEM_UINT},
    [COLUMN_TO_BROKER] = {"To broker (QoS 0/1/2)", TABLE_ITEM_STRING},
    [COLUMN_TO_CLIENT] = {"To client (QoS 0/1/2)", TABLE_ITEM_STRING},
};

static stat_tap_table_item fields[SESSION_COLUMNS];
static char *padded_names[SESSION_COLUMNS];
static char *padded_formats[SESSION_COLUMNS];
static struct tap_columns columns = {column_list, SESSION_COLUMNS, fields, padded_names, padded_formats};

static void complete_sessions(void);

/* The table that is open, NULL while there is none. Wireshark keeps one for each kind of statistics. */
static stat_tap_table *open_sessions;
static struct session_list sessions = {.complete = complete_sessions};

/** The text of a cell. */
static const char *session_cell_text(unsigned row, unsigned column)
{
    return session_list_row(&sessions, row)->texts[column];
}

/** Copies a row's texts and numbers to its cells. */
static void fill_session_cells(unsigned index)
{
    const struct session_row *row = session_list_row(&sessions, index);
    stat_tap_table_item_type cells[SESSION_COLUMNS];

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < SESSION_COLUMNS; column++) {
        cells[column].type = column_list[column].type;
        cells[column].value.string_value = row->texts[column];
    }
    cells[COLUMN_NUMBER].value.uint_value = row->number;
    cells[COLUMN_PROBLEMS].value.uint_value = row->problems;
    cells[COLUMN_PUBLISHED].value.uint_value = session_row_publishes(row, false);
    cells[COLUMN_DELIVERED].value.uint_value = session_row_publishes(row, true);
    cells[COLUMN_START].value.float_value = row->start_s;
    cells[COLUMN_DURATION].value.float_value = row->end_s - row->start_s;
    stat_tap_init_table_row(open_sessions, index, SESSION_COLUMNS, cells);
}

static void complete_sessions(void)
{
    if (open_sessions == NULL)
        return;
    for (unsigned i = 0; i < sessions.rows->len; i++)
        fill_session_cells(i);
    tap_columns_pad(&columns, sessions.rows->len, session_cell_text);
}

static tap_packet_status sessions_on_packet(void *tapdata _U_, packet_info *pinfo, epan_dissect_t *edt _U_,
                                            const void *queued, tap_flags_t flags _U_)
{
    if (open_sessions == NULL)
        return TAP_PACKET_DONT_REDRAW;
    unsigned found = session_list_count(&sessions, (const struct tap_record *)queued, pinfo);
    if (found == 0)
        return TAP_PACKET_DONT_REDRAW;
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
    session_list_begin(&sessions);
    open_sessions = stat_tap_init_table(TITLE, SESSION_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_sessions);
}

static void sessions_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    session_list_begin(&sessions);
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void sessions_on_free_cell(stat_tap_table *table, unsigned row, unsigned column,
                                  stat_tap_table_item_type *cell _U_)
{
    if (table != open_sessions || row != 0 || column != 0)
        return;
    open_sessions = NULL;
    session_list_end(&sessions);
    tap_columns_reset(&columns);
}

void tap_register_sessions(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = COMPAT_TABLE_MENU "Sessions",
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
