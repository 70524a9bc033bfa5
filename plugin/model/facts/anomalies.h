/* anomalies.h - what was found at a packet beyond its fields, for the rules to judge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_ANOMALIES_H
#define MQTTSCOPE_MODEL_FACTS_ANOMALIES_H

#include <stdbool.h>
#include <stdint.h>

#include "../../wire/cursor.h"

/** A row of anomalies.def. */
enum track_anomaly_kind {
#define ANOMALY(symbol, meaning) TRACK_ANOMALY_##symbol,
#include "anomalies.def"
#undef ANOMALY
    TRACK_ANOMALY_KINDS
};

/** Why what was found may not be what it seems: a row of doubts.def. */
enum track_doubt {
#define DOUBT(symbol, steps, words) TRACK_DOUBT_##symbol,
#include "doubts.def"
#undef DOUBT
    TRACK_DOUBTS
};

/** What was not captured that it rests on: a row of lacks.def. */
enum track_lack {
#define LACK(symbol, words) TRACK_LACK_##symbol,
#include "lacks.def"
#undef LACK
    TRACK_LACKS
};

/** One thing found at one packet. File scope, never changed. Most packets have none. */
struct track_anomaly {
    uint32_t frame_at; /**< which packet: its frame and number in it */
    uint32_t pdu_at;
    uint16_t kind;       /**< enum track_anomaly_kind */
    uint8_t doubt;       /**< enum track_doubt: it lowers the severity of a rule that rests on this */
    bool also : 1;       /**< a further fact; anomalies.def says which */
    uint8_t lack : 7;    /**< enum track_lack: TRACK_LACK_NOTHING, or it is undecided, and no rule is broken */
    struct mqtt_span at; /**< the bytes concerned */
    uint32_t frame;      /**< another packet that it is about; 0: none */
    uint32_t value;      /**< numbers; anomalies.def says which */
    uint32_t other;
};

#endif
