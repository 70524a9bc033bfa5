/* pieces.c - long lists of equal items, in large pieces of memory, ordered by a key.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "pieces.h"

void track_pieces_begin(struct track_pieces *pieces, wmem_allocator_t *scope, size_t item_size,
                        uint64_t (*key_of)(const void *item))
{
    *pieces = (struct track_pieces){
        .scope = scope, .starts = wmem_array_new(scope, sizeof(char *)), .item_size = item_size, .key_of = key_of};
}

void *track_pieces_item(const struct track_pieces *pieces, uint32_t index)
{
    return pieces->raw[index / TRACK_PIECE_ITEMS] + index % TRACK_PIECE_ITEMS * pieces->item_size;
}

size_t track_pieces_growth(const struct track_pieces *pieces)
{
    return pieces->count % TRACK_PIECE_ITEMS == 0 ? TRACK_PIECE_ITEMS * pieces->item_size : 0;
}

void *track_pieces_add(struct track_pieces *pieces)
{
    size_t growth = track_pieces_growth(pieces);

    if (growth > 0) {
        char *start = (char *)wmem_alloc0(pieces->scope, growth);
        wmem_array_append_one(pieces->starts, start);
        pieces->raw = (char **)wmem_array_get_raw(pieces->starts);
    }
    return track_pieces_item(pieces, pieces->count++);
}

uint32_t track_pieces_count_to(const struct track_pieces *pieces, uint64_t key)
{
    uint32_t first = 0;
    uint32_t end = pieces->count;

    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        if (pieces->key_of(track_pieces_item(pieces, middle)) <= key)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

void *track_pieces_find(const struct track_pieces *pieces, uint64_t key)
{
    uint32_t count = track_pieces_count_to(pieces, key);
    return count > 0 ? track_pieces_item(pieces, count - 1) : NULL;
}
