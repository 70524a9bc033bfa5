/* journey-state.h - what a connection keeps for the journeys of messages.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_JOURNEY_STATE_H
#define MQTTSCOPE_MODEL_PROTOCOL_JOURNEY_STATE_H

#include <stdbool.h>
#include <stdint.h>

struct track_journey_place;

/** A connection as a source and an end of messages. Written by journey.c; `usual_us` by journey-link.c. */
struct track_journey_state {
    struct track_journey_place *place; /**< its broker; NULL while that is not known */
    uint32_t source;                   /**< index + 1 among the sources of publications; 0: none yet */
    uint32_t will;                     /**< index + 1 of the Will that it had last; 0: none */
    uint32_t lanes;                    /**< the number of the connection with which its lanes began */
    uint32_t delivered_to;  /**< index + 1 of the latest publication that a delivery was linked to; journey-link.c */
    uint32_t begun_at;      /**< how many publications there were at the CONNECT */
    uint32_t subscribed_in; /**< the frame of the first SUBSCRIBE; 0: none yet */
    uint32_t usual_us;      /**< what the broker takes for a delivery, as a moving average; 0: not known yet */
    uint8_t broker;         /**< the end that `place` is the address of */
    bool is_whole;          /**< nothing that it is delivered was published before the capture */
    bool is_doubted;        /**< that it lacks its beginning was noted */
};

#endif
