/* table.c - the columns of a table of statistics, as wide as their content.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "table.h"

#include <string.h>

static const char *plain_format(stat_tap_table_item_enum type)
{
    return type == TABLE_ITEM_UINT ? "%u" : type == TABLE_ITEM_FLOAT ? "%.6f" : "%s";
}

void tap_columns_reset(struct tap_columns *columns)
{
    for (unsigned i = 0; i < columns->count; i++) {
        const struct tap_column *column = &columns->columns[i];
        columns->fields[i] = (stat_tap_table_item){
            .type = column->type,
            .align = column->type == TABLE_ITEM_STRING ? TAP_ALIGN_LEFT : TAP_ALIGN_RIGHT,
            .column_name = column->name,
            .field_format = plain_format(column->type),
        };
        g_clear_pointer(&columns->names[i], g_free);
        g_clear_pointer(&columns->formats[i], g_free);
    }
}

/** The characters that the widest cell of a column takes. */
static int width_of(const struct tap_columns *columns, unsigned column, unsigned rows,
                    const char *(*text)(unsigned row, unsigned column))
{
    stat_tap_table_item_enum type = columns->columns[column].type;
    size_t width = strlen(columns->columns[column].name);

    if (type != TABLE_ITEM_STRING)
        return (int)MAX(width, type == TABLE_ITEM_UINT ? 4u : 12u);
    for (unsigned row = 0; row < rows; row++)
        width = MAX(width, strlen(text(row, column)));
    return (int)width;
}

void tap_columns_pad(struct tap_columns *columns, unsigned rows, const char *(*text)(unsigned row, unsigned column))
{
    tap_columns_reset(columns);
    for (unsigned i = 0; i < columns->count; i++) {
        int width = width_of(columns, i, rows, text);
        bool is_text = columns->columns[i].type == TABLE_ITEM_STRING;
        const char *kind = plain_format(columns->columns[i].type) + 1;

        columns->names[i] = g_strdup_printf("%*s", is_text ? -width : width, columns->columns[i].name);
        columns->formats[i] = g_strdup_printf("%%%s%d%s", is_text ? "-" : "", width, kind);
        columns->fields[i].column_name = columns->names[i];
        columns->fields[i].field_format = columns->formats[i];
    }
}

void tap_table_clear(stat_tap_table *table)
{
    for (unsigned i = 0; i < table->num_elements; i++)
        g_free(table->elements[i]);
    table->num_elements = 0;
}
