/* test-text.c - the UTF-8 judge, and the names that codes and packet types have.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../../wire/utf8.h"
#include "check.h"

static void utf8_is_judged(void)
{
    static const struct {
        const char *notation;
        enum mqtt_utf8 verdict;
        uint32_t at;
    } rows[] = {
        {"", MQTT_UTF8_GOOD, 0},
        {"'abc'", MQTT_UTF8_GOOD, 0},
        {"20", MQTT_UTF8_GOOD, 0},
        {"7e", MQTT_UTF8_GOOD, 0},
        {"c3bc", MQTT_UTF8_GOOD, 0},
        {"c2a0", MQTT_UTF8_GOOD, 0},   /* U+00A0, the first behind the C1 controls */
        {"efbbbf", MQTT_UTF8_GOOD, 0}, /* U+FEFF must not be stripped or refused [MQTT-1.5.4-3] */
        {"ed9fbf", MQTT_UTF8_GOOD, 0}, /* U+D7FF */
        {"ee8080", MQTT_UTF8_GOOD, 0}, /* U+E000 */
        {"f09f9880", MQTT_UTF8_GOOD, 0},
        {"f0908080", MQTT_UTF8_GOOD, 0}, /* U+10000, the smallest of four bytes */
        {"'a' 01", MQTT_UTF8_CONTROL, 1},
        {"'ab' 1f", MQTT_UTF8_CONTROL, 2},
        {"7f", MQTT_UTF8_CONTROL, 0},
        {"c280", MQTT_UTF8_CONTROL, 0},
        {"'a' c29f", MQTT_UTF8_CONTROL, 1},
        {"'a' efbfbe", MQTT_UTF8_NON_CHARACTER, 1}, /* U+FFFE */
        {"efbfbf", MQTT_UTF8_NON_CHARACTER, 0},
        {"efb790", MQTT_UTF8_NON_CHARACTER, 0},   /* U+FDD0 */
        {"efb7af", MQTT_UTF8_NON_CHARACTER, 0},   /* U+FDEF */
        {"efb7b0", MQTT_UTF8_GOOD, 0},            /* U+FDF0 */
        {"efb78f", MQTT_UTF8_GOOD, 0},            /* U+FDCF */
        {"f48fbfbf", MQTT_UTF8_NON_CHARACTER, 0}, /* U+10FFFF, the last code point */
        {"f09fbfbe", MQTT_UTF8_NON_CHARACTER, 0}, /* U+1FFFE */
        {"'ab' 00", MQTT_UTF8_NULL, 2},
        {"c080", MQTT_UTF8_ILL_FORMED, 0}, /* overlong */
        {"c1bf", MQTT_UTF8_ILL_FORMED, 0},
        {"e09fbf", MQTT_UTF8_ILL_FORMED, 0},
        {"f08fbfbf", MQTT_UTF8_ILL_FORMED, 0},
        {"'a' eda080", MQTT_UTF8_ILL_FORMED, 1}, /* surrogates */
        {"edbfbf", MQTT_UTF8_ILL_FORMED, 0},
        {"f4908080", MQTT_UTF8_ILL_FORMED, 0}, /* U+110000 */
        {"f8888080 80", MQTT_UTF8_ILL_FORMED, 0},
        {"80", MQTT_UTF8_ILL_FORMED, 0},
        {"fe", MQTT_UTF8_ILL_FORMED, 0},
        {"'abc' c3", MQTT_UTF8_ILL_FORMED, 3}, /* truncated */
        {"e282", MQTT_UTF8_ILL_FORMED, 0},
        {"f09f98", MQTT_UTF8_ILL_FORMED, 0},
        {"c341", MQTT_UTF8_ILL_FORMED, 0},
        {"01 efbfbe 00 'x' ff", MQTT_UTF8_ILL_FORMED, 6}, /* the worst counts */
        {"01 efbfbe 00 'x' 00", MQTT_UTF8_NULL, 4},       /* the first of the worst */
        {"efbfbe 01", MQTT_UTF8_CONTROL, 3},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        uint32_t at = 12345;
        CHECK_EQ(mqtt_utf8_judge(buffer.bytes, buffer.length, &at), rows[i].verdict);
        CHECK_EQ(at, rows[i].at);
        CHECK_EQ(mqtt_utf8_judge(buffer.bytes, buffer.length, NULL), rows[i].verdict);
        free(buffer.bytes);
    }
}

/** The judge against another way of counting: each code point, encoded by hand. */
static void every_code_point_is_judged(void)
{
    for (uint32_t point = 0; point < 0x110000; point++) {
        uint8_t bytes[4];
        uint32_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        if (size == 1)
            bytes[0] = (uint8_t)point;
        else
            bytes[0] = (uint8_t)((0xF00u >> size & 0xFF) | point >> (6 * (size - 1)));
        for (uint32_t i = 1; i < size; i++)
            bytes[i] = (uint8_t)(0x80 | (point >> (6 * (size - 1 - i)) & 0x3F));

        enum mqtt_utf8 expected = MQTT_UTF8_GOOD;
        if (point == 0)
            expected = MQTT_UTF8_NULL;
        else if (point >= 0xD800 && point < 0xE000)
            expected = MQTT_UTF8_ILL_FORMED;
        else if (point < 0x20 || (point > 0x7E && point < 0xA0))
            expected = MQTT_UTF8_CONTROL;
        else if (point % 0x10000 >= 0xFFFE || (point >= 0xFDD0 && point < 0xFDF0))
            expected = MQTT_UTF8_NON_CHARACTER;
        if (mqtt_utf8_judge(bytes, size, NULL) != expected) {
            CHECK_EQ(point, 0xFFFFFFFF);
            return;
        }
    }
}

static void javas_utf8_is_told(void)
{
    static const struct {
        const char *notation;
        bool is_modified;
        uint32_t characters;
    } rows[] = {
        {"", true, 0},        {"'abc'", true, 3},         {"01 7f", true, 2},    {"c080", true, 1}, /* U+0000 */
        {"00", false, 1},     {"c081", false, 1}, /* no other overlong form */
        {"c1bf", false, 1},   {"c280", true, 1},          {"c3bc 'x'", true, 2}, {"e09fbf", false, 1},
        {"e0a080", true, 1},  {"eda080 edb080", true, 2}, /* a pair of surrogates */
        {"efbfbf", true, 1},  {"f0908080", false, 1},     /* four bytes are not Java's */
        {"'a' c3", false, 2}, {"'a' e282", false, 2},     {"c341", false, 2},    {"80", false, 0},
        {"ff", false, 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        CHECK_EQ(mqtt_utf8_is_modified(buffer.bytes, buffer.length), rows[i].is_modified);
        CHECK_EQ(mqtt_utf8_characters(buffer.bytes, buffer.length), rows[i].characters);
        free(buffer.bytes);
    }
}

/** Each byte at each place of texts of all lengths around eight, whose bytes are looked at together. */
static void one_byte_makes_a_text_not_plain(void)
{
    uint8_t text[26];

    for (uint32_t length = 0; length <= sizeof text; length++) {
        memset(text, '~', sizeof text);
        CHECK(mqtt_utf8_is_plain(text, length));
        for (unsigned place = 0; place < length; place++) {
            for (unsigned byte = 0; byte <= 0xFF; byte++) {
                memset(text, place % 2 ? ' ' : '~', sizeof text);
                text[place] = (uint8_t)byte;
                CHECK_EQ(mqtt_utf8_is_plain(text, length), byte >= 0x20 && byte <= 0x7E);
            }
        }
    }
}

static void codes_have_their_packets_names(void)
{
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_DISCONNECT, 0x00), "Normal disconnection");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_SUBACK, 0x00), "Granted QoS 0");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_UNSUBACK, 0x80), "Unspecified error");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_CONNACK, 0x99), "Payload format invalid");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_CONNACK, 0x9F), "Connection rate exceeded");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_AUTH, 0x19), "Re-authenticate");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_DISCONNECT, 0xA2), "Wildcard Subscriptions not supported");
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_CONNACK, 0x01), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_CONNACK, 0x98), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_AUTH, 0xFF), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_PUBREL, 0x10), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_PINGRESP, 0x00), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V311, MQTT_TYPE_CONNACK, 0x05), "Connection refused, not authorized");
    CHECK_TEXT(mqtt_reason_name(MQTT_V311, MQTT_TYPE_CONNACK, 0x06), NULL);
    CHECK_TEXT(mqtt_reason_name(MQTT_V311, MQTT_TYPE_SUBACK, 0x80), "Failure");
    CHECK_TEXT(mqtt_reason_name(MQTT_V31, MQTT_TYPE_SUBACK, 0x80), NULL); /* 3.1 cannot refuse */
    CHECK_TEXT(mqtt_reason_name(MQTT_V31, MQTT_TYPE_SUBACK, 0x02), "Success - Maximum QoS 2");
    CHECK_TEXT(mqtt_reason_name(MQTT_V311, MQTT_TYPE_PUBACK, 0x00), NULL);
}

static void each_row_of_codes_is_found(void)
{
#define CODE(symbol, code, name) const char *const symbol##_name = name;
#define RETURN_CODE(packet, symbol, code, name, versions)                                                              \
    {                                                                                                                  \
        enum { V31 = 1, V311 = 2, BOTH = 3 };                                                                          \
        CHECK_TEXT(mqtt_reason_name(MQTT_V31, MQTT_TYPE_##packet, code), (versions)&V31 ? name : NULL);                \
        CHECK_TEXT(mqtt_reason_name(MQTT_V311, MQTT_TYPE_##packet, code), (versions)&V311 ? name : NULL);              \
    }
#define REASON_CODE(packet, symbol, senders)                                                                           \
    CHECK_TEXT(mqtt_reason_name(MQTT_V50, MQTT_TYPE_##packet, MQTT_REASON_##symbol), symbol##_name);                   \
    CHECK_EQ(mqtt_reason_senders(MQTT_TYPE_##packet, MQTT_REASON_##symbol), MQTT_SENT_BY_##senders);
#include "../../wire/reason-codes.def"
#undef CODE
#undef RETURN_CODE
#undef REASON_CODE
}

static void errors_are_told_from_success(void)
{
    CHECK(!mqtt_reason_is_error(MQTT_TYPE_CONNACK, MQTT_REASON_SUCCESS));
    CHECK(mqtt_reason_is_error(MQTT_TYPE_CONNACK, MQTT_RETURN_UNACCEPTABLE_VERSION));
    CHECK(mqtt_reason_is_error(MQTT_TYPE_CONNACK, MQTT_REASON_BANNED));
    CHECK(!mqtt_reason_is_error(MQTT_TYPE_SUBACK, MQTT_REASON_GRANTED_QOS_2));
    CHECK(mqtt_reason_is_error(MQTT_TYPE_SUBACK, MQTT_RETURN_FAILURE));
    CHECK(!mqtt_reason_is_error(MQTT_TYPE_PUBREC, MQTT_REASON_NO_MATCHING_SUBSCRIBERS));
    CHECK(!mqtt_reason_is_error(MQTT_TYPE_DISCONNECT, 0x7F));
    CHECK(mqtt_reason_is_error(MQTT_TYPE_DISCONNECT, 0x80));
    CHECK(mqtt_reason_is_error(MQTT_TYPE_DISCONNECT, 0xFF));
}

static void packet_types_have_names_senders_and_flags(void)
{
    CHECK_TEXT(mqtt_packet_type_name(MQTT_TYPE_PUBCOMP), "PUBCOMP");
    CHECK_TEXT(mqtt_packet_type_name(MQTT_TYPE_RESERVED), "Reserved");
    CHECK_EQ(mqtt_packet_type_senders(MQTT_TYPE_SUBACK), MQTT_SENT_BY_SERVER);
    CHECK_EQ(mqtt_packet_type_senders(MQTT_TYPE_PINGREQ), MQTT_SENT_BY_CLIENT);
    CHECK_EQ(mqtt_packet_type_senders(MQTT_TYPE_PUBLISH), MQTT_SENT_BY_EITHER);
    CHECK_EQ(mqtt_packet_type_flags(MQTT_TYPE_PUBREL), 2);
    CHECK_EQ(mqtt_packet_type_flags(MQTT_TYPE_UNSUBSCRIBE), 2);
    CHECK_EQ(mqtt_packet_type_flags(MQTT_TYPE_PUBCOMP), 0);
    CHECK(mqtt_packet_type_flags(MQTT_TYPE_PUBLISH) == -1);
}

int main(void)
{
    RUN(utf8_is_judged);
    RUN(every_code_point_is_judged);
    RUN(javas_utf8_is_told);
    RUN(one_byte_makes_a_text_not_plain);
    RUN(codes_have_their_packets_names);
    RUN(each_row_of_codes_is_found);
    RUN(errors_are_told_from_success);
    RUN(packet_types_have_names_senders_and_flags);
    return FINISH();
}
