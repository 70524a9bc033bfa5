/* midstream.h - judges whether a stream that is met in its middle is MQTT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_WIRE_MIDSTREAM_H
#define MQTTSCOPE_WIRE_MIDSTREAM_H

#include <stdbool.h>
#include <stdint.h>

/** What speaks for MQTT in the latest segments of a stream, both directions together. All 0 at first. */
struct mqtt_midstream {
    uint8_t packets; /**< whole, plausible packets */
    uint8_t
        client; /**< the end that has sent what only a Client sends, or received what only a Server does, + 1; 0: none */
};

/** Takes in a segment of one end, 0 or 1. True where enough speaks for MQTT: three plausible packets in segments that whole
 *  packets fill, none of them from the wrong end. A segment that does not fit makes it begin again. */
bool mqtt_midstream_add(struct mqtt_midstream *midstream, unsigned end, const uint8_t *bytes, uint32_t length);

#endif
