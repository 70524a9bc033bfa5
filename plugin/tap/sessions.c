/* sessions.c - `mqttscope,sessions`: a table with a row for each MQTT connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The columns are in the order in which a fault is read: who, how it ended, what was wrong, who exactly; then the settings, and
 * what was sent.
 */
#include <string.h>

#include <epan/packet.h>

#include "../compat.h"
#include "session_list.h"
#include "table.h"

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

static void fill_sessions(void);

static struct session_list sessions = {.complete = fill_sessions};

static struct tap_table sessions_table;

/** The text of a cell. */
static const char *session_cell_text(unsigned row, unsigned column)
{
    return session_row_text(session_list_row(&sessions, row), column);
}

/** Copies a row's texts and numbers to its cells. */
static void fill_session_cells(unsigned index)
{
    const struct session_row *row = session_list_row(&sessions, index);
    stat_tap_table_item_type cells[SESSION_COLUMNS];

    tap_table_begin_cells(&sessions_table, index, cells);
    cells[COLUMN_NUMBER].value.uint_value = row->number;
    cells[COLUMN_PROBLEMS].value.uint_value = row->problems;
    cells[COLUMN_PUBLISHED].value.uint_value = session_row_publishes(row, false);
    cells[COLUMN_DELIVERED].value.uint_value = session_row_publishes(row, true);
    cells[COLUMN_START].value.float_value = row->start_s;
    cells[COLUMN_DURATION].value.float_value = row->end_s - row->start_s;
    tap_table_set_cells(&sessions_table, index, cells);
}

static void fill_sessions(void)
{
    for (unsigned i = 0; i < sessions.rows->len; i++)
        fill_session_cells(i);
    tap_table_pad(&sessions_table, sessions.rows->len);
}

static void draw_sessions(void)
{
    session_list_complete(&sessions);
}

static bool add_to_sessions(const struct tap_record *record, packet_info *pinfo)
{
    unsigned found = session_list_count(&sessions, record, pinfo);

    /* The others are filled when the table is drawn. */
    if (found > sessions_table.open->num_elements)
        fill_session_cells(found - 1);
    return found != 0;
}

static void begin_sessions(void)
{
    session_list_begin(&sessions);
}

static void end_sessions(void)
{
    session_list_end(&sessions);
}

static struct tap_table sessions_table = {
    .title = "MQTT Sessions",
    .menu = COMPAT_TABLE_MENU "Sessions",
    .command = TAP_NAME ",sessions",
    .columns = column_list,
    .column_count = SESSION_COLUMNS,
    .text = session_cell_text,
    .begin = begin_sessions,
    .end = end_sessions,
    .count = add_to_sessions,
    .draw = draw_sessions,
};

void tap_register_sessions(int proto _U_)
{
    tap_table_register(&sessions_table);
}
