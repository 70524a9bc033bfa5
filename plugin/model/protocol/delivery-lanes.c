/* delivery-lanes.c - up to which publication a subscriber has been delivered what it gets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "delivery-lanes.h"

enum { LANES_FIRST = 256 };

/** The slot of a key: where its lane is, or where it is to be. */
static struct track_delivery_lane *find_lane(const struct track_delivery_lanes *lanes, uint64_t key)
{
    uint32_t at = (uint32_t)key & lanes->mask;

    while (lanes->slots[at].key != 0 && lanes->slots[at].key != key)
        at = (at + 1) & lanes->mask;
    return &lanes->slots[at];
}

const struct track_delivery_lane *track_delivery_lane_find(const struct track_delivery_lanes *lanes, uint64_t key)
{
    const struct track_delivery_lane *lane = lanes->mask != 0 ? find_lane(lanes, key) : NULL;
    return lane != NULL && lane->key != 0 ? lane : NULL;
}

/** Makes room for one more. False where the memory limit is reached. */
static bool make_lane(struct track_delivery_lanes *lanes, struct track_file_memory *memory)
{
    struct track_delivery_lane *old = lanes->slots;
    uint32_t old_slots = old != NULL ? lanes->mask + 1 : 0;
    uint32_t slots = old != NULL ? old_slots * 2 : LANES_FIRST;

    if (lanes->count < old_slots - old_slots / 4)
        return true;
    if (!track_file_charge(memory, (uint64_t)(slots - old_slots) * sizeof *old))
        return false;
    lanes->slots = wmem_alloc0_array(memory->scope, struct track_delivery_lane, slots);
    lanes->mask = slots - 1;
    for (uint32_t i = 0; i < old_slots; i++)
        if (old[i].key != 0)
            *find_lane(lanes, old[i].key) = old[i];
    if (old != NULL)
        wmem_free(memory->scope, old);
    return true;
}

void track_delivery_lane_move(struct track_delivery_lanes *lanes, struct track_file_memory *memory, uint64_t key,
                              uint32_t floor, uint32_t ranked)
{
    if (!make_lane(lanes, memory))
        return;
    struct track_delivery_lane *lane = find_lane(lanes, key);
    lanes->count += lane->key == 0;
    lane->key = key;
    lane->floor = MAX(lane->floor, floor);
    lane->ranked = MAX(lane->ranked, ranked);
}
