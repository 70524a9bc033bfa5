/* delivery-lanes.h - up to which publication a subscriber has been delivered what it gets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Server delivers what one Client publishes to one topic at one QoS in order (MQTT 5.0 section 4.6): that is a lane. What is
 * before the last certain delivery of a lane is not delivered any more. Topics and subscribers are a hash, so that a lane
 * takes 16 bytes.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_DELIVERY_LANES_H
#define MQTTSCOPE_MODEL_PROTOCOL_DELIVERY_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "../store/file-memory.h"

/** A lane; indexes + 1 of publications, 0: none yet. */
struct track_delivery_lane {
    uint64_t key;    /**< a hash of what the lane is; 0: the slot is free */
    uint32_t floor;  /**< the last one that was certainly delivered */
    uint32_t ranked; /**< the last one that was certainly or likely delivered */
};

/** The lanes of a capture: a table with open addressing. Written by delivery-lanes.c. */
struct track_delivery_lanes {
    struct track_delivery_lane *slots;
    uint32_t mask; /**< slots, less one; 0: there are none yet */
    uint32_t count;
};

/** The lane of a key; NULL where nothing was delivered in it. */
const struct track_delivery_lane *track_delivery_lane_find(const struct track_delivery_lanes *lanes, uint64_t key);

/** Moves a lane on; nothing moves back. Made where there is none; where the memory limit is reached it is left out. */
void track_delivery_lane_move(struct track_delivery_lanes *lanes, struct track_file_memory *memory, uint64_t key,
                              uint32_t floor, uint32_t ranked);

/** Stirs two hashes into one. */
static inline uint64_t track_mix(uint64_t one, uint64_t other)
{
    uint64_t mixed = (one ^ other >> 29) * UINT64_C(0x9E3779B97F4A7C15) + other;

    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return mixed ^ mixed >> 32;
}

#endif
