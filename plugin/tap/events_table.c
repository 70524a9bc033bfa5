/* events_table.c - `mqttscope,events`: a table of what happened, to which client, how often, where first and last.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Events are no broken rules, so the table of those does not have them. There is a row for each kind and client, up to a bound;
 * what is over it is counted under one name.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "../compat.h"
#include "table.h"
#include "tap.h"

#define TITLE "MQTT Events"

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

static stat_tap_table_item fields[EVENT_COLUMNS];
static char *padded_names[EVENT_COLUMNS];
static char *padded_formats[EVENT_COLUMNS];
static struct tap_columns columns = {column_list, EVENT_COLUMNS, fields, padded_names, padded_formats};

/** A row of the table. */
struct event_row {
    enum track_event_kind kind;
    enum check_severity severity;
    char *client;
    uint32_t count;
    uint32_t first_frame;
    uint32_t last_frame;
};

/* The table that is open. Wireshark keeps one for each kind of statistics. */
static stat_tap_table *open_table;
static GPtrArray *rows;

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

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < EVENT_COLUMNS; column++) {
        cells[column].type = column_list[column].type;
        if (column_list[column].type == TABLE_ITEM_STRING)
            cells[column].value.string_value = event_cell_text(index, column);
    }
    cells[COLUMN_COUNT].value.uint_value = row->count;
    cells[COLUMN_FIRST_FRAME].value.uint_value = row->first_frame;
    cells[COLUMN_LAST_FRAME].value.uint_value = row->last_frame;
    stat_tap_init_table_row(open_table, index, EVENT_COLUMNS, cells);
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
        tap_columns_pad(&columns, rows->len, event_cell_text);
}

static tap_packet_status events_on_packet(void *tapdata _U_, packet_info *pinfo, epan_dissect_t *edt _U_,
                                          const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;

    if (open_table == NULL || record->events.count == 0)
        return TAP_PACKET_DONT_REDRAW;
    for (unsigned i = 0; i < record->events.count; i++)
        count_event(&record->events.list[i], record, pinfo->num);
    return TAP_PACKET_REDRAW;
}

static void begin_event_rows(void)
{
    g_clear_pointer(&rows, g_ptr_array_unref);
    rows = g_ptr_array_new_with_free_func(free_event_row);
    tap_columns_reset(&columns);
}

/** Opens the table; where one is open already, empties it. */
static void events_on_init(stat_tap_table_ui *statistics)
{
    stat_tap_table *table = stat_tap_find_table(statistics, TITLE);

    if (table != NULL) {
        statistics->stat_tap_reset_table_cb(table);
        return;
    }
    begin_event_rows();
    open_table = stat_tap_init_table(TITLE, EVENT_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_table);
}

static void events_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    begin_event_rows();
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void events_on_free_cell(stat_tap_table *table, unsigned row, unsigned column,
                                stat_tap_table_item_type *cell _U_)
{
    if (table != open_table || row != 0 || column != 0)
        return;
    open_table = NULL;
    g_clear_pointer(&rows, g_ptr_array_unref);
    tap_columns_reset(&columns);
}

void tap_register_events_table(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = COMPAT_TABLE_MENU "Events",
        .tap_name = TAP_NAME,
        .cli_string = TAP_NAME ",events",
        .stat_tap_init_cb = events_on_init,
        .packet_func = events_on_packet,
        .stat_tap_reset_table_cb = events_on_reset,
        .stat_tap_free_table_item_cb = events_on_free_cell,
        .nfields = EVENT_COLUMNS,
        .fields = fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    tap_columns_reset(&columns);
    register_stat_tap_table_ui(&statistics);
}
