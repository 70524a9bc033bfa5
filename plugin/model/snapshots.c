/* snapshots.c - the slow facts of a connection, as they were at each of its packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "snapshots.h"

#include <stddef.h>
#include <string.h>

const struct track_snapshot *track_snapshot_at(const struct track_connection *connection, struct track_pdu_ref pdu)
{
    const struct track_snapshots *snapshots = &connection->snapshots;
    uint32_t first = 0;
    uint32_t end = snapshots->earlier_count;

    if (end == 0 || !track_is_before(pdu, snapshots->latest.from))
        return &snapshots->latest;
    while (end - first > 1) {
        uint32_t middle = first + (end - first) / 2;
        if (track_is_before(pdu, snapshots->earlier[middle].from))
            end = middle;
        else
            first = middle;
    }
    return &snapshots->earlier[first];
}

/** Makes room for one earlier snapshot more; false where the memory limit is reached, and that one is the last. Most
 *  connections have one or two: room is made by doubling from there. */
static bool make_snapshot_room(struct track_file_memory *memory, struct track_snapshots *snapshots)
{
    uint32_t count = snapshots->earlier_count;
    size_t size = MAX(1, 2 * (size_t)count) * sizeof *snapshots->earlier;

    if ((count & (count - 1)) != 0) /* no power of two: the room is not used up */
        return true;
    struct track_snapshot *grown = (struct track_snapshot *)track_file_alloc(memory, size);
    bool has_room = grown != NULL;
    if (!has_room)
        grown = (struct track_snapshot *)track_file_alloc_always(memory, (count + (size_t)1) * sizeof *grown);
    if (count > 0)
        memcpy(grown, snapshots->earlier, count * sizeof *grown);
    track_file_free(memory, snapshots->earlier, count * sizeof *grown);
    snapshots->earlier = grown;
    return has_room;
}

bool track_begin_snapshot(struct track_connection *connection, const struct track_snapshot *snapshot)
{
    struct track_snapshots *snapshots = &connection->snapshots;
    const size_t facts_at = sizeof snapshot->from;
    struct track_snapshot next;

    _Static_assert(offsetof(struct track_snapshot, from) == 0, "the facts come after where they hold from");
    if (snapshots->is_closed || memcmp((const char *)snapshot + facts_at, (const char *)&snapshots->latest + facts_at,
                                       sizeof *snapshot - facts_at) == 0)
        return true;
    memcpy(&next, snapshot, sizeof next);
    if (connection->has_packets) {
        snapshots->is_closed = !make_snapshot_room(&connection->capture->memory, snapshots);
        memcpy(&snapshots->earlier[snapshots->earlier_count++], &snapshots->latest, sizeof snapshots->latest);
    }
    if (snapshots->is_closed) {
        next.has_gap = true;
        next.session_known = false;
    }
    memcpy(&snapshots->latest, &next, sizeof next);
    return !snapshots->is_closed;
}
