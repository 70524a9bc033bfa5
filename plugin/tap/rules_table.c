/* rules_table.c - `mqttscope,rules`: a table of the broken rules, how often, where first, and by whom.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A row for each rule, statement, severity and side, so there are no more rows than rules with their statements. The clients
 * concerned are named up to a few, and counted up to a bound. The worst come first, then by the first frame; where there are none, a
 * row says how many rules were asked. The rows are put in order each time that the table is drawn.
 */
#include <string.h>

#include <epan/packet.h>

#include "../compat.h"
#include "table.h"
#include "tap.h"

enum { CLIENTS_SHOWN = 5, CLIENTS_COUNTED = 10000, NAME_CHARACTERS = 30 };

enum rule_column {
    COLUMN_SEVERITY,
    COLUMN_TITLE,
    COLUMN_COUNT,
    COLUMN_SIDE,
    COLUMN_CLIENTS,
    COLUMN_FIRST_FRAME,
    COLUMN_STATEMENTS,
    COLUMN_RULE,
    RULE_COLUMNS,
};

static const struct tap_column column_list[RULE_COLUMNS] = {
    [COLUMN_SEVERITY] = {"Severity", TABLE_ITEM_STRING},
    [COLUMN_TITLE] = {"What is broken", TABLE_ITEM_STRING},
    [COLUMN_COUNT] = {"Count", TABLE_ITEM_UINT},
    [COLUMN_SIDE] = {"Side", TABLE_ITEM_STRING},
    [COLUMN_CLIENTS] = {"Clients", TABLE_ITEM_STRING},
    [COLUMN_FIRST_FRAME] = {"First", TABLE_ITEM_UINT},
    [COLUMN_STATEMENTS] = {"Statement", TABLE_ITEM_STRING},
    [COLUMN_RULE] = {"Rule", TABLE_ITEM_STRING},
};

/** A row of the table. */
struct rule_row {
    enum check_rule rule;
    enum check_severity severity;
    const char *side; /**< static */
    uint32_t count;
    uint32_t first_frame;
    char *statements;
    GHashTable *clients; /**< names of the clients concerned, CLIENTS_COUNTED at most */
    char *client_list;   /**< the first few of them, and how many more */
};

static GPtrArray *rows; /* NULL while no table is open */
static char *nothing;   /* what the table says where no rule is broken; NULL before the first packet */

static struct tap_table rules_table;

static void free_rule_row(void *data)
{
    struct rule_row *row = (struct rule_row *)data;

    g_free(row->statements);
    g_free(row->client_list);
    g_hash_table_destroy(row->clients);
    g_free(row);
}

/** Wireshark's window sorts by the first column's text: the more blanks, the worse. */
static const char *const severity_texts[CHECK_SEVERITIES] = {
    [CHECK_CHAT] = "chat",
    [CHECK_NOTE] = " note",
    [CHECK_WARNING] = "  warning",
    [CHECK_ERROR] = "   error",
};

static const char *rule_cell_text(unsigned index, unsigned column)
{
    if (index == rows->len)
        return column == COLUMN_TITLE ? nothing : "";
    const struct rule_row *row = (const struct rule_row *)g_ptr_array_index(rows, index);

    switch (column) {
    case COLUMN_STATEMENTS:
        return row->statements;
    case COLUMN_RULE:
        return check_rule_info(row->rule)->symbol;
    case COLUMN_SEVERITY:
        return severity_texts[row->severity];
    case COLUMN_SIDE:
        return row->side;
    case COLUMN_CLIENTS:
        return row->client_list;
    default:
        return check_rule_info(row->rule)->title;
    }
}

static void fill_rule_cells(unsigned index)
{
    const struct rule_row *row = index < rows->len ? (const struct rule_row *)g_ptr_array_index(rows, index) : NULL;
    stat_tap_table_item_type cells[RULE_COLUMNS];

    tap_table_begin_cells(&rules_table, index, cells);
    cells[COLUMN_COUNT].value.uint_value = row != NULL ? row->count : 0;
    cells[COLUMN_FIRST_FRAME].value.uint_value = row != NULL ? row->first_frame : 0;
    tap_table_set_cells(&rules_table, index, cells);
}

/** The worst first, and hints after all broken rules. */
static int compare_rule_rows(const void *one, const void *other)
{
    const struct rule_row *a = *(const struct rule_row *const *)one;
    const struct rule_row *b = *(const struct rule_row *const *)other;

    bool is_hint = check_is_hint(check_rule_info(a->rule));

    if (is_hint != check_is_hint(check_rule_info(b->rule)))
        return is_hint ? 1 : -1;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    return a->first_frame != b->first_frame ? (a->first_frame < b->first_frame ? -1 : 1) : (int)a->rule - (int)b->rule;
}

/** Fills the table anew. */
static void draw_rules(void)
{
    unsigned count = MAX(rows->len, nothing != NULL ? 1u : 0u);

    g_ptr_array_sort(rows, compare_rule_rows);
    tap_table_clear(&rules_table);
    for (unsigned i = 0; i < count; i++)
        fill_rule_cells(i);
    tap_table_pad(&rules_table, count);
}

/** Takes in of the first packet how many rules are asked. */
static void begin_to_count(const struct tap_record *record)
{
    unsigned asked = 0;

    for (unsigned rule = 0; rule < CHECK_RULE_COUNT; rule++)
        asked += record->policy->enabled && record->policy->overrides[rule] != CHECK_OFF &&
                 !check_is_hint(check_rule_info((enum check_rule)rule));
    nothing = asked > 0 ? g_strdup_printf("No rule broken (%u evaluated)", asked) : g_strdup("No rule is evaluated");
}

/** The row of a finding; made where it is the first of its kind. */
static unsigned find_rule_row(const struct check_finding *finding, uint32_t frame)
{
    struct check_ids ids;
    const char *list[CHECK_IDS_MAX + 1] = {NULL};

    check_finding_ids(finding, &ids);
    for (unsigned i = 0; i < ids.count; i++)
        list[i] = ids.list[i];
    if (check_is_hint(check_rule_info(finding->rule)))
        list[0] = "hint";
    const char *side = g_intern_string(check_finding_side(finding));
    char *statements = g_strjoinv(", ", (char **)(void *)list);
    for (unsigned i = 0; i < rows->len; i++) {
        const struct rule_row *row = (const struct rule_row *)g_ptr_array_index(rows, i);
        if (row->rule == finding->rule && row->severity == finding->severity && row->side == side &&
            strcmp(row->statements, statements) == 0) {
            g_free(statements);
            return i;
        }
    }
    struct rule_row *row = g_new0(struct rule_row, 1);
    row->rule = finding->rule;
    row->severity = finding->severity;
    row->side = side;
    row->first_frame = frame;
    row->statements = statements;
    row->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    row->client_list = g_strdup("");
    g_ptr_array_add(rows, row);
    return rows->len - 1;
}

/** Adds the client concerned. */
static void add_client(struct rule_row *row, const char *name)
{
    unsigned known = g_hash_table_size(row->clients);

    if (name == NULL || known == CLIENTS_COUNTED || g_hash_table_contains(row->clients, name))
        return;
    g_hash_table_add(row->clients, g_strdup(name));
    if (known < CLIENTS_SHOWN) {
        char *shortened = tap_shorten(name, NAME_CHARACTERS);
        char *longer = g_strconcat(row->client_list, known > 0 ? ", " : "", shortened, NULL);
        g_free(shortened);
        g_free(row->client_list);
        row->client_list = longer;
        return;
    }
    char *end = strstr(row->client_list, " and ");
    if (known > CLIENTS_SHOWN && end != NULL)
        *end = '\0';
    char *longer = g_strdup_printf("%s and %s%u more", row->client_list,
                                   known + 1 == CLIENTS_COUNTED ? "at least " : "", known + 1 - CLIENTS_SHOWN);
    g_free(row->client_list);
    row->client_list = longer;
}

static void count_finding(const struct check_finding *finding, const struct tap_record *record, uint32_t frame)
{
    unsigned index = find_rule_row(finding, frame);
    struct rule_row *row = (struct rule_row *)g_ptr_array_index(rows, index);

    row->count += 1 + finding->further;
    add_client(row, tap_client_of(record));
}

static bool add_to_rules(const struct tap_record *record, packet_info *pinfo)
{
    if (nothing == NULL)
        begin_to_count(record);
    for (unsigned i = 0; record->findings != NULL && i < record->findings->count; i++)
        count_finding(&record->findings->list[i], record, pinfo->num);
    return true;
}

static void begin_rule_rows(void)
{
    rows = g_ptr_array_new_with_free_func(free_rule_row);
}

static void end_rule_rows(void)
{
    g_clear_pointer(&rows, g_ptr_array_unref);
    g_clear_pointer(&nothing, g_free);
}

static struct tap_table rules_table = {
    .title = "MQTT Rules",
    .menu = COMPAT_TABLE_MENU "Rules",
    .command = TAP_NAME ",rules",
    .columns = column_list,
    .column_count = RULE_COLUMNS,
    .text = rule_cell_text,
    .begin = begin_rule_rows,
    .end = end_rule_rows,
    .count = add_to_rules,
    .draw = draw_rules,
};

void tap_register_rules_table(int proto _U_)
{
    tap_table_register(&rules_table);
}
