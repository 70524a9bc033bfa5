/* properties.c - reads and walks the property blocks of MQTT 5.0 (section 2.2.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stddef.h>

#include "packet.h"

#define IN(packet) (1u << MQTT_TYPE_##packet)
#define IN_EVERY_BLOCK                                                                                                 \
    (IN(CONNECT) | IN(WILL) | IN(CONNACK) | IN(PUBLISH) | IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) |         \
     IN(SUBSCRIBE) | IN(SUBACK) | IN(UNSUBSCRIBE) | IN(UNSUBACK) | IN(DISCONNECT) | IN(AUTH))

static const struct mqtt_property_info property_infos[MQTT_PROPERTY_COUNT] = {
#define PROPERTY(symbol, id, name, type, meaning, field, packets, repeats)                                             \
    {name, packets, repeats, id, MQTT_PROPERTY_##type},
#include "properties.def"
#undef PROPERTY
};

/* Index + 1 for each identifier, so that identifiers without a property are 0. */
static const uint8_t index_by_id[] = {
#define PROPERTY(symbol, id, name, type, meaning, field, packets, repeats) [id] = MQTT_PROPERTY_##symbol + 1,
#include "properties.def"
#undef PROPERTY
};

enum { LAST_ID = sizeof index_by_id - 1 };

const struct mqtt_property_info *mqtt_property_info(enum mqtt_property_index index)
{
    return &property_infos[index];
}

/** Reads the value of a property whose index is known. */
static void read_value(struct mqtt_cursor *cursor, struct mqtt_property *property)
{
    enum mqtt_field field = (enum mqtt_field)(MQTT_FIELD_PROPERTY + property->index);

    property->number = 0;
    property->text = property->text2 = (struct mqtt_span){0, 0};
    switch (property_infos[property->index].type) {
    case MQTT_PROPERTY_BYTE:
        property->number = mqtt_cursor_byte(cursor, field);
        break;
    case MQTT_PROPERTY_TWO_BYTE:
        property->number = mqtt_cursor_two_byte(cursor, field);
        break;
    case MQTT_PROPERTY_FOUR_BYTE:
        property->number = mqtt_cursor_four_byte(cursor, field);
        break;
    case MQTT_PROPERTY_VARINT:
        property->number = mqtt_cursor_varint(cursor, field);
        break;
    case MQTT_PROPERTY_TEXT:
    case MQTT_PROPERTY_BINARY:
        property->text = mqtt_cursor_string(cursor, field);
        break;
    case MQTT_PROPERTY_PAIR:
        property->text = mqtt_cursor_string(cursor, field);
        property->text2 = mqtt_cursor_string(cursor, field);
        break;
    }
}

/** Reads one property. On a fault the cursor is at the property's beginning. */
static bool read_property(struct mqtt_cursor *cursor, struct mqtt_property *property)
{
    uint32_t start = cursor->at;
    uint32_t id = mqtt_cursor_varint(cursor, MQTT_FIELD_PROPERTY_ID);
    uint32_t value_at = cursor->at;

    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return false;
    if (id > LAST_ID || index_by_id[id] == 0) {
        mqtt_cursor_fail(cursor, MQTT_FAULT_PROPERTY_UNKNOWN, MQTT_FIELD_PROPERTY_ID,
                         (struct mqtt_span){start, value_at - start}, LAST_ID, id);
        cursor->at = start;
        return false;
    }
    property->index = (enum mqtt_property_index)(index_by_id[id] - 1);
    read_value(cursor, property);
    if (cursor->fault.kind != MQTT_FAULT_NONE) {
        cursor->at = start;
        return false;
    }
    property->whole = (struct mqtt_span){start, cursor->at - start};
    property->value = (struct mqtt_span){value_at, cursor->at - value_at};
    return true;
}

void mqtt_properties_read(struct mqtt_cursor *cursor, struct mqtt_properties *properties, enum mqtt_field field)
{
    uint32_t start = cursor->at;
    uint32_t announced = mqtt_cursor_varint(cursor, field);
    uint32_t packet_end = cursor->end;

    properties->seen = properties->repeated = 0;
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return;
    properties->length_at = (struct mqtt_span){start, cursor->at - start};
    properties->announced = announced;
    if (announced > packet_end - cursor->at) {
        properties->block = (struct mqtt_span){cursor->at, packet_end - cursor->at};
        mqtt_cursor_fail(cursor, MQTT_FAULT_BLOCK_PAST_END, field, properties->length_at, announced,
                         packet_end - cursor->at);
        return;
    }

    properties->block = (struct mqtt_span){cursor->at, announced};
    cursor->end = cursor->at + announced;
    cursor->in_block = true;
    struct mqtt_property property;
    while (mqtt_cursor_has_more(cursor) && read_property(cursor, &property)) {
        uint32_t bit = mqtt_property_bit(property.index);
        if (properties->seen & bit)
            properties->repeated |= bit;
        else
            properties->first[property.index] = property;
        properties->seen |= bit;
    }
    cursor->end = packet_end;
    cursor->in_block = false;
}

bool mqtt_properties_next(const struct mqtt_packet *packet, const struct mqtt_properties *properties, uint32_t *at,
                          struct mqtt_property *property)
{
    if (properties->length_at.at == 0 || properties->block.length != properties->announced)
        return false;

    struct mqtt_cursor cursor = {.bytes = packet->bytes,
                                 .at = *at ? *at : properties->block.at,
                                 .end = properties->block.at + properties->block.length,
                                 .captured = packet->captured};
    if (!mqtt_cursor_has_more(&cursor) || !read_property(&cursor, property))
        return false;
    *at = cursor.at;
    return true;
}

const struct mqtt_property *mqtt_properties_find(const struct mqtt_properties *properties,
                                                 enum mqtt_property_index index)
{
    return properties->seen & mqtt_property_bit(index) ? &properties->first[index] : NULL;
}
