/* file-memory.c - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile peer that sends ever new topics, filters and Client Identifiers, or leaves ever more requests without a
 * response, could fill all memory. So nothing more is kept over the limit: what rests on it is unknown then.
 */
#include "file-memory.h"

/** What an allocation takes: Wireshark's allocator has a header for each, and rounds up. */
static uint64_t cost_of(size_t size)
{
    enum { HEADER = 16, UNIT = 16 };
    return (size + HEADER + UNIT - 1) / UNIT * UNIT;
}

bool track_file_charge(struct track_file_memory *memory, uint64_t size)
{
    if (memory->max != 0 && (size > memory->max || memory->used > memory->max - size))
        return false;
    memory->used += size;
    return true;
}

void *track_file_alloc(struct track_file_memory *memory, size_t size)
{
    return track_file_charge(memory, cost_of(size)) ? wmem_alloc0(memory->scope, size) : NULL;
}

void *track_file_alloc_always(struct track_file_memory *memory, size_t size)
{
    memory->used += cost_of(size);
    return wmem_alloc0(memory->scope, size);
}

void *track_file_alloc_entry(struct track_file_memory *memory, size_t size)
{
    return track_file_charge(memory, cost_of(size) + TRACK_MAP_ENTRY_SIZE) ? wmem_alloc0(memory->scope, size) : NULL;
}

void track_file_free(struct track_file_memory *memory, void *block, size_t size)
{
    if (block == NULL)
        return;
    memory->used -= cost_of(size);
    wmem_free(memory->scope, block);
}
