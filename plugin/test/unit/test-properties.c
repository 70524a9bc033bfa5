/* test-properties.c - property blocks: each property, and what can be wrong with a block.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check.h"

#define IN(packet) (1u << MQTT_TYPE_##packet)

/** A value of each type in the notation of samples.c, and what is read from it. */
static const char *const values[] = {
    [MQTT_PROPERTY_BYTE] = "5a",
    [MQTT_PROPERTY_TWO_BYTE] = "0102",
    [MQTT_PROPERTY_FOUR_BYTE] = "01020304",
    [MQTT_PROPERTY_VARINT] = "ffffff7f",
    [MQTT_PROPERTY_TEXT] = "s'text'",
    [MQTT_PROPERTY_BINARY] = "s'text'",
    [MQTT_PROPERTY_PAIR] = "s'text' s'more'",
};
static const uint32_t numbers[] = {
    [MQTT_PROPERTY_BYTE] = 0x5A,
    [MQTT_PROPERTY_TWO_BYTE] = 0x0102,
    [MQTT_PROPERTY_FOUR_BYTE] = 0x01020304,
    [MQTT_PROPERTY_VARINT] = 0x0FFFFFFF,
    [MQTT_PROPERTY_TEXT] = 0,
    [MQTT_PROPERTY_BINARY] = 0,
    [MQTT_PROPERTY_PAIR] = 0,
};
static const uint32_t lengths[] = {
    [MQTT_PROPERTY_BYTE] = 1, [MQTT_PROPERTY_TWO_BYTE] = 2, [MQTT_PROPERTY_FOUR_BYTE] = 4, [MQTT_PROPERTY_VARINT] = 4,
    [MQTT_PROPERTY_TEXT] = 6, [MQTT_PROPERTY_BINARY] = 6,   [MQTT_PROPERTY_PAIR] = 12,
};

/** A PUBACK with one property. */
static struct buffer with_property(uint8_t id, const char *value)
{
    char notation[100];
    snprintf(notation, sizeof notation, "40 { 0001 00 { %02x %s } }", id, value);
    return buffer_from(notation);
}

/** Checks the only property of a block: by the search and by the iterator. */
static void check_single(const struct mqtt_packet *packet, enum mqtt_property_index index)
{
    const struct mqtt_property_info *info = mqtt_property_info(index);
    const struct mqtt_property *found = mqtt_properties_find(&packet->properties, index);
    struct mqtt_property walked;
    uint32_t at = 0;

    CHECK_EQ(packet->fault.kind, MQTT_FAULT_NONE);
    CHECK_EQ(packet->properties.seen, 1u << index);
    CHECK_EQ(packet->properties.repeated, 0);
    if (!CHECK(found != NULL) || !CHECK(mqtt_properties_next(packet, &packet->properties, &at, &walked)))
        return;
    CHECK_EQ(walked.index, index);
    CHECK_EQ(found->number, numbers[info->type]);
    CHECK_EQ(walked.number, found->number);
    CHECK_EQ(found->value.length, lengths[info->type]);
    CHECK_EQ(found->whole.length, found->value.length + 1);
    CHECK_EQ(packet->bytes[found->whole.at], info->id);
    bool has_text = info->type >= MQTT_PROPERTY_TEXT;
    CHECK_EQ(found->text.at != 0, has_text);
    if (has_text)
        CHECK(found->text.length == 4 && memcmp(packet->bytes + found->text.at, "text", 4) == 0);
    CHECK_EQ(found->text2.at != 0, info->type == MQTT_PROPERTY_PAIR);
    if (info->type == MQTT_PROPERTY_PAIR)
        CHECK(found->text2.length == 4 && memcmp(packet->bytes + found->text2.at, "more", 4) == 0);
    CHECK(!mqtt_properties_next(packet, &packet->properties, &at, &walked));
}

/** Boundary quartet of each property: whole, a byte too few, empty, cut. */
static void each_property_is_read(void)
{
    for (unsigned i = 0; i < MQTT_PROPERTY_COUNT; i++) {
        enum mqtt_property_index index = (enum mqtt_property_index)i;
        const struct mqtt_property_info *info = mqtt_property_info(index);
        struct buffer buffer = with_property(info->id, values[info->type]);
        struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
        check_single(&packet, index);

        /* The block ends a byte early: what follows it belongs to nobody. */
        buffer.bytes[5]--;
        packet = decode_whole(buffer, MQTT_V50);
        CHECK_EQ(packet.fault.kind, MQTT_FAULT_PAST_BLOCK);
        CHECK_TEXT(mqtt_fault_field_name(&packet), info->name);
        CHECK_EQ(packet.properties.seen, 0);
        CHECK_EQ(packet.read_to, 6);
        buffer.bytes[5] = 1;
        packet = decode_whole(buffer, MQTT_V50);
        CHECK_EQ(packet.fault.kind, MQTT_FAULT_PAST_BLOCK);
        buffer.bytes[5] = (uint8_t)(lengths[info->type] + 1);

        for (uint32_t captured = 6; captured < buffer.length; captured++) {
            struct buffer cut = buffer_of(buffer.bytes, captured);
            mqtt_decode(&packet, cut.bytes, captured, buffer.length, MQTT_V50);
            CHECK_EQ(packet.fault.kind, MQTT_FAULT_CUT);
            CHECK_EQ(packet.properties.seen, 0);
            free(cut.bytes);
        }
        free(buffer.bytes);
    }
}

static void each_identifier_is_known_or_refused(void)
{
    for (unsigned id = 0; id < 128; id++) {
        bool known = false;
        for (unsigned i = 0; i < MQTT_PROPERTY_COUNT; i++)
            known |= mqtt_property_info((enum mqtt_property_index)i)->id == id;
        struct buffer buffer = with_property((uint8_t)id, "");
        struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
        CHECK_EQ(packet.fault.kind, known ? MQTT_FAULT_PAST_BLOCK : MQTT_FAULT_PROPERTY_UNKNOWN);
        if (!known)
            CHECK_EQ(packet.fault.found, id);
        free(buffer.bytes);
    }
}

/** Table 2-4, written down a second time by packet instead of by property. */
static void places_are_those_of_the_specification(void)
{
    static const struct {
        unsigned packet;
        const char *ids;
    } rows[] = {
        {MQTT_TYPE_CONNECT, "\x11\x15\x16\x17\x19\x21\x22\x26\x27"},
        {MQTT_TYPE_WILL, "\x01\x02\x03\x08\x09\x18\x26"},
        {MQTT_TYPE_CONNACK, "\x11\x12\x13\x15\x16\x1A\x1C\x1F\x21\x22\x24\x25\x26\x27\x28\x29\x2A"},
        {MQTT_TYPE_PUBLISH, "\x01\x02\x03\x08\x09\x0B\x23\x26"},
        {MQTT_TYPE_PUBACK, "\x1F\x26"},
        {MQTT_TYPE_PUBREC, "\x1F\x26"},
        {MQTT_TYPE_PUBREL, "\x1F\x26"},
        {MQTT_TYPE_PUBCOMP, "\x1F\x26"},
        {MQTT_TYPE_SUBSCRIBE, "\x0B\x26"},
        {MQTT_TYPE_SUBACK, "\x1F\x26"},
        {MQTT_TYPE_UNSUBSCRIBE, "\x26"},
        {MQTT_TYPE_UNSUBACK, "\x1F\x26"},
        {MQTT_TYPE_PINGREQ, ""},
        {MQTT_TYPE_PINGRESP, ""},
        {MQTT_TYPE_DISCONNECT, "\x11\x1C\x1F\x26"},
        {MQTT_TYPE_AUTH, "\x15\x16\x1F\x26"},
    };

    bool is_named[128] = {false};
    unsigned named = 0;

    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        for (const char *id = rows[row].ids; *id != '\0'; id++)
            is_named[(unsigned char)*id] = true;
        for (unsigned i = 0; i < MQTT_PROPERTY_COUNT; i++) {
            const struct mqtt_property_info *info = mqtt_property_info((enum mqtt_property_index)i);
            bool allowed = strchr(rows[row].ids, info->id) != NULL;
            CHECK_EQ(info->packets >> rows[row].packet & 1, allowed);
            bool repeats = info->id == 0x26 || (info->id == 0x0B && rows[row].packet == MQTT_TYPE_PUBLISH);
            CHECK_EQ(info->repeats >> rows[row].packet & 1, allowed && repeats);
        }
    }
    for (unsigned id = 0; id < sizeof is_named; id++)
        named += is_named[id];
    CHECK_EQ(named, MQTT_PROPERTY_COUNT);
}

/** In a packet where it must not stand a property is read all the same: judging is not reading. */
static void a_property_in_the_wrong_place_is_read(void)
{
    struct buffer buffer = buffer_from("30 { s'a' { 21 0014 } 'x' }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
    CHECK(mqtt_properties_find(&packet.properties, MQTT_PROPERTY_RECEIVE_MAXIMUM) != NULL);
    CHECK(!mqtt_packet_is_plausible(&packet));
    free(buffer.bytes);
}

static void repetitions_are_seen(void)
{
    struct buffer buffer = buffer_from("30 { s'a' { 23 0001 26 s'k' s'v' 23 0002 26 s'k' s'w' 01 00 } 'x' }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
    struct mqtt_property property;
    uint32_t at = 0, count = 0;

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
    CHECK_EQ(packet.properties.repeated, 1u << MQTT_PROPERTY_TOPIC_ALIAS | 1u << MQTT_PROPERTY_USER_PROPERTY);
    CHECK_EQ(mqtt_properties_find(&packet.properties, MQTT_PROPERTY_TOPIC_ALIAS)->number, 1); /* the first */
    while (mqtt_properties_next(&packet, &packet.properties, &at, &property))
        count++;
    CHECK_EQ(count, 5);
    free(buffer.bytes);
}

/** Two blocks in one packet: a fault in the second leaves the first one standing. */
static void a_broken_will_block_leaves_the_other_alone(void)
{
    struct buffer buffer = buffer_from("10 { s'MQTT' 05 06 003c { 21 0014 } s'me' 7f 18 00000005 }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
    struct mqtt_property property;
    uint32_t at = 0;

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_BLOCK_PAST_END);
    CHECK_TEXT(mqtt_fault_field_name(&packet), "Will Property Length");
    CHECK_EQ(packet.fault.needed, 127);
    CHECK_EQ(packet.fault.found, 5);
    CHECK(mqtt_properties_next(&packet, &packet.properties, &at, &property));
    CHECK_EQ(property.index, MQTT_PROPERTY_RECEIVE_MAXIMUM);
    at = 0;
    CHECK(!mqtt_properties_next(&packet, &packet.connect.will_properties, &at, &property));
    free(buffer.bytes);
}

static void block_lengths_at_their_boundaries(void)
{
    static const struct {
        const char *notation;
        enum mqtt_fault_kind kind;
    } rows[] = {
        {"e0 { 00 00 }", MQTT_FAULT_NONE},
        {"e0 { 00 8000 }", MQTT_FAULT_NONE}, /* not minimal */
        {"e0 { 00 07 26 s'k' s'v' }", MQTT_FAULT_NONE},
        {"e0 { 00 08 26 s'k' s'v' }", MQTT_FAULT_BLOCK_PAST_END},
        {"e0 { 00 06 26 s'k' s'v' }", MQTT_FAULT_PAST_BLOCK},
        {"e0 { 00 ffffff7f }", MQTT_FAULT_BLOCK_PAST_END},
        {"e0 { 00 80808080 01 }", MQTT_FAULT_VARINT_TOO_LONG},
        {"e0 { 00 80 }", MQTT_FAULT_PAST_END},
        {"e0 { 00 { 8b80808000 05 } }", MQTT_FAULT_VARINT_TOO_LONG}, /* an identifier of five bytes */
        {"e0 { 00 { 80 } }", MQTT_FAULT_PAST_BLOCK},
        {"e0 { 00 { 8b00 05 } }", MQTT_FAULT_NONE}, /* an identifier of two bytes where one does */
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
        CHECK_EQ(packet.fault.kind, rows[i].kind);
        free(buffer.bytes);
    }
}

static void user_properties_stand_in_every_block(void)
{
    const struct mqtt_property_info *info = mqtt_property_info(MQTT_PROPERTY_USER_PROPERTY);
    uint32_t pings = IN(PINGREQ) | IN(PINGRESP);
    CHECK_EQ(info->packets, (0x1FFFEu & ~pings));
    CHECK_EQ(info->repeats, info->packets);
}

int main(void)
{
    RUN(each_property_is_read);
    RUN(each_identifier_is_known_or_refused);
    RUN(places_are_those_of_the_specification);
    RUN(a_property_in_the_wrong_place_is_read);
    RUN(repetitions_are_seen);
    RUN(a_broken_will_block_leaves_the_other_alone);
    RUN(block_lengths_at_their_boundaries);
    RUN(user_properties_stand_in_every_block);
    return FINISH();
}
