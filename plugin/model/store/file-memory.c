/* file-memory.c - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A hostile peer that sends ever new topics, filters and Client Identifiers, or leaves ever more requests without a
 * response, could fill all memory. So nothing more is kept over the limit: what rests on it is unknown then.
 */
#include "file-memory.h"

#include <string.h>

/** A size as it is allocated. */
static size_t rounded(size_t size)
{
    return (size + TRACK_SPARE_UNIT - 1) / TRACK_SPARE_UNIT * TRACK_SPARE_UNIT;
}

/** What an allocation takes: Wireshark's allocator has a header for each. */
static uint64_t cost_of(size_t size)
{
    enum { HEADER = 16 };
    return rounded(size) + HEADER;
}

/** Zeroed memory: a block that was given back, or a new one. */
static void *take_block(struct track_file_memory *memory, size_t size)
{
    size_t class = rounded(size) / TRACK_SPARE_UNIT - 1;
    struct track_spare_block *spare = class < TRACK_SPARE_SIZES ? memory->spares[class] : NULL;

    if (spare == NULL)
        return wmem_alloc0(memory->scope, rounded(size));
    memory->spares[class] = spare->next;
    memory->spare_counts[class]--;
    return memset(spare, 0, size);
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
    return track_file_charge(memory, cost_of(size)) ? take_block(memory, size) : NULL;
}

void *track_file_alloc_always(struct track_file_memory *memory, size_t size)
{
    memory->used += cost_of(size);
    return take_block(memory, size);
}

enum { SLAB_UNIT = 8, SLAB_SIZE = 65536 };

static size_t slab_size(size_t size)
{
    return (size + SLAB_UNIT - 1) / SLAB_UNIT * SLAB_UNIT;
}

/** Zeroed memory of the current slab, or of the next one. */
static void *take_of_slab(struct track_file_memory *memory, size_t size)
{
    if (size > SLAB_SIZE / 8)
        return wmem_alloc0(memory->scope, size);
    if (size > memory->slab_left) {
        memory->slab = (char *)wmem_alloc0(memory->scope, SLAB_SIZE);
        memory->slab_left = SLAB_SIZE;
    }
    void *taken = memory->slab;
    memory->slab += size;
    memory->slab_left -= size;
    return taken;
}

void *track_file_keep(struct track_file_memory *memory, size_t size)
{
    size_t taken = slab_size(size);

    return track_file_charge(memory, taken) ? take_of_slab(memory, taken) : NULL;
}

void *track_file_keep_entry(struct track_file_memory *memory, size_t size)
{
    size_t taken = slab_size(size);

    return track_file_charge(memory, taken + TRACK_MAP_ENTRY_SIZE) ? take_of_slab(memory, taken) : NULL;
}

void track_file_free(struct track_file_memory *memory, void *block, size_t size)
{
    size_t class = rounded(size) / TRACK_SPARE_UNIT - 1;
    struct track_spare_block *spare = (struct track_spare_block *)block;

    if (block == NULL)
        return;
    memory->used -= cost_of(size);
    if (class >= TRACK_SPARE_SIZES || memory->spare_counts[class] == TRACK_SPARES_MAX) {
        wmem_free(memory->scope, block);
        return;
    }
    spare->next = memory->spares[class];
    memory->spares[class] = spare;
    memory->spare_counts[class]++;
}
