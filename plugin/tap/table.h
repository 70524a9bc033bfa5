/* table.h - the columns of a table of statistics, as wide as their content.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * tshark prints a cell by its column's format and knows nothing of widths. So names and formats are padded to the widest
 * cell before a table is drawn.
 */
#ifndef MQTTSCOPE_TAP_TABLE_H
#define MQTTSCOPE_TAP_TABLE_H

#include <glib.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

/** A column: unsigned number, float (six digits after the point) or string. */
struct tap_column {
    const char *name;
    stat_tap_table_item_enum type;
};

/** What Wireshark reads of a table's columns, and what belongs to it. Static storage; `fields`, `names` and `formats` have
 *  `count` elements. */
struct tap_columns {
    const struct tap_column *columns;
    unsigned count;
    stat_tap_table_item *fields;
    char **names;
    char **formats;
};

/** Makes the columns as wide as their names, and frees what padding took. */
void tap_columns_reset(struct tap_columns *columns);

/** Makes each column as wide as its widest text; `text(row, column)` gives that of a string column's cell. */
void tap_columns_pad(struct tap_columns *columns, unsigned rows, const char *(*text)(unsigned row, unsigned column));

/** Frees the rows of a table that is emptied: Wireshark leaves them to the table's owner. */
void tap_table_clear(stat_tap_table *table);

#endif
