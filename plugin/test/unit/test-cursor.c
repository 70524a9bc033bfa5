/* test-cursor.c - the cursor reads within its two ends, and says which of them stopped it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check.h"

/** A cursor over the first `captured` of `end` bytes. */
static struct mqtt_cursor cursor_over(struct buffer buffer, uint32_t end)
{
    return (struct mqtt_cursor){.bytes = buffer.bytes, .end = end, .captured = buffer.length};
}

static void numbers_are_big_endian(void)
{
    struct buffer buffer = buffer_from("01 0203 04050607");
    struct mqtt_cursor cursor = cursor_over(buffer, 7);

    CHECK_EQ(mqtt_cursor_byte(&cursor, MQTT_FIELD_PACKET_ID), 0x01);
    CHECK_EQ(mqtt_cursor_two_byte(&cursor, MQTT_FIELD_KEEP_ALIVE), 0x0203);
    CHECK(mqtt_cursor_has_more(&cursor));
    CHECK_EQ(mqtt_cursor_four_byte(&cursor, MQTT_FIELD_PAYLOAD), 0x04050607);
    CHECK(!mqtt_cursor_has_more(&cursor));
    CHECK_EQ(cursor.fault.kind, MQTT_FAULT_NONE);
    free(buffer.bytes);
}

/** Each reader of a number: enough bytes, one too few, none, and one not captured. */
static void numbers_stop_at_each_end(void)
{
    for (uint32_t size = 1; size <= 4; size *= 2) {
        for (uint32_t end = 0; end <= size; end++) {
            for (uint32_t captured = 0; captured <= end; captured++) {
                struct buffer buffer = buffer_of((const uint8_t[]){0xFF, 0xFF, 0xFF, 0xFF}, captured);
                struct mqtt_cursor cursor = cursor_over(buffer, end);
                uint32_t number = size == 1   ? mqtt_cursor_byte(&cursor, MQTT_FIELD_KEEP_ALIVE)
                                  : size == 2 ? mqtt_cursor_two_byte(&cursor, MQTT_FIELD_KEEP_ALIVE)
                                              : mqtt_cursor_four_byte(&cursor, MQTT_FIELD_KEEP_ALIVE);
                enum mqtt_fault_kind kind = end < size        ? MQTT_FAULT_PAST_END
                                            : captured < size ? MQTT_FAULT_CUT
                                                              : MQTT_FAULT_NONE;
                CHECK_EQ(cursor.fault.kind, kind);
                CHECK_EQ(cursor.at, kind == MQTT_FAULT_NONE ? size : 0);
                CHECK_EQ(number, kind == MQTT_FAULT_NONE ? 0xFFFFFFFFu >> (32 - 8 * size) : 0);
                if (kind != MQTT_FAULT_NONE) {
                    CHECK_EQ(cursor.fault.needed, size);
                    CHECK_EQ(cursor.fault.found, kind == MQTT_FAULT_CUT ? captured : end);
                    CHECK_EQ(cursor.fault.field, MQTT_FIELD_KEEP_ALIVE);
                }
                free(buffer.bytes);
            }
        }
    }
}

static void first_fault_stays(void)
{
    struct buffer buffer = buffer_from("00 05 'abc'");
    struct mqtt_cursor cursor = cursor_over(buffer, 5);

    struct mqtt_span span = mqtt_cursor_string(&cursor, MQTT_FIELD_TOPIC_NAME);
    CHECK_EQ(span.at, 2);
    CHECK_EQ(span.length, 3);
    CHECK_EQ(mqtt_cursor_byte(&cursor, MQTT_FIELD_RETURN_CODE), 0);
    CHECK_EQ(mqtt_cursor_take(&cursor, MQTT_FIELD_PAYLOAD, 1).at, 0);
    CHECK_EQ(mqtt_cursor_varint(&cursor, MQTT_FIELD_PROPERTY_LENGTH), 0);
    CHECK_EQ(cursor.fault.kind, MQTT_FAULT_PAST_END);
    CHECK_EQ(cursor.fault.field, MQTT_FIELD_TOPIC_NAME);
    CHECK_EQ(cursor.fault.needed, 5);
    CHECK_EQ(cursor.fault.found, 3);
    CHECK(!mqtt_cursor_has_more(&cursor));
    free(buffer.bytes);
}

static void a_block_is_named_in_the_fault(void)
{
    struct buffer buffer = buffer_from("00 02");
    struct mqtt_cursor cursor = cursor_over(buffer, 2);

    cursor.in_block = true;
    mqtt_cursor_four_byte(&cursor, MQTT_FIELD_KEEP_ALIVE);
    CHECK_EQ(cursor.fault.kind, MQTT_FAULT_PAST_BLOCK);
    free(buffer.bytes);
}

static void strings_stop_at_each_end(void)
{
    static const struct {
        const char *notation;
        uint32_t end;
        enum mqtt_fault_kind kind;
        uint32_t length;
    } rows[] = {
        {"s'abc'", 5, MQTT_FAULT_NONE, 3},     {"s''", 2, MQTT_FAULT_NONE, 0},
        {"s'abc'", 4, MQTT_FAULT_PAST_END, 2}, /* what is left of the packet */
        {"0003 'ab'", 5, MQTT_FAULT_CUT, 3},   /* as announced, though not all of it was captured */
        {"00", 1, MQTT_FAULT_PAST_END, 0},     {"00", 5, MQTT_FAULT_CUT, 0},
        {"ffff", 2, MQTT_FAULT_PAST_END, 0},   {"", 0, MQTT_FAULT_PAST_END, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_cursor cursor = cursor_over(buffer, rows[i].end);
        struct mqtt_span span = mqtt_cursor_string(&cursor, MQTT_FIELD_USER_NAME);
        CHECK_EQ(cursor.fault.kind, rows[i].kind);
        CHECK_EQ(span.length, rows[i].length);
        CHECK_EQ(cursor.at, rows[i].kind == MQTT_FAULT_NONE ? rows[i].end : 0);
        free(buffer.bytes);
    }
}

static void varints_at_their_boundaries(void)
{
    static const struct {
        const char *notation;
        uint32_t number;
        enum mqtt_fault_kind kind;
    } rows[] = {
        {"00", 0, MQTT_FAULT_NONE},
        {"7f", 127, MQTT_FAULT_NONE},
        {"8001", 128, MQTT_FAULT_NONE},
        {"ff7f", 16383, MQTT_FAULT_NONE},
        {"808001", 16384, MQTT_FAULT_NONE},
        {"ffff7f", 2097151, MQTT_FAULT_NONE},
        {"80808001", 2097152, MQTT_FAULT_NONE},
        {"ffffff7f", MQTT_VARINT_MAX, MQTT_FAULT_NONE},
        {"80808080 01", 0, MQTT_FAULT_VARINT_TOO_LONG},
        {"ffffffff 7f", 0, MQTT_FAULT_VARINT_TOO_LONG},
        {"ffffffff ff", 0, MQTT_FAULT_VARINT_TOO_LONG},
        {"8000", 0, MQTT_FAULT_NONE}, /* not minimal, and yet it can be read */
        {"ff808000", 127, MQTT_FAULT_NONE},
        {"80", 0, MQTT_FAULT_PAST_END},
        {"ffffff", 0, MQTT_FAULT_PAST_END},
        {"", 0, MQTT_FAULT_PAST_END},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_cursor cursor = cursor_over(buffer, buffer.length);
        CHECK_EQ(mqtt_cursor_varint(&cursor, MQTT_FIELD_REMAINING_LENGTH), rows[i].number);
        CHECK_EQ(cursor.fault.kind, rows[i].kind);
        if (rows[i].kind == MQTT_FAULT_NONE)
            CHECK_EQ(cursor.at, buffer.length);

        /* Without its last byte it is cut when the packet goes on, never malformed. */
        if (buffer.length > 0 && buffer.length <= 4) {
            struct buffer shorter = buffer_of(buffer.bytes, buffer.length - 1);
            cursor = cursor_over(shorter, buffer.length + 1);
            CHECK_EQ(mqtt_cursor_varint(&cursor, MQTT_FIELD_REMAINING_LENGTH), 0);
            CHECK_EQ(cursor.fault.kind, MQTT_FAULT_CUT);
            free(shorter.bytes);
        }
        free(buffer.bytes);
    }
}

static void frames_at_their_boundaries(void)
{
    static const struct {
        const char *notation;
        enum mqtt_frame_state state;
        uint32_t length;
    } rows[] = {
        {"", MQTT_FRAME_UNFINISHED, 0},
        {"30", MQTT_FRAME_UNFINISHED, 0},
        {"3080", MQTT_FRAME_UNFINISHED, 0},
        {"30ffffff", MQTT_FRAME_UNFINISHED, 0},
        {"c000", MQTT_FRAME_WHOLE, 2},
        {"307f", MQTT_FRAME_WHOLE, 129},
        {"308001", MQTT_FRAME_WHOLE, 131},
        {"30ff7f", MQTT_FRAME_WHOLE, 16386},
        {"30808001", MQTT_FRAME_WHOLE, 16388},
        {"30ffff7f", MQTT_FRAME_WHOLE, 2097155},
        {"3080808001", MQTT_FRAME_WHOLE, 2097157},
        {"30ffffff7f", MQTT_FRAME_WHOLE, 268435460},
        {"3080808080", MQTT_FRAME_UNREADABLE, 0},
        {"30ffffffff7f", MQTT_FRAME_UNREADABLE, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        uint32_t length = 0;
        CHECK_EQ(mqtt_frame(buffer.bytes, buffer.length, &length), rows[i].state);
        CHECK_EQ(length, rows[i].length);
        free(buffer.bytes);
    }
}

int main(void)
{
    RUN(numbers_are_big_endian);
    RUN(numbers_stop_at_each_end);
    RUN(first_fault_stays);
    RUN(a_block_is_named_in_the_fault);
    RUN(strings_stop_at_each_end);
    RUN(varints_at_their_boundaries);
    RUN(frames_at_their_boundaries);
    return FINISH();
}
