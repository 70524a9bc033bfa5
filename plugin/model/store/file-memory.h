/* file-memory.h - the memory for what has to be known for as long as the file is open, and the user's limit for it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_FILE_MEMORY_H
#define MQTTSCOPE_MODEL_STORE_FILE_MEMORY_H

#include <stdint.h>

#include <glib.h>
#include <wsutil/wmem/wmem.h>

/** The memory of one file. */
struct track_file_memory {
    wmem_allocator_t *scope; /**< owns all of it */
    uint64_t max;            /**< the user's limit in bytes; 0: none */
    uint64_t used;           /**< bytes that track_file_alloc() has handed out */
};

/** About what a map takes for one entry: to be counted with what is kept in one. */
enum { TRACK_MAP_ENTRY_SIZE = 32 };

/** Zeroed memory for the file's life; NULL where the user's limit is reached. */
void *track_file_alloc(struct track_file_memory *memory, size_t size);

/** Gives memory of track_file_alloc() back. */
void track_file_free(struct track_file_memory *memory, void *block, size_t size);

#endif
