/* test-packets.c - each control packet of each version says what its bytes say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check.h"

/** True where the span holds this text. */
static bool holds(const struct mqtt_packet *packet, struct mqtt_span span, const char *text)
{
    return span.at != 0 && span.length == strlen(text) && memcmp(packet->bytes + span.at, text, span.length) == 0;
}

static void connect_of_50_is_read_in_full(void)
{
    struct buffer buffer =
        buffer_from("10 { s'MQTT' 05 ee 003c { 21 0014 } s'me' { 18 00000005 } s'w' s'bye' s'u' s'p' }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_VERSION_UNKNOWN);
    const struct mqtt_connect *connect = &packet.connect;

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
    CHECK_EQ(packet.type, MQTT_TYPE_CONNECT);
    CHECK_EQ(packet.version, MQTT_V50);
    CHECK(holds(&packet, connect->protocol_name, "MQTT"));
    CHECK_EQ(connect->level, 5);
    CHECK_EQ(connect->level_at, 8);
    CHECK_EQ(connect->flags, 0xEE);
    CHECK_EQ(connect->flags_at, 9);
    CHECK_EQ(connect->keep_alive_s, 60);
    CHECK_EQ(connect->keep_alive_at, 10);
    CHECK(holds(&packet, connect->client_id, "me"));
    CHECK(holds(&packet, connect->will_topic, "w"));
    CHECK(holds(&packet, connect->will_payload, "bye"));
    CHECK(holds(&packet, connect->user_name, "u"));
    CHECK(holds(&packet, connect->password, "p"));
    CHECK_EQ(mqtt_properties_find(&packet.properties, MQTT_PROPERTY_RECEIVE_MAXIMUM)->number, 20);
    CHECK_EQ(mqtt_properties_find(&connect->will_properties, MQTT_PROPERTY_WILL_DELAY_INTERVAL)->number, 5);
    CHECK(mqtt_properties_find(&packet.properties, MQTT_PROPERTY_WILL_DELAY_INTERVAL) == NULL);
    free(buffer.bytes);
}

static void connect_names_its_own_version(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        enum mqtt_fault_kind kind;
    } rows[] = {
        {"10 { s'MQIsdp' 03 02 003c s'a' }", MQTT_V31, MQTT_FAULT_NONE},
        {"10 { s'MQTT' 04 02 003c s'a' }", MQTT_V311, MQTT_FAULT_NONE},
        {"10 { s'MQTT' 05 02 003c {} s'a' }", MQTT_V50, MQTT_FAULT_NONE},
        {"10 { s'MQIsdp' 83 02 003c s'a' }", MQTT_V31, MQTT_FAULT_NONE}, /* bridges */
        {"10 { s'MQTT' 84 02 003c s'a' }", MQTT_V311, MQTT_FAULT_NONE},
        {"10 { s'MQTT' 85 02 003c {} s'a' }", MQTT_V50, MQTT_FAULT_NONE},
        {"10 { s'MQTT' 02 02 003c s'a' }", MQTT_VERSION_UNKNOWN, MQTT_FAULT_LEVEL_UNKNOWN},
        {"10 { s'MQTT' 06 02 003c s'a' }", MQTT_VERSION_UNKNOWN, MQTT_FAULT_LEVEL_UNKNOWN},
        {"10 { s'MQTT' ff 02 003c s'a' }", MQTT_VERSION_UNKNOWN, MQTT_FAULT_LEVEL_UNKNOWN},
    };
    static const enum mqtt_version in_force[] = {MQTT_VERSION_UNKNOWN, MQTT_V31, MQTT_V311, MQTT_V50};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        for (size_t k = 0; k < 4; k++) {
            struct mqtt_packet packet = decode_whole(buffer, in_force[k]);
            CHECK_EQ(packet.version, rows[i].version);
            CHECK_EQ(packet.fault.kind, rows[i].kind);
        }
        free(buffer.bytes);
    }
}

/** MQTT 3.1 section 3.1: flags of a user name or password that the Remaining Length leaves no room for. */
static void only_31_forgives_missing_credentials(void)
{
    struct buffer v31 = buffer_from("10 { s'MQIsdp' 03 c2 003c s'a' }");
    struct buffer v311 = buffer_from("10 { s'MQTT' 04 c2 003c s'a' }");
    struct mqtt_packet packet = decode_whole(v31, MQTT_VERSION_UNKNOWN);

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
    CHECK_EQ(packet.connect.user_name.at, 0);
    packet = decode_whole(v311, MQTT_VERSION_UNKNOWN);
    CHECK_EQ(packet.fault.kind, MQTT_FAULT_PAST_END);
    CHECK_TEXT(mqtt_fault_field_name(&packet), "User Name");
    free(v31.bytes);
    free(v311.bytes);
}

static void connack_is_read_by_the_form_it_has(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version in_force, version;
        uint8_t reason;
        enum mqtt_fault_kind kind;
    } rows[] = {
        {"20 { 01 00 }", MQTT_V311, MQTT_V311, 0, MQTT_FAULT_NONE},
        {"20 { 00 05 }", MQTT_V31, MQTT_V31, 5, MQTT_FAULT_NONE},
        {"20 { 00 87 {} }", MQTT_V50, MQTT_V50, 0x87, MQTT_FAULT_NONE},
        {"20 { 00 01 }", MQTT_V50, MQTT_V311, 1, MQTT_FAULT_NONE},       /* a Server of 3.x refuses a Client of 5.0 */
        {"20 { 00 84 {} }", MQTT_V311, MQTT_V50, 0x84, MQTT_FAULT_NONE}, /* and the other way about */
        {"20 { 00 00 {} }", MQTT_V311, MQTT_V311, 0, MQTT_FAULT_LEFT_OVER},
        {"20 { 00 }", MQTT_V311, MQTT_V311, 0, MQTT_FAULT_PAST_END},
        {"20 {}", MQTT_V50, MQTT_V50, 0, MQTT_FAULT_PAST_END},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].in_force);
        CHECK_EQ(packet.version, rows[i].version);
        CHECK_EQ(packet.reason, rows[i].reason);
        CHECK_EQ(packet.fault.kind, rows[i].kind);
        free(buffer.bytes);
    }
}

static void publish_has_an_identifier_only_above_qos_0(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        bool dup, retain;
        uint8_t qos;
        uint16_t packet_id;
        const char *payload;
    } rows[] = {
        {"30 { s'a/b' 'hello' }", MQTT_V311, false, false, 0, 0, "hello"},
        {"31 { s'a/b' }", MQTT_V31, false, true, 0, 0, ""},
        {"3a { s'a/b' 0102 'hello' }", MQTT_V311, true, false, 1, 0x0102, "hello"},
        {"35 { s'a/b' ffff 'hello' }", MQTT_V31, false, true, 2, 0xFFFF, "hello"},
        {"34 { s'a/b' 0000 {} 'x' }", MQTT_V50, false, false, 2, 0, "x"},
        {"30 { s'a/b' {} }", MQTT_V50, false, false, 0, 0, ""},
        {"36 { s'a/b' 0001 'x' }", MQTT_V311, false, false, 3, 1, "x"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].version);
        CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
        CHECK_EQ(packet.publish.dup, rows[i].dup);
        CHECK_EQ(packet.publish.retain, rows[i].retain);
        CHECK_EQ(packet.publish.qos, rows[i].qos);
        CHECK_EQ(packet.packet_id, rows[i].packet_id);
        CHECK_EQ(packet.packet_id_at != 0, rows[i].qos > 0);
        CHECK(holds(&packet, packet.publish.topic, "a/b"));
        CHECK(holds(&packet, packet.publish.payload, rows[i].payload));
        free(buffer.bytes);
    }
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP: Reason Code and properties may be left out in 5.0, and do not exist before. */
static void publish_answers_may_be_short(void)
{
    static const struct {
        const char *body;
        enum mqtt_fault_kind in_311, in_50;
        bool has_reason, has_block;
    } rows[] = {
        {"{ 0007 }", MQTT_FAULT_NONE, MQTT_FAULT_NONE, false, false},
        {"{ 0007 92 }", MQTT_FAULT_LEFT_OVER, MQTT_FAULT_NONE, true, false},
        {"{ 0007 92 {} }", MQTT_FAULT_LEFT_OVER, MQTT_FAULT_NONE, true, true},
        {"{ 0007 92 {} 00 }", MQTT_FAULT_LEFT_OVER, MQTT_FAULT_LEFT_OVER, true, true},
        {"{ 00 }", MQTT_FAULT_PAST_END, MQTT_FAULT_PAST_END, false, false},
        {"{}", MQTT_FAULT_PAST_END, MQTT_FAULT_PAST_END, false, false},
    };
    static const char *const types[] = {"40", "50", "62", "70"};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 4; k++) {
            char notation[64];
            snprintf(notation, sizeof notation, "%s %s", types[k], rows[i].body);
            struct buffer buffer = buffer_from(notation);
            struct mqtt_packet packet = decode_whole(buffer, MQTT_V311);
            CHECK_EQ(packet.fault.kind, rows[i].in_311);
            CHECK_EQ(packet.reason_at, 0);
            packet = decode_whole(buffer, MQTT_V50);
            CHECK_EQ(packet.fault.kind, rows[i].in_50);
            CHECK_EQ(packet.reason_at != 0, rows[i].has_reason);
            CHECK_EQ(packet.properties.length_at.at != 0, rows[i].has_block);
            free(buffer.bytes);
        }
    }
}

static void subscribe_lists_its_filters(void)
{
    struct buffer buffer = buffer_from("82 { 0001 { 0b 05 } s'#' 2e s'' 01 s'a/+' 00 }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);
    static const struct {
        const char *text;
        uint8_t options;
    } expected[] = {{"#", 0x2E}, {"", 0x01}, {"a/+", 0x00}};
    struct mqtt_filter filter;
    uint32_t at = 0, count = 0;

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_NONE);
    while (mqtt_filters_next(&packet, &at, &filter) && count < 3) {
        CHECK(holds(&packet, filter.text, expected[count].text));
        CHECK_EQ(filter.options, expected[count].options);
        CHECK_EQ(packet.bytes[filter.options_at], expected[count].options);
        count++;
    }
    CHECK_EQ(count, 3);
    CHECK(!mqtt_filters_next(&packet, &at, &filter));
    free(buffer.bytes);
}

/** What stands before a broken entry is still listed. */
static void a_broken_filter_ends_the_list(void)
{
    struct buffer buffer = buffer_from("82 { 0001 s'a' 00 s'b' }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V311);
    struct mqtt_filter filter;
    uint32_t at = 0;

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_PAST_END);
    CHECK_TEXT(mqtt_fault_field_name(&packet), "Subscription Options");
    CHECK_EQ(packet.read_to, 8);
    CHECK(mqtt_filters_next(&packet, &at, &filter));
    CHECK(holds(&packet, filter.text, "a"));
    CHECK(!mqtt_filters_next(&packet, &at, &filter));
    free(buffer.bytes);
}

static void answers_to_subscriptions_list_their_codes(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        uint32_t codes;
        enum mqtt_fault_kind kind;
    } rows[] = {
        {"90 { 0001 00 01 80 }", MQTT_V311, 3, MQTT_FAULT_NONE}, {"90 { 0001 }", MQTT_V311, 0, MQTT_FAULT_NONE},
        {"90 { 0001 {} 00 9e }", MQTT_V50, 2, MQTT_FAULT_NONE},  {"90 { 0001 }", MQTT_V50, 0, MQTT_FAULT_PAST_END},
        {"b0 { 0001 }", MQTT_V311, 0, MQTT_FAULT_NONE},          {"b0 { 0001 00 }", MQTT_V311, 0, MQTT_FAULT_LEFT_OVER},
        {"b0 { 0001 {} 00 11 }", MQTT_V50, 2, MQTT_FAULT_NONE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].version);
        CHECK_EQ(packet.list.length, rows[i].codes);
        CHECK_EQ(packet.fault.kind, rows[i].kind);
        free(buffer.bytes);
    }
}

static void short_packets(void)
{
    static const struct {
        const char *notation;
        enum mqtt_version version;
        enum mqtt_fault_kind kind;
        const char *field;
    } rows[] = {
        {"c000", MQTT_V311, MQTT_FAULT_NONE, ""},
        {"d000", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"c0 { 00 }", MQTT_V311, MQTT_FAULT_LEFT_OVER, "PINGREQ"},
        {"e000", MQTT_V31, MQTT_FAULT_NONE, ""},
        {"e0 { 00 }", MQTT_V311, MQTT_FAULT_LEFT_OVER, "DISCONNECT"},
        {"e0 { 00 }", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"e0 { 00 {} }", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"f000", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"f0 { 18 }", MQTT_V50, MQTT_FAULT_PAST_END, "Property Length"}, /* unlike a DISCONNECT */
        {"f0 { 18 {} }", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"0000", MQTT_V50, MQTT_FAULT_RESERVED_TYPE, "Packet Type"},
        {"f000", MQTT_V311, MQTT_FAULT_RESERVED_TYPE, "Packet Type"},
        {"f0 {'more'}", MQTT_V31, MQTT_FAULT_RESERVED_TYPE, "Packet Type"},
        {"30 80808080 01", MQTT_V50, MQTT_FAULT_VARINT_TOO_LONG, "Remaining Length"},
        {"30", MQTT_V50, MQTT_FAULT_PAST_END, "Remaining Length"},
        {"36 { s'a' }", MQTT_V311, MQTT_FAULT_QOS_3, "QoS"},
        {"36 { s'a' 0001 { 23 00 } }", MQTT_V50, MQTT_FAULT_QOS_3, "QoS"},
        {"36 { s'a' 0001 {} 'x' }", MQTT_V50, MQTT_FAULT_NONE, ""},
        {"36 { 0002 'a' }", MQTT_V311, MQTT_FAULT_PAST_END, "Topic Name"},
        {"", MQTT_V50, MQTT_FAULT_PAST_END, "Fixed Header"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buffer buffer = buffer_from(rows[i].notation);
        struct mqtt_packet packet = decode_whole(buffer, rows[i].version);
        CHECK_EQ(packet.fault.kind, rows[i].kind);
        CHECK_TEXT(mqtt_fault_field_name(&packet), rows[i].field);
        free(buffer.bytes);
    }
}

static void left_over_bytes_are_counted(void)
{
    struct buffer buffer = buffer_from("40 { 0007 00 {} 'abc' }");
    struct mqtt_packet packet = decode_whole(buffer, MQTT_V50);

    CHECK_EQ(packet.fault.kind, MQTT_FAULT_LEFT_OVER);
    CHECK_EQ(packet.fault.at.at, 6);
    CHECK_EQ(packet.fault.at.length, 3);
    CHECK_EQ(packet.fault.needed, 6);
    CHECK_EQ(packet.fault.found, 3);
    CHECK_EQ(packet.packet_id, 7);
    free(buffer.bytes);
}

int main(void)
{
    RUN(connect_of_50_is_read_in_full);
    RUN(connect_names_its_own_version);
    RUN(only_31_forgives_missing_credentials);
    RUN(connack_is_read_by_the_form_it_has);
    RUN(publish_has_an_identifier_only_above_qos_0);
    RUN(publish_answers_may_be_short);
    RUN(subscribe_lists_its_filters);
    RUN(a_broken_filter_ends_the_list);
    RUN(answers_to_subscriptions_list_their_codes);
    RUN(short_packets);
    RUN(left_over_bytes_are_counted);
    return FINISH();
}
