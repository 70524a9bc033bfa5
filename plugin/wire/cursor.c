/* cursor.c - bounded reading of a control packet's bytes with a sticky fault.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "cursor.h"

void mqtt_cursor_fail(struct mqtt_cursor *cursor, enum mqtt_fault_kind kind, enum mqtt_field field, struct mqtt_span at,
                      uint32_t needed, uint32_t found)
{
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return;
    cursor->fault = (struct mqtt_fault){.kind = kind, .field = field, .at = at, .needed = needed, .found = found};
}

struct mqtt_span mqtt_cursor_take(struct mqtt_cursor *cursor, enum mqtt_field field, uint32_t length)
{
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return (struct mqtt_span){0, 0};

    uint32_t left = cursor->end - cursor->at;
    struct mqtt_span span = {cursor->at, length};
    if (length > left) {
        span.length = left;
        mqtt_cursor_fail(cursor, cursor->in_block ? MQTT_FAULT_PAST_BLOCK : MQTT_FAULT_PAST_END, field, span, length,
                         left);
    } else if (cursor->at + length > cursor->captured) {
        mqtt_cursor_fail(cursor, MQTT_FAULT_CUT, field, span, length, cursor->captured - cursor->at);
    } else {
        cursor->at += length;
    }
    return span;
}

/** Reads a big-endian number of `size` bytes; 0 after a fault. */
static uint32_t read_number(struct mqtt_cursor *cursor, enum mqtt_field field, uint32_t size)
{
    struct mqtt_span span = mqtt_cursor_take(cursor, field, size);
    uint32_t number = 0;
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return 0;
    for (uint32_t i = 0; i < size; i++)
        number = number << 8 | cursor->bytes[span.at + i];
    return number;
}

uint8_t mqtt_cursor_byte(struct mqtt_cursor *cursor, enum mqtt_field field)
{
    return (uint8_t)read_number(cursor, field, 1);
}

uint16_t mqtt_cursor_two_byte(struct mqtt_cursor *cursor, enum mqtt_field field)
{
    return (uint16_t)read_number(cursor, field, 2);
}

uint32_t mqtt_cursor_four_byte(struct mqtt_cursor *cursor, enum mqtt_field field)
{
    return read_number(cursor, field, 4);
}

uint32_t mqtt_cursor_varint(struct mqtt_cursor *cursor, enum mqtt_field field)
{
    uint32_t start = cursor->at;
    uint32_t number = 0;

    for (unsigned shift = 0; shift < 28; shift += 7) {
        uint8_t byte = mqtt_cursor_byte(cursor, field);
        number |= (uint32_t)(byte & 0x7F) << shift;
        if (cursor->fault.kind != MQTT_FAULT_NONE)
            return 0;
        if (!(byte & 0x80))
            return number;
    }
    cursor->at = start;
    mqtt_cursor_fail(cursor, MQTT_FAULT_VARINT_TOO_LONG, field, (struct mqtt_span){start, 4}, 4, 4);
    return 0;
}

struct mqtt_span mqtt_cursor_string(struct mqtt_cursor *cursor, enum mqtt_field field)
{
    uint32_t start = cursor->at;
    uint16_t length = mqtt_cursor_two_byte(cursor, field);
    struct mqtt_span span = mqtt_cursor_take(cursor, field, length);
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        cursor->at = start;
    return span;
}
