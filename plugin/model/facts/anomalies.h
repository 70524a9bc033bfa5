/* anomalies.h - what was noticed at a packet beyond its fields, kept for those who judge it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_OBSERVATIONS_H
#define MQTTSCOPE_MODEL_OBSERVATIONS_H

#include <stdint.h>

#include "../../wire/cursor.h"

/** A row of anomalies.def. */
enum track_anomaly_kind {
#define ANOMALY(symbol, meaning) TRACK_ANOMALY_##symbol,
#include "anomalies.def"
#undef ANOMALY
    TRACK_ANOMALY_KINDS
};

/** One thing noticed at one packet. File scope, never changed. Most packets have none. */
struct track_anomaly {
    uint32_t frame_at; /**< the packet's place: frame and number in it */
    uint32_t pdu_at;
    uint16_t kind;       /**< enum track_anomaly_kind */
    uint8_t doubt;       /**< by how many steps what was not seen lowers the severity of a rule that rests on it */
    struct mqtt_span at; /**< the bytes concerned */
    uint32_t frame;      /**< another packet that it is about; 0: none */
    uint32_t value;      /**< numbers; anomalies.def says which */
    uint32_t other;
};

#endif
