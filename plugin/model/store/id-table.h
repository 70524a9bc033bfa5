/* id-table.h - finds things by a Packet Identifier: few at little cost, or all 65,535.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_ID_TABLE_H
#define MQTTSCOPE_MODEL_STORE_ID_TABLE_H

#include "file-memory.h"

/** What is in a table: the first member of its struct. */
struct track_id_entry {
    struct track_id_entry *next;
    uint16_t id;
};

/** A table; all zero while it is empty. Each connection has several, so it is kept small. */
struct track_id_table {
    union {
        struct track_id_entry *list;   /**< where there are few: the latest first */
        struct track_id_entry **lists; /**< where there are many, by the last bits of their identifiers */
    };
    uint32_t count;
    uint32_t mask; /**< lists, less one */
};

/** The entry of an identifier; NULL where there is none. */
struct track_id_entry *track_id_table_find(const struct track_id_table *table, uint16_t id);

/** Adds an entry, whose identifier must not be in the table. The entry is the caller's. */
void track_id_table_add(struct track_file_memory *memory, struct track_id_table *table, struct track_id_entry *entry);

/** Takes an entry out of the table that it is in. */
void track_id_table_remove(struct track_id_table *table, struct track_id_entry *entry);

/** All entries, as an array of pointers, which is the caller's to destroy. */
wmem_array_t *track_id_table_entries(const struct track_id_table *table);

/** Frees what the table takes beside its entries, once it is empty. */
void track_id_table_free(struct track_file_memory *memory, struct track_id_table *table);

#endif
