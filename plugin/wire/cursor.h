/* cursor.h - bounded reading of a control packet's bytes with a sticky fault.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cursor has two ends. After `end` the packet is malformed; after `captured` it is cut by the capture, which is no
 * fault of its sender. The first fault is sticky: every later read returns zeros and an empty span, so that a reader need
 * not check after each field.
 */
#ifndef MQTTSCOPE_WIRE_CURSOR_H
#define MQTTSCOPE_WIRE_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

/** A run of bytes, counted from the first byte of the control packet. Byte 0 is always the fixed header, so `at` 0
 *  means that the field is absent. */
struct mqtt_span {
    uint32_t at;
    uint32_t length;
};

/** What is wrong with a packet that is malformed. */
enum mqtt_fault_kind {
    MQTT_FAULT_NONE,
    MQTT_FAULT_CUT, /**< the capture holds fewer bytes than the packet had; not a fault of its sender */
#define FAULT_FIELD(symbol, name)
#define FAULT(symbol, text) MQTT_FAULT_##symbol,
#include "faults.def"
#undef FAULT_FIELD
#undef FAULT
};

/** The field that a fault is about. */
enum mqtt_field {
    MQTT_FIELD_NONE,
    MQTT_FIELD_WHOLE_PACKET, /**< the packet with all its fields */
#define FAULT_FIELD(symbol, name) MQTT_FIELD_##symbol,
#define FAULT(symbol, text)
#include "faults.def"
#undef FAULT_FIELD
#undef FAULT
    MQTT_FIELD_PROPERTY, /**< the value of a property: this plus its enum mqtt_property_index. The last one */
};

/** The first thing that stopped a reader. */
struct mqtt_fault {
    enum mqtt_fault_kind kind;
    enum mqtt_field field;
    struct mqtt_span at; /**< the bytes concerned, within the packet */
    uint32_t needed;     /**< what the field requires; its meaning is that of the kind's text in faults.def */
    uint32_t found;
};

/** A reader's place in one control packet. */
struct mqtt_cursor {
    const uint8_t *bytes; /**< the first byte of the control packet; lives as long as the caller's buffer */
    uint32_t at;          /**< the next byte to read */
    uint32_t end;         /**< the first byte that no longer belongs to what is read */
    uint32_t captured;    /**< the first byte that is not in the buffer */
    bool in_block;        /**< `end` is the end of a property block, not of the packet */
    struct mqtt_fault fault;
};

/** Notes the first fault of a cursor; later ones are ignored. Stops all further reading. */
void mqtt_cursor_fail(struct mqtt_cursor *cursor, enum mqtt_fault_kind kind, enum mqtt_field field, struct mqtt_span at,
                      uint32_t needed, uint32_t found);

/** Takes `length` bytes. Where they are not all there, the fault is noted and the span covers what is left. */
struct mqtt_span mqtt_cursor_take(struct mqtt_cursor *cursor, enum mqtt_field field, uint32_t length);

/** Reads one byte; 0 after a fault. */
uint8_t mqtt_cursor_byte(struct mqtt_cursor *cursor, enum mqtt_field field);

/** Reads a Two Byte Integer (MQTT 5.0 section 1.5.2); 0 after a fault. */
uint16_t mqtt_cursor_two_byte(struct mqtt_cursor *cursor, enum mqtt_field field);

/** Reads a Four Byte Integer (section 1.5.3); 0 after a fault. */
uint32_t mqtt_cursor_four_byte(struct mqtt_cursor *cursor, enum mqtt_field field);

/** Reads a Variable Byte Integer of at most four bytes (section 1.5.5); 0 after a fault. */
uint32_t mqtt_cursor_varint(struct mqtt_cursor *cursor, enum mqtt_field field);

/** Reads a two-byte length and that many bytes: a UTF-8 Encoded String or Binary Data (sections 1.5.4 and 1.5.6). The
 *  span covers the bytes after the length. */
struct mqtt_span mqtt_cursor_string(struct mqtt_cursor *cursor, enum mqtt_field field);

/** True while nothing stopped the cursor and bytes are left before its end. */
static inline bool mqtt_cursor_has_more(const struct mqtt_cursor *cursor)
{
    return cursor->fault.kind == MQTT_FAULT_NONE && cursor->at < cursor->end;
}

#endif
