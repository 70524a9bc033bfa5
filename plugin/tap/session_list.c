/* session_list.c - the rows of all connections that a table has met, and the moment to complete them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "session_list.h"

#include "../compat.h"

/** Where the row of a connection is, plus 1; 0 while there is none. */
static unsigned find_session_row(const struct session_list *list, uint32_t number)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(list->by_number, GUINT_TO_POINTER(number)));
}

static void add_session_row(struct session_list *list, struct session_row *row)
{
    g_ptr_array_add(list->rows, row);
    g_hash_table_insert(list->by_number, GUINT_TO_POINTER(row->number), GUINT_TO_POINTER(list->rows->len));
}

/** Connections whose first packet was not completed get their rows. */
static void add_waiting_rows(struct session_list *list)
{
    gsize count;
    gpointer *rows = g_ptr_array_steal(list->waiting, &count);

    for (gsize i = 0; i < count; i++) {
        struct session_row *row = (struct session_row *)rows[i];
        if (session_row_has_packets(row) || find_session_row(list, row->number) != 0)
            session_row_free(row);
        else
            add_session_row(list, row);
    }
    g_free(rows);
}

void session_list_complete(struct session_list *list)
{
    add_waiting_rows(list);
    for (unsigned i = 0; i < list->rows->len; i++)
        session_row_summarise(session_list_row(list, i));
    list->complete();
}

/** The file is about to be closed: what is known of its connections goes with it. */
static ws_bool on_file_closed(wmem_allocator_t *scope _U_, wmem_cb_event_t event _U_, void *data)
{
    struct session_list *list = (struct session_list *)data;

    list->file_callback = 0;
    session_list_complete(list);
    for (unsigned i = 0; i < list->rows->len; i++)
        session_list_row(list, i)->connection = NULL;
    g_hash_table_remove_all(list->by_number);
    return FALSE;
}

static void free_session_row(void *row)
{
    session_row_free((struct session_row *)row);
}

void session_list_begin(struct session_list *list)
{
    list->rows = g_ptr_array_new_with_free_func(free_session_row);
    list->waiting = g_ptr_array_new_with_free_func(free_session_row);
    list->by_number = g_hash_table_new(g_direct_hash, g_direct_equal);
}

/** Makes the row of a record's connection, which is in the table from now on or, while its first packet has only begun,
 *  once all frames were read. */
static void begin_session_row(struct session_list *list, const struct tap_record *record, packet_info *pinfo)
{
    struct session_row *row = session_row_new(record, pinfo);

    if (list->file_callback == 0)
        list->file_callback = wmem_register_callback(wmem_file_scope(), on_file_closed, list);
    if (record->subject == TAP_BEGINNING)
        g_ptr_array_add(list->waiting, row);
    else
        add_session_row(list, row);
}

unsigned session_list_count(struct session_list *list, const struct tap_record *record, packet_info *pinfo)
{
    uint32_t number = record->facts.connection;

    if (find_session_row(list, number) == 0)
        begin_session_row(list, record, pinfo);
    unsigned found = find_session_row(list, number);
    if (found != 0)
        session_row_count(session_list_row(list, found - 1), record, pinfo);
    return found;
}

void session_list_end(struct session_list *list)
{
    if (list->file_callback != 0)
        wmem_unregister_callback(wmem_file_scope(), list->file_callback);
    list->file_callback = 0;
    g_clear_pointer(&list->rows, g_ptr_array_unref);
    g_clear_pointer(&list->waiting, g_ptr_array_unref);
    g_clear_pointer(&list->by_number, g_hash_table_destroy);
}
