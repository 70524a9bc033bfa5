/* session_list.h - the rows of all connections that a table has met, and the moment to complete them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a connection ended is known only when all of its frames were read, and a FIN comes after the last MQTT packet: so a table
 * completes its rows when it is drawn, and when the file is closed, whose connections are gone then. The menus and a second pass
 * need none of it, since they count a file that was read before.
 */
#ifndef MQTTSCOPE_TAP_SESSION_LIST_H
#define MQTTSCOPE_TAP_SESSION_LIST_H

#include "sessions.h"

/** The rows of a table. Static storage, all zero but for `complete`. */
struct session_list {
    void (*complete)(void); /**< called when the rows are complete, to fill the table's cells */
    GPtrArray *rows;        /**< struct session_row, in the order of the table; NULL while there is no table */
    GHashTable *by_number;  /**< where a row is, plus 1, by the connection's number, while its file is open */
    GPtrArray *waiting;     /**< likewise, of connections whose first packet has begun: they have no row yet */
    guint file_callback;    /**< 0: not registered */
};

/** Begins with no rows. */
void session_list_begin(struct session_list *list);

/** Counts a record in the row of its connection, which is made where there is none; returns where it is, plus 1. 0: it has no row
 *  yet. */
unsigned session_list_count(struct session_list *list, const struct tap_record *record, packet_info *pinfo);

/** Brings all rows up to date, and calls `complete`. */
void session_list_complete(struct session_list *list);

/** Forgets the rows; there may be none. */
void session_list_end(struct session_list *list);

/** A row. */
static inline struct session_row *session_list_row(const struct session_list *list, unsigned index)
{
    return (struct session_row *)g_ptr_array_index(list->rows, index);
}

#endif
