/* utf8.h - judges whether bytes are what MQTT calls a UTF-8 Encoded String.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_WIRE_UTF8_H
#define MQTTSCOPE_WIRE_UTF8_H

#include <stdbool.h>
#include <stdint.h>

/** What a string holds, from harmless to forbidden (MQTT 5.0 section 1.5.4); the worst found counts. */
enum mqtt_utf8 {
    MQTT_UTF8_GOOD,
    MQTT_UTF8_NON_CHARACTER, /**< a Unicode non-character: SHOULD NOT be there */
    MQTT_UTF8_CONTROL,       /**< U+0001 to U+001F or U+007F to U+009F: SHOULD NOT be there */
    MQTT_UTF8_NULL,          /**< U+0000: MUST NOT be there, though it is well-formed */
    MQTT_UTF8_ILL_FORMED,    /**< overlong, a surrogate, over U+10FFFF, or no UTF-8 at all */
};

/** Judges `length` bytes. `*at` (may be NULL) is set to the first byte of the worst place. */
enum mqtt_utf8 mqtt_utf8_judge(const uint8_t *bytes, uint32_t length, uint32_t *at);

/** True where the bytes are a string as Java's writeUTF makes them, which MQTT 3.1 section 2.5 names: U+0000 is C0 80, and
 *  a character over U+FFFF is two surrogates of three bytes each. */
bool mqtt_utf8_is_modified(const uint8_t *bytes, uint32_t length);

/** The characters of a string; of an ill-formed one, an estimate. */
uint32_t mqtt_utf8_characters(const uint8_t *bytes, uint32_t length);

/** True where all bytes are printable ASCII characters: what nearly all topics and names are. Fast. */
bool mqtt_utf8_is_plain(const uint8_t *bytes, uint32_t length);

#endif
