/* observations.h - what was noticed at a packet beyond its fields, kept for those who judge it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_OBSERVATIONS_H
#define MQTTSCOPE_MODEL_OBSERVATIONS_H

#include <stdint.h>

#include "../wire/cursor.h"

/** A row of observations.def. */
enum mqtt_observation_kind {
#define OBSERVATION(symbol, meaning) MQTT_OBSERVED_##symbol,
#include "observations.def"
#undef OBSERVATION
    MQTT_OBSERVATION_KINDS
};

/** One thing noticed at one packet. File scope, never changed. Most packets have none. */
struct mqtt_observation {
    uint32_t frame_at; /**< the packet's place: frame and number in it */
    uint32_t pdu_at;
    uint16_t kind;       /**< enum mqtt_observation_kind */
    uint8_t doubt;       /**< by how many steps what was not seen lowers the severity of a rule that rests on it */
    struct mqtt_span at; /**< the bytes concerned */
    uint32_t frame;      /**< another packet that it is about; 0: none */
    uint32_t value;      /**< numbers; observations.def says which */
    uint32_t other;
};

#endif
