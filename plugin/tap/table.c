/* table.c - a table of statistics, its columns as wide as their content.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "table.h"

#include <string.h>

#include "tap.h"

/* All that are registered. */
static struct tap_table *tables;

static const char *plain_format(stat_tap_table_item_enum type)
{
    return type == TABLE_ITEM_UINT ? "%u" : type == TABLE_ITEM_FLOAT ? "%.6f" : "%s";
}

/** Makes the columns as wide as their names, and frees what padding took. */
static void reset_columns(struct tap_table *table)
{
    for (unsigned i = 0; i < table->column_count; i++) {
        const struct tap_column *column = &table->columns[i];
        table->fields[i] = (stat_tap_table_item){
            .type = column->type,
            .align = column->type == TABLE_ITEM_STRING ? TAP_ALIGN_LEFT : TAP_ALIGN_RIGHT,
            .column_name = column->name,
            .field_format = plain_format(column->type),
        };
        g_clear_pointer(&table->names[i], g_free);
        g_clear_pointer(&table->formats[i], g_free);
    }
}

/** The characters that the widest cell of a column takes. */
static int width_of(const struct tap_table *table, unsigned column, unsigned rows)
{
    stat_tap_table_item_enum type = table->columns[column].type;
    size_t width = strlen(table->columns[column].name);

    if (type != TABLE_ITEM_STRING)
        return (int)MAX(width, type == TABLE_ITEM_UINT ? 4u : 12u);
    for (unsigned row = 0; row < rows; row++)
        width = MAX(width, strlen(table->text(row, column)));
    return (int)width;
}

void tap_table_pad(struct tap_table *table, unsigned rows)
{
    reset_columns(table);
    for (unsigned i = 0; i < table->column_count; i++) {
        int width = width_of(table, i, rows);
        bool is_text = table->columns[i].type == TABLE_ITEM_STRING;
        const char *kind = plain_format(table->columns[i].type) + 1;

        table->names[i] = g_strdup_printf("%*s", is_text ? -width : width, table->columns[i].name);
        table->formats[i] = g_strdup_printf("%%%s%d%s", is_text ? "-" : "", width, kind);
        table->fields[i].column_name = table->names[i];
        table->fields[i].field_format = table->formats[i];
    }
}

void tap_table_begin_cells(const struct tap_table *table, unsigned row, stat_tap_table_item_type *cells)
{
    memset(cells, 0, table->column_count * sizeof *cells);
    for (unsigned i = 0; i < table->column_count; i++) {
        cells[i].type = table->columns[i].type;
        if (table->columns[i].type == TABLE_ITEM_STRING)
            cells[i].value.string_value = table->text(row, i);
    }
}

void tap_table_set_cells(struct tap_table *table, unsigned row, stat_tap_table_item_type *cells)
{
    stat_tap_init_table_row(table->open, row, table->column_count, cells);
}

void tap_table_clear(struct tap_table *table)
{
    for (unsigned i = 0; i < table->open->num_elements; i++)
        g_free(table->open->elements[i]);
    table->open->num_elements = 0;
}

/* --- What Wireshark calls ----------------------------------------------------------------------------------------- */

/** The table that is open in Wireshark's; NULL where it is none of these. */
static struct tap_table *table_in(const stat_tap_table *open)
{
    struct tap_table *table = tables;

    while (table != NULL && table->open != open)
        table = table->next;
    return table;
}

/** The table that was registered with a description. */
static struct tap_table *table_of(const stat_tap_table_ui *ui)
{
    struct tap_table *table = tables;

    while (&table->ui != ui)
        table = table->next;
    return table;
}

/** Begins anew, with nothing counted. */
static void restart(struct tap_table *table)
{
    table->end();
    table->begin();
    reset_columns(table);
}

static void on_reset(stat_tap_table *open)
{
    struct tap_table *table = table_in(open);

    if (table == NULL)
        return;
    tap_table_clear(table);
    restart(table);
}

/** Opens the table; where one is open already, empties it. */
static void on_init(stat_tap_table_ui *ui)
{
    struct tap_table *table = table_of(ui);
    stat_tap_table *open = stat_tap_find_table(ui, table->title);

    if (open != NULL) {
        on_reset(open);
        return;
    }
    restart(table);
    table->open = stat_tap_init_table(table->title, (int)table->column_count, 0, NULL);
    stat_tap_add_table(ui, table->open);
}

static tap_packet_status ignore_record(void *tapdata _U_, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                       const void *queued _U_, tap_flags_t flags _U_)
{
    return TAP_PACKET_REDRAW;
}

static void on_draw(void *tapdata)
{
    struct tap_table *table = (struct tap_table *)tapdata;

    if (table->open != NULL)
        table->draw();
}

static void add_completer(struct tap_table *table)
{
    GString *error = register_tap_listener(TAP_NAME, table, NULL, 0, NULL, ignore_record, on_draw, NULL);

    if (error != NULL)
        g_string_free(error, TRUE);
    table->has_completer = error == NULL;
}

static tap_packet_status on_packet(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued,
                                   tap_flags_t flags _U_)
{
    struct tap_table *table = table_of(((const stat_data_t *)tapdata)->stat_tap_data);

    if (table->open == NULL)
        return TAP_PACKET_DONT_REDRAW;
    if (table->draw != NULL && !table->has_completer)
        add_completer(table);
    return table->count((const struct tap_record *)queued, pinfo) ? TAP_PACKET_REDRAW : TAP_PACKET_DONT_REDRAW;
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void on_free_cell(stat_tap_table *open, unsigned row, unsigned column, stat_tap_table_item_type *cell _U_)
{
    struct tap_table *table = table_in(open);

    if (table == NULL || row != 0 || column != 0)
        return;
    if (table->has_completer)
        remove_tap_listener(table);
    table->has_completer = false;
    table->open = NULL;
    table->end();
    reset_columns(table);
}

void tap_table_register(struct tap_table *table)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};

    table->ui = (stat_tap_table_ui){
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = table->menu,
        .tap_name = TAP_NAME,
        .cli_string = table->command,
        .stat_tap_init_cb = on_init,
        .packet_func = on_packet,
        .stat_tap_reset_table_cb = on_reset,
        .stat_tap_free_table_item_cb = on_free_cell,
        .nfields = table->column_count,
        .fields = table->fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };
    table->next = tables;
    tables = table;
    reset_columns(table);
    register_stat_tap_table_ui(&table->ui);
}
