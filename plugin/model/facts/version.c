/* version.c - infers the protocol version of packets whose CONNECT was not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MQTT 5.0 put a property block, and in acknowledgements a code, where older versions have payload or nothing at all.
 * Most packets of one version therefore cannot be read by the other: text is no property length that fits, and a SUBACK
 * of one code has no room for one. What both versions admit proves nothing (PINGREQ, a two-byte PUBACK, a PUBLISH whose
 * payload could begin with a zero byte), and is a guess at most.
 */
#include "version.h"

#include <stddef.h>
#include <string.h>

#include "../../wire/utf8.h"

static bool admits(const struct mqtt_packet *packet, enum mqtt_version version, struct mqtt_packet *reading)
{
    mqtt_decode(reading, packet->bytes, packet->captured, packet->length, version);
    return reading->version == version && mqtt_packet_is_plausible(reading);
}

/** Text as people write it: no control characters but those that end and indent lines. */
static bool is_written_text(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if ((bytes[i] < ' ' && bytes[i] != '\t' && bytes[i] != '\n' && bytes[i] != '\r') || bytes[i] == 0x7F)
            return false;
    return mqtt_utf8_judge(bytes, length, NULL) <= MQTT_UTF8_CONTROL;
}

/** A property has a value that no Client or Server may give it (MQTT 5.0 section 3.3.2.3). */
static bool has_impossible_value(const struct mqtt_packet *packet, const struct mqtt_property *property)
{
    const uint8_t *text = packet->bytes + property->text.at;

    switch (property->index) {
    case MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR:
        return property->number > 1;
    case MQTT_PROPERTY_TOPIC_ALIAS:
    case MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER:
        return property->number == 0;
    case MQTT_PROPERTY_RESPONSE_TOPIC:
        return property->text.length == 0 || memchr(text, '+', property->text.length) != NULL ||
               memchr(text, '#', property->text.length) != NULL;
    default:
        return false;
    }
}

/** What 5.0 reads as the property block of a PUBLISH cannot be one: by its values, or because it promises text before a
 *  payload that is none. */
static bool is_impossible_block(const struct mqtt_packet *as_v50, bool has_text)
{
    const struct mqtt_property *format =
        mqtt_properties_find(&as_v50->properties, MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR);
    struct mqtt_property property;
    uint32_t at = 0;

    if (format != NULL && format->number == 1 && !has_text)
        return true;
    while (mqtt_properties_next(as_v50, &as_v50->properties, &at, &property))
        if (has_impossible_value(as_v50, &property))
            return true;
    return false;
}

/** Both versions admit this PUBLISH: in 3.x its payload begins with what 5.0 reads as a property block. Payloads begin with
 *  lengths and tags every day, such as the flags of a Bluetooth advertisement (02 01 06), so a block has to say something: a
 *  Payload Format Indicator alone does where it announces text and text follows. An empty block is a zero byte, likelier a
 *  block when text follows. */
static struct track_version_guess weigh_publish(const struct mqtt_packet *as_v50)
{
    struct mqtt_span payload = as_v50->publish.payload;
    uint32_t others = as_v50->properties.seen & ~(1u << MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR);
    bool has_text = is_written_text(as_v50->bytes + payload.at, payload.length);
    struct track_version_guess guess = {MQTT_V311, TRACK_VERSION_LIKELIER, 0};

    if (is_impossible_block(as_v50, has_text))
        return guess;
    const struct mqtt_property *format =
        mqtt_properties_find(&as_v50->properties, MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR);
    bool announces_text = format != NULL && format->number == 1 && payload.length > 0;
    if (others != 0 || announces_text)
        guess.strength = TRACK_VERSION_EVIDENT;
    if (others != 0 || announces_text || (format == NULL && payload.length > 0 && has_text))
        guess.version = MQTT_V50;
    return guess;
}

struct track_version_guess track_guess_version(const struct mqtt_packet *packet)
{
    struct mqtt_packet as_v31, as_v311, as_v50;
    bool v31 = admits(packet, MQTT_V31, &as_v31);
    bool v311 = admits(packet, MQTT_V311, &as_v311);
    bool v50 = admits(packet, MQTT_V50, &as_v50);
    struct track_version_guess guess = {MQTT_VERSION_UNKNOWN, TRACK_VERSION_LIKELIER, 0};

    if (v50 && v311 && packet->type == MQTT_TYPE_PUBLISH)
        guess = weigh_publish(&as_v50);
    else if (v50 != (v31 || v311))
        guess = (struct track_version_guess){v50 ? MQTT_V50 : v311 ? MQTT_V311 : MQTT_V31, TRACK_VERSION_PROVEN, 0};
    guess.admitted = (uint8_t)(v31 << MQTT_V31 | v311 << MQTT_V311 | v50 << MQTT_V50);
    return guess;
}

/** Reads a packet by a version by which it is not malformed, if there is one. */
static void read_as_any(struct mqtt_packet *packet)
{
    static const enum mqtt_version others[] = {MQTT_V50, MQTT_V31};
    struct mqtt_packet reading;

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        mqtt_decode(&reading, packet->bytes, packet->captured, packet->length, others[i]);
        if (!mqtt_is_malformed(&reading)) {
            *packet = reading;
            return;
        }
    }
}

void track_read(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                enum mqtt_version version)
{
    mqtt_decode(packet, bytes, captured, length, version);
    if (version == MQTT_VERSION_UNKNOWN && packet->type != MQTT_TYPE_CONNECT) {
        struct track_version_guess guess = track_guess_version(packet);
        if (guess.version != MQTT_VERSION_UNKNOWN && guess.version != packet->version)
            mqtt_decode(packet, bytes, captured, length, guess.version);
        /* With a fault that does not keep it from being read, it is plausible in none. */
        if (guess.version == MQTT_VERSION_UNKNOWN && mqtt_is_malformed(packet))
            read_as_any(packet);
    }
}
