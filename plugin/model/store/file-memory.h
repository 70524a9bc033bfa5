/* file-memory.h - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_FILE_MEMORY_H
#define MQTTSCOPE_MODEL_STORE_FILE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <wsutil/wmem/wmem.h>

/** A block that was given back and is about to be used again. */
struct track_spare_block {
    struct track_spare_block *next;
};

/** Blocks are used again by their size in units of 16 bytes: what is in flight comes and goes with each packet. */
enum { TRACK_SPARE_UNIT = 16, TRACK_SPARE_SIZES = 16, TRACK_SPARES_MAX = 32 };

/** The memory of one file. Written by file-memory.c. */
struct track_file_memory {
    wmem_allocator_t *scope; /**< owns all of it */
    uint64_t max;            /**< the user's limit in bytes; 0: none */
    uint64_t used;           /**< bytes that are charged to it */
    char *slab;              /**< where the next of what is never given back goes */
    size_t slab_left;        /**< bytes that are free there */
    struct track_spare_block *spares[TRACK_SPARE_SIZES];
    uint8_t spare_counts[TRACK_SPARE_SIZES];
};

/** About what a map takes for one entry: to be charged for what is kept in one. */
enum { TRACK_MAP_ENTRY_SIZE = 64 };

/** Zeroed memory for the file's life, charged to the limit; NULL where that is reached. */
void *track_file_alloc(struct track_file_memory *memory, size_t size);

/** The same without heed to the limit: for what there is once in a file. */
void *track_file_alloc_always(struct track_file_memory *memory, size_t size);

/** Zeroed memory that is never given back, charged to the limit; NULL where that is reached. There may be as many of these as
 *  connections, so they lie side by side, without the allocator's header for each. */
void *track_file_keep(struct track_file_memory *memory, size_t size);

/** The same for what is about to be put into a map. */
void *track_file_keep_entry(struct track_file_memory *memory, size_t size);

/** Gives memory of track_file_alloc() back; NULL is none. */
void track_file_free(struct track_file_memory *memory, void *block, size_t size);

/** Charges memory that is allocated elsewhere; false where the limit is reached. */
bool track_file_charge(struct track_file_memory *memory, uint64_t size);

#endif
