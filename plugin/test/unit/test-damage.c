/* test-damage.c - cut and altered packets: nothing outside of the buffer is read, and what was captured is believed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "check.h"
#include "walk.h"

static const enum mqtt_version versions[] = {MQTT_VERSION_UNKNOWN, MQTT_V31, MQTT_V311, MQTT_V50};

/** Reports what walk_packet() found, with the packet. */
static void expect_sound(const struct mqtt_packet *packet)
{
    const char *wrong = walk_packet(packet);
    if (wrong == NULL)
        return;
    check_that(false, wrong, __FILE__, __LINE__);
    for (uint32_t i = 0; i < packet->captured; i++)
        fprintf(stderr, "%02x ", packet->bytes[i]);
    fprintf(stderr, "(version %u)\n", (unsigned)packet->version);
}

/** Each prefix of each packet is cut, never malformed; and what was read of it is what the whole packet says. */
static void cut_packets_say_what_they_can(void)
{
    for (const struct sample *sample = samples; sample->notation != NULL; sample++) {
        struct buffer buffer = buffer_from(sample->notation);
        struct mqtt_packet whole = decode_whole(buffer, sample->version);
        for (uint32_t captured = 0; captured < buffer.length; captured++) {
            struct buffer cut = buffer_of(buffer.bytes, captured);
            struct mqtt_packet packet;
            mqtt_decode(&packet, cut.bytes, captured, buffer.length, sample->version);
            CHECK_EQ(packet.fault.kind, MQTT_FAULT_CUT);
            expect_sound(&packet);
            CHECK((packet.properties.seen & ~whole.properties.seen) == 0);
            if (captured > 0)
                CHECK_EQ(packet.type, whole.type);
            if (packet.packet_id_at != 0)
                CHECK_EQ(packet.packet_id, whole.packet_id);
            if (packet.reason_at != 0)
                CHECK_EQ(packet.reason, whole.reason);
            if (packet.remaining_length_at.at != 0)
                CHECK_EQ(packet.remaining_length, whole.remaining_length);
            if (packet.type == MQTT_TYPE_PUBLISH && packet.publish.payload.at != 0)
                CHECK_EQ(packet.publish.payload.length, whole.publish.payload.length);
            free(cut.bytes);
        }
        free(buffer.bytes);
    }
}

/** Decodes one arrangement of bytes by each version, whole and with bytes missing. */
static void decode_every_way(struct buffer buffer)
{
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        struct mqtt_packet packet = decode_whole(buffer, versions[i]);
        CHECK(packet.fault.kind != MQTT_FAULT_CUT);
        expect_sound(&packet);
        mqtt_decode(&packet, buffer.bytes, buffer.length, buffer.length + 3, versions[i]);
        expect_sound(&packet);
        mqtt_read_run(buffer.bytes, buffer.length, versions[i]);
    }
    if (buffer.length > 0)
        mqtt_match_connect(buffer.bytes, buffer.length);
}

/** Each byte of each packet with each other value. */
static void altered_packets_do_no_harm(void)
{
    for (const struct sample *sample = samples; sample->notation != NULL; sample++) {
        struct buffer buffer = buffer_from(sample->notation);
        for (uint32_t i = 0; i < buffer.length; i++) {
            uint8_t original = buffer.bytes[i];
            for (unsigned change = 1; change < 256; change++) {
                buffer.bytes[i] = (uint8_t)(original ^ change);
                decode_every_way(buffer);
            }
            buffer.bytes[i] = original;
        }
        free(buffer.bytes);
    }
}

/** Packets that end early, their Remaining Length left as it was or set right. */
static void shortened_packets_do_no_harm(void)
{
    for (const struct sample *sample = samples; sample->notation != NULL; sample++) {
        struct buffer buffer = buffer_from(sample->notation);
        for (uint32_t length = 0; length < buffer.length; length++) {
            struct buffer shorter = buffer_of(buffer.bytes, length);
            decode_every_way(shorter);
            if (length >= 2 && !(shorter.bytes[1] & 0x80)) {
                shorter.bytes[1] = (uint8_t)(length - 2);
                decode_every_way(shorter);
            }
            free(shorter.bytes);
        }
        free(buffer.bytes);
    }
}

/** A struct is used again and again: what an earlier packet left in it must not show. */
static void a_used_struct_says_the_same_as_a_new_one(void)
{
    struct mqtt_packet used;

    memset(&used, 0xA5, sizeof used);
    for (const struct sample *sample = samples; sample->notation != NULL; sample++) {
        struct buffer buffer = buffer_from(sample->notation);
        for (uint32_t captured = 0; captured <= buffer.length; captured++) {
            struct mqtt_packet fresh;
            memset(&fresh, 0, sizeof fresh);
            mqtt_decode(&fresh, buffer.bytes, captured, buffer.length, sample->version);
            mqtt_decode(&used, buffer.bytes, captured, buffer.length, sample->version);
            expect_sound(&used);
            CHECK_EQ(used.properties.seen, fresh.properties.seen);
            CHECK_EQ(used.properties.repeated, fresh.properties.repeated);
            CHECK(memcmp(&used.list, &fresh.list, sizeof used.list) == 0);
            if (fresh.type == MQTT_TYPE_PUBLISH)
                CHECK(memcmp(&used.publish.payload, &fresh.publish.payload, sizeof used.publish.payload) == 0);
            if (fresh.type == MQTT_TYPE_CONNECT) {
                CHECK_EQ(used.connect.will_properties.seen, fresh.connect.will_properties.seen);
                CHECK_EQ(used.connect.password.at, fresh.connect.password.at);
                CHECK_EQ(used.connect.level_at, fresh.connect.level_at);
            }
            memset(&used.connect, 0xA5, sizeof used.connect);
        }
        free(buffer.bytes);
    }
}

int main(void)
{
    RUN(cut_packets_say_what_they_can);
    RUN(altered_packets_do_no_harm);
    RUN(shortened_packets_do_no_harm);
    RUN(a_used_struct_says_the_same_as_a_new_one);
    return FINISH();
}
