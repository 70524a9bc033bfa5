/* rules_table.c - `mqttscope,rules`: a table of the broken rules, how often, where first, and by whom.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A row for each rule, statement and severity, so there are no more rows than rules with their statements. The clients
 * concerned are named up to a few, and counted up to a bound.
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "table.h"
#include "tap.h"

#define TITLE "MQTT Rules"

enum { CLIENTS_SHOWN = 5, CLIENTS_COUNTED = 10000, NAME_CHARACTERS = 30 };

enum rule_column {
    COLUMN_STATEMENTS,
    COLUMN_RULE,
    COLUMN_SEVERITY,
    COLUMN_COUNT,
    COLUMN_FIRST_FRAME,
    COLUMN_CLIENTS,
    COLUMN_TITLE,
    RULE_COLUMNS,
};

static const struct tap_column column_list[RULE_COLUMNS] = {
    [COLUMN_STATEMENTS] = {"Statement", TABLE_ITEM_STRING}, [COLUMN_RULE] = {"Rule", TABLE_ITEM_STRING},
    [COLUMN_SEVERITY] = {"Severity", TABLE_ITEM_STRING},    [COLUMN_COUNT] = {"Count", TABLE_ITEM_UINT},
    [COLUMN_FIRST_FRAME] = {"First", TABLE_ITEM_UINT},      [COLUMN_CLIENTS] = {"Clients", TABLE_ITEM_STRING},
    [COLUMN_TITLE] = {"What is broken", TABLE_ITEM_STRING},
};

static stat_tap_table_item fields[RULE_COLUMNS];
static char *padded_names[RULE_COLUMNS];
static char *padded_formats[RULE_COLUMNS];
static struct tap_columns columns = {column_list, RULE_COLUMNS, fields, padded_names, padded_formats};

/** A row of the table. */
struct rule_row {
    enum check_rule rule;
    enum check_severity severity;
    uint32_t count;
    uint32_t first_frame;
    char *statements;
    GHashTable *clients; /**< names of the clients concerned, CLIENTS_COUNTED at most */
    char *client_list;   /**< the first few of them, and how many more */
};

/* The table that is open. Wireshark keeps one for each kind of statistics. */
static stat_tap_table *open_table;
static GPtrArray *rows;

static void free_rule_row(void *data)
{
    struct rule_row *row = (struct rule_row *)data;

    g_free(row->statements);
    g_free(row->client_list);
    g_hash_table_destroy(row->clients);
    g_free(row);
}

static const char *rule_cell_text(unsigned index, unsigned column)
{
    const struct rule_row *row = (const struct rule_row *)g_ptr_array_index(rows, index);

    switch (column) {
    case COLUMN_STATEMENTS:
        return row->statements;
    case COLUMN_RULE:
        return check_rule_info(row->rule)->symbol;
    case COLUMN_SEVERITY:
        return check_severity_name(row->severity);
    case COLUMN_CLIENTS:
        return row->client_list;
    default:
        return check_rule_info(row->rule)->title;
    }
}

static void fill_rule_cells(unsigned index)
{
    const struct rule_row *row = (const struct rule_row *)g_ptr_array_index(rows, index);
    stat_tap_table_item_type cells[RULE_COLUMNS];

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < RULE_COLUMNS; column++) {
        cells[column].type = column_list[column].type;
        if (column_list[column].type == TABLE_ITEM_STRING)
            cells[column].value.string_value = rule_cell_text(index, column);
    }
    cells[COLUMN_COUNT].value.uint_value = row->count;
    cells[COLUMN_FIRST_FRAME].value.uint_value = row->first_frame;
    stat_tap_init_table_row(open_table, index, RULE_COLUMNS, cells);
}

/** The row of a finding; made where it is the first of its kind. */
static unsigned find_rule_row(const struct check_finding *finding, uint32_t frame)
{
    struct check_ids ids;
    const char *list[CHECK_IDS_MAX + 1] = {NULL};

    check_finding_ids(finding, &ids);
    for (unsigned i = 0; i < ids.count; i++)
        list[i] = ids.list[i];
    char *statements = g_strjoinv(", ", (char **)(void *)list);
    for (unsigned i = 0; i < rows->len; i++) {
        const struct rule_row *row = (const struct rule_row *)g_ptr_array_index(rows, i);
        if (row->rule == finding->rule && row->severity == finding->severity &&
            strcmp(row->statements, statements) == 0) {
            g_free(statements);
            return i;
        }
    }
    struct rule_row *row = g_new0(struct rule_row, 1);
    row->rule = finding->rule;
    row->severity = finding->severity;
    row->first_frame = frame;
    row->statements = statements;
    row->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    row->client_list = g_strdup("");
    g_ptr_array_add(rows, row);
    return rows->len - 1;
}

/** Adds the client concerned; true where the list of them reads differently then. */
static bool add_client(struct rule_row *row, const char *name)
{
    unsigned known = g_hash_table_size(row->clients);

    if (name == NULL || known == CLIENTS_COUNTED || g_hash_table_contains(row->clients, name))
        return false;
    g_hash_table_add(row->clients, g_strdup(name));
    if (known < CLIENTS_SHOWN) {
        char *shortened = tap_shorten(name, NAME_CHARACTERS);
        char *longer = g_strconcat(row->client_list, known > 0 ? ", " : "", shortened, NULL);
        g_free(shortened);
        g_free(row->client_list);
        row->client_list = longer;
        return true;
    }
    char *end = strstr(row->client_list, " and ");
    if (known > CLIENTS_SHOWN && end != NULL)
        *end = '\0';
    char *longer = g_strdup_printf("%s and %s%u more", row->client_list,
                                   known + 1 == CLIENTS_COUNTED ? "at least " : "", known + 1 - CLIENTS_SHOWN);
    g_free(row->client_list);
    row->client_list = longer;
    return true;
}

static void count_finding(const struct check_finding *finding, const struct tap_record *record, uint32_t frame)
{
    unsigned known = rows->len;
    unsigned index = find_rule_row(finding, frame);
    struct rule_row *row = (struct rule_row *)g_ptr_array_index(rows, index);

    row->count += 1 + finding->further;
    bool is_wider = add_client(row, tap_client_of(record));
    fill_rule_cells(index);
    if (is_wider || rows->len > known)
        tap_columns_pad(&columns, rows->len, rule_cell_text);
}

static tap_packet_status rules_on_packet(void *tapdata _U_, packet_info *pinfo, epan_dissect_t *edt _U_,
                                         const void *queued, tap_flags_t flags _U_)
{
    const struct tap_record *record = (const struct tap_record *)queued;

    if (open_table == NULL || record->findings == NULL)
        return TAP_PACKET_DONT_REDRAW;
    for (unsigned i = 0; i < record->findings->count; i++)
        count_finding(&record->findings->list[i], record, pinfo->num);
    return TAP_PACKET_REDRAW;
}

static void begin_rule_rows(void)
{
    g_clear_pointer(&rows, g_ptr_array_unref);
    rows = g_ptr_array_new_with_free_func(free_rule_row);
    tap_columns_reset(&columns);
}

/** Opens the table; where one is open already, empties it. */
static void rules_on_init(stat_tap_table_ui *statistics)
{
    stat_tap_table *table = stat_tap_find_table(statistics, TITLE);

    if (table != NULL) {
        statistics->stat_tap_reset_table_cb(table);
        return;
    }
    begin_rule_rows();
    open_table = stat_tap_init_table(TITLE, RULE_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_table);
}

static void rules_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    begin_rule_rows();
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void rules_on_free_cell(stat_tap_table *table, unsigned row, unsigned column, stat_tap_table_item_type *cell _U_)
{
    if (table != open_table || row != 0 || column != 0)
        return;
    open_table = NULL;
    g_clear_pointer(&rows, g_ptr_array_unref);
    tap_columns_reset(&columns);
}

void tap_register_rules_table(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = TITLE,
        .tap_name = TAP_NAME,
        .cli_string = TAP_NAME ",rules",
        .stat_tap_init_cb = rules_on_init,
        .packet_func = rules_on_packet,
        .stat_tap_reset_table_cb = rules_on_reset,
        .stat_tap_free_table_item_cb = rules_on_free_cell,
        .nfields = RULE_COLUMNS,
        .fields = fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    tap_columns_reset(&columns);
    register_stat_tap_table_ui(&statistics);
}
