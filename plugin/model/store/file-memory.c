/* file-memory.c - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile peer that sends ever new topics, filters and Client Identifiers could fill all memory. So nothing more is kept
 * over the limit: what rests on it is unknown then.
 */
#include "file-memory.h"

void *track_file_alloc(struct track_file_memory *memory, size_t size)
{
    if (memory->max != 0 && (size > memory->max || memory->used > memory->max - size))
        return NULL;
    memory->used += size;
    return wmem_alloc0(memory->scope, size);
}

void track_file_free(struct track_file_memory *memory, void *block, size_t size)
{
    memory->used -= size;
    wmem_free(memory->scope, block);
}
