/* pieces.h - long lists of equal items, in large pieces of memory, ordered by a key.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_PIECES_H
#define MQTTSCOPE_MODEL_STORE_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <wsutil/wmem/wmem.h>

enum { TRACK_PIECE_ITEMS = 1024 };

/** A list of equal items in pieces, ordered by the 64-bit key that `key_of` reads from an item. Items stay where they are. */
struct track_pieces {
    wmem_allocator_t *scope;
    wmem_array_t *starts; /**< the pieces: pointers to `TRACK_PIECE_ITEMS` items each */
    char **raw;           /**< what `starts` holds */
    size_t item_size;
    uint32_t count;
    uint64_t (*key_of)(const void *item);
};

/** Begins an empty list in a scope. */
void track_pieces_begin(struct track_pieces *pieces, wmem_allocator_t *scope, size_t item_size,
                        uint64_t (*key_of)(const void *item));

/** The item of an index, which is less than the count. */
void *track_pieces_item(const struct track_pieces *pieces, uint32_t index);

/** The bytes that one more item allocates: those of a piece, or none. */
size_t track_pieces_growth(const struct track_pieces *pieces);

/** Adds an item of zeros. Its key must not be below that of the item before. */
void *track_pieces_add(struct track_pieces *pieces);

/** How many items have a key that is not above `key`. */
uint32_t track_pieces_count_to(const struct track_pieces *pieces, uint64_t key);

/** The last item whose key is not above `key`; NULL where there is none. */
void *track_pieces_find(const struct track_pieces *pieces, uint64_t key);

#endif
