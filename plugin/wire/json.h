/* json.h - judges whether bytes are JSON.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_WIRE_JSON_H
#define MQTTSCOPE_WIRE_JSON_H

#include <stdbool.h>
#include <stdint.h>

/** Objects and arrays may be nested this deep; what is deeper is not taken for JSON. */
enum { MQTT_JSON_DEPTH_MAX = 512 };

/** True where the bytes are one JSON object or array (RFC 8259), with nothing but white space around it. Takes time in
 *  proportion to `length`. `*values` is set to the number of values in it, itself included; good where it is JSON. */
bool mqtt_json_check(const uint8_t *text, uint32_t length, uint32_t *values);

#endif
