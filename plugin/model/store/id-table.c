/* id-table.c - finds things by a Packet Identifier: few at little cost, or all 65,535.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Most connections have one or two, and there may be 100,000 connections: a list will do. With more of them the list is
 * split, by the last bits of the identifiers, so that no choice of identifiers makes one part of it long.
 */
#include "id-table.h"

/** How many lists a table of so many entries should have, less one. */
static uint32_t mask_for(uint32_t count)
{
    if (count < 16)
        return 0;
    return count < 2048 ? 0xFF : count < 16384 ? 0xFFF : 0xFFFF;
}

/** The start of the list that an identifier belongs to. */
static struct track_id_entry **list_for(struct track_id_table *table, uint16_t id)
{
    return table->mask == 0 ? &table->list : &table->lists[id & table->mask];
}

struct track_id_entry *track_id_table_find(const struct track_id_table *table, uint16_t id)
{
    struct track_id_entry *entry = table->mask == 0 ? table->list : table->lists[id & table->mask];

    while (entry != NULL && entry->id != id)
        entry = entry->next;
    return entry;
}

static size_t size_of_lists(uint32_t mask)
{
    return ((size_t)mask + 1) * sizeof(struct track_id_entry *);
}

/** Splits the lists further; where there is no memory for that they only get longer. */
static void grow(struct track_file_memory *memory, struct track_id_table *table, uint32_t mask)
{
    struct track_id_table grown = {.mask = mask, .count = table->count};

    grown.lists = (struct track_id_entry **)track_file_alloc(memory, size_of_lists(mask));
    if (grown.lists == NULL)
        return;
    for (uint32_t i = 0; i <= table->mask; i++) {
        struct track_id_entry *entry = table->mask == 0 ? table->list : table->lists[i];
        while (entry != NULL) {
            struct track_id_entry *next = entry->next;
            struct track_id_entry **list = list_for(&grown, entry->id);
            entry->next = *list;
            *list = entry;
            entry = next;
        }
    }
    if (table->mask != 0)
        track_file_free(memory, table->lists, size_of_lists(table->mask));
    *table = grown;
}

void track_id_table_add(struct track_file_memory *memory, struct track_id_table *table, struct track_id_entry *entry)
{
    uint32_t mask = mask_for(table->count);

    if (mask > table->mask)
        grow(memory, table, mask);
    struct track_id_entry **list = list_for(table, entry->id);
    entry->next = *list;
    *list = entry;
    table->count++;
}

void track_id_table_remove(struct track_id_table *table, struct track_id_entry *entry)
{
    struct track_id_entry **link = list_for(table, entry->id);

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    table->count--;
}

wmem_array_t *track_id_table_entries(const struct track_id_table *table)
{
    wmem_array_t *entries = wmem_array_new(NULL, sizeof(struct track_id_entry *));

    for (uint32_t i = 0; i <= table->mask; i++)
        for (struct track_id_entry *entry = table->mask == 0 ? table->list : table->lists[i]; entry != NULL;
             entry = entry->next)
            wmem_array_append(entries, &entry, 1);
    return entries;
}

void track_id_table_free(struct track_file_memory *memory, struct track_id_table *table)
{
    if (table->mask != 0)
        track_file_free(memory, table->lists, size_of_lists(table->mask));
    *table = (struct track_id_table){0};
}
