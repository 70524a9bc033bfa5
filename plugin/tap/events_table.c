/* events_table.c - `mqttscope,events`: a table of what happened, to which client, how often, where first and last.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Events are no broken rules, so the table of those does not have them. There is a row for each kind and client, up to a bound;
 * what is over it is counted under one name.
 */
#include <string.h>

#include <epan/packet.h>

#include "../compat.h"
#include "table.h"
#include "tap.h"

enum { ROWS_MAX = 1000, CLIENT_CHARACTERS = 64 };

enum event_column {
    COLUMN_TITLE,
    COLUMN_CLIENT,
    COLUMN_COUNT,
    COLUMN_FIRST_FRAME,
    COLUMN_LAST_FRAME,
    COLUMN_SEVERITY,
    COLUMN_NAME,
    EVENT_COLUMNS,
};

static const struct tap_column column_list[EVENT_COLUMNS] = {
    [COLUMN_TITLE] = {"What happened", TABLE_ITEM_STRING},
    [COLUMN_CLIENT] = {"Client", TABLE_ITEM_STRING},
    [COLUMN_COUNT] = {"Count", TABLE_ITEM_UINT},
    [COLUMN_FIRST_FRAME] = {"First", TABLE_ITEM_UINT},
    [COLUMN_LAST_FRAME] = {"Last", TABLE_ITEM_UINT},
    [COLUMN_SEVERITY] = {"Severity", TABLE_ITEM_STRING},
    [COLUMN_NAME] = {"mqttscope.event", TABLE_ITEM_STRING},
};

/** A row of the table. */
struct event_row {
    enum track_event_kind kind;
    enum check_severity severity;
    char *client;
    uint32_t count;
    uint32_t first_frame;
    uint32_t last_frame;
};

static GPtrArray *rows; /* NULL while no table is open */

static struct tap_table events_table;

static void free_event_row(void *data)
{
    struct event_row *row = (struct event_row *)data;

    g_free(row->client);
    g_free(row);
}

static const char *event_cell_text(unsigned index, unsigned column)
{
    const struct event_row *row = (const struct event_row *)g_ptr_array_index(rows, index);

    switch (column) {
    case COLUMN_TITLE:
        return track_event_info(row->kind)->title;
    case COLUMN_CLIENT:
        return row->client;
    case COLUMN_SEVERITY:
        return check_severity_name(row->severity);
    default:
        return track_event_info(row->kind)->name;
    }
}

static void fill_event_cells(unsigned index)
{
    const struct event_row *row = (const struct event_row *)g_ptr_array_index(rows, index);
    stat_tap_table_item_type cells[EVENT_COLUMNS];

    tap_table_begin_cells(&events_table, index, cells);
    cells[COLUMN_COUNT].value.uint_value = row->count;
    cells[COLUMN_FIRST_FRAME].value.uint_value = row->first_frame;
    cells[COLUMN_LAST_FRAME].value.uint_value = row->last_frame;
    tap_table_set_cells(&events_table, index, cells);
}

/** The row of a kind and a client; `rows->len` where there is none. */
static unsigned find_event_row(enum track_event_kind kind, const char *client)
{
    unsigned index = 0;

    for (; index < rows->len; index++) {
        const struct event_row *row = (const struct event_row *)g_ptr_array_index(rows, index);
        if (row->kind == kind && strcmp(row->client, client) == 0)
            break;
    }
    return index;
}

static void count_event(const struct check_event *event, const struct tap_record *record, uint32_t frame)
{
    enum track_event_kind kind = (enum track_event_kind)event->event->kind;
    const char *name = tap_client_of(record);
    char *client = tap_shorten(name != NULL ? name : "", CLIENT_CHARACTERS);
    unsigned index = find_event_row(kind, client);

    if (index == rows->len && rows->len >= ROWS_MAX) {
        g_free(client);
        client = g_strdup("(further clients)");
        index = find_event_row(kind, client);
    }
    bool is_new = index == rows->len;
    if (is_new) {
        struct event_row *made = g_new0(struct event_row, 1);
        *made = (struct event_row){
            .kind = kind, .severity = event->severity, .client = g_strdup(client), .first_frame = frame};
        g_ptr_array_add(rows, made);
    }
    g_free(client);
    struct event_row *row = (struct event_row *)g_ptr_array_index(rows, index);
    row->count++;
    row->last_frame = frame;
    fill_event_cells(index);
    if (is_new)
        tap_table_pad(&events_table, rows->len);
}

static bool add_to_events(const struct tap_record *record, packet_info *pinfo)
{
    for (unsigned i = 0; i < record->events.count; i++)
        count_event(&record->events.list[i], record, pinfo->num);
    return record->events.count > 0;
}

static void begin_event_rows(void)
{
    rows = g_ptr_array_new_with_free_func(free_event_row);
}

static void end_event_rows(void)
{
    g_clear_pointer(&rows, g_ptr_array_unref);
}

static struct tap_table events_table = {
    .title = "MQTT Events",
    .menu = COMPAT_TABLE_MENU "Events",
    .command = TAP_NAME ",events",
    .columns = column_list,
    .column_count = EVENT_COLUMNS,
    .text = event_cell_text,
    .begin = begin_event_rows,
    .end = end_event_rows,
    .count = add_to_events,
};

void tap_register_events_table(int proto _U_)
{
    tap_table_register(&events_table);
}
