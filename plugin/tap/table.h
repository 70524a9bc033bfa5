/* table.h - a table of statistics, its columns as wide as their content.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What all tables share is here: opening, emptying, closing, the turn to draw. A table says what it counts and what its cells are.
 *
 * tshark prints a cell by its column's format and knows nothing of widths. So names and formats are padded to the widest
 * cell before a table is drawn.
 *
 * Wireshark draws a table itself and says nothing before it does. So a second listener of the tap is registered with the first
 * packet: listeners are drawn in the reverse order of their registration, and its turn to draw is the time to complete the
 * cells.
 */
#ifndef MQTTSCOPE_TAP_TABLE_H
#define MQTTSCOPE_TAP_TABLE_H

#include <glib.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "record.h"

/** A column: unsigned number, float (six digits after the point) or string. */
struct tap_column {
    const char *name;
    stat_tap_table_item_enum type;
};

enum { TAP_COLUMNS_MOST = 32 };

/** A table of statistics, of which Wireshark has one open at most. Static storage. What the table gives comes first; the rest is
 *  all zero, and table.c's. */
struct tap_table {
    const char *title;   /**< of its window, and of what tshark prints */
    const char *menu;    /**< of its menu entry */
    const char *command; /**< what -z takes */
    const struct tap_column *columns;
    unsigned column_count;                              /**< TAP_COLUMNS_MOST at most */
    const char *(*text)(unsigned row, unsigned column); /**< of a cell in a column of strings; never NULL */
    void (*begin)(void);                                /**< makes what the table counts in, which is empty */
    void (*end)(void);                                  /**< frees it; there may be none */
    /** Counts a packet; true where the table is to be drawn again. */
    bool (*count)(const struct tap_record *record, packet_info *pinfo);
    void (*draw)(void); /**< fills all cells, when it is time to draw; NULL: they are filled as packets come */

    stat_tap_table_ui ui;
    stat_tap_table *open; /**< NULL while there is none */
    bool has_completer;
    stat_tap_table_item fields[TAP_COLUMNS_MOST];
    char *names[TAP_COLUMNS_MOST];
    char *formats[TAP_COLUMNS_MOST];
    struct tap_table *next;
};

/** Offers a table to Wireshark. */
void tap_table_register(struct tap_table *table);

/** Begins the cells of a row: the texts are there, numbers are 0. `cells` has room for all columns. */
void tap_table_begin_cells(const struct tap_table *table, unsigned row, stat_tap_table_item_type *cells);

/** Puts the cells of a row in the table, which is open. */
void tap_table_set_cells(struct tap_table *table, unsigned row, stat_tap_table_item_type *cells);

/** Makes each column as wide as its widest text. */
void tap_table_pad(struct tap_table *table, unsigned rows);

/** Frees the rows of a table that is open: Wireshark leaves them to the table's owner. */
void tap_table_clear(struct tap_table *table);

#endif
