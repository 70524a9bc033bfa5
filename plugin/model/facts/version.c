/* version.c - infers the protocol version of packets whose CONNECT was not captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * MQTT 5.0 put a property block, and in acknowledgements a code, where older versions have payload or nothing at all.
 * Most packets of one version therefore cannot be read by the other: text is no property length that fits, and a SUBACK
 * of one code has no room for one. What both versions admit proves nothing (PINGREQ, a two-byte PUBACK, a PUBLISH whose
 * payload could begin with a zero byte).
 */
#include "version.h"

#include <stddef.h>

#include "../../wire/utf8.h"

static bool admits(const struct mqtt_packet *packet, enum mqtt_version version, struct mqtt_packet *reading)
{
    mqtt_decode(reading, packet->bytes, packet->captured, packet->length, version);
    return reading->version == version && mqtt_packet_is_plausible(reading);
}

/** Both versions admit this PUBLISH: in 3.x its payload begins with what 5.0 reads as a property block. A filled block
 *  that fits is no accident; an empty one is a zero byte, likelier a block when text follows. */
static struct track_version_guess weigh_publish(const struct mqtt_packet *as_v50)
{
    struct mqtt_span payload = as_v50->publish.payload;
    bool filled = as_v50->properties.block.length > 0;
    bool text =
        payload.length > 0 && mqtt_utf8_judge(as_v50->bytes + payload.at, payload.length, NULL) < MQTT_UTF8_CONTROL;

    return (struct track_version_guess){filled || text ? MQTT_V50 : MQTT_V311, filled};
}

struct track_version_guess track_guess_version(const struct mqtt_packet *packet)
{
    struct mqtt_packet as_v31, as_v311, as_v50;
    bool v31 = admits(packet, MQTT_V31, &as_v31);
    bool v311 = admits(packet, MQTT_V311, &as_v311);
    bool v50 = admits(packet, MQTT_V50, &as_v50);

    if (v50 && !v311 && !v31)
        return (struct track_version_guess){MQTT_V50, true};
    if (v50 && v311 && packet->type == MQTT_TYPE_PUBLISH)
        return weigh_publish(&as_v50);
    if (v50 || !(v31 || v311))
        return (struct track_version_guess){MQTT_VERSION_UNKNOWN, false};
    return (struct track_version_guess){v311 ? MQTT_V311 : MQTT_V31, true};
}

void track_read(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                enum mqtt_version version)
{
    mqtt_decode(packet, bytes, captured, length, version);
    if (version == MQTT_VERSION_UNKNOWN && packet->type != MQTT_TYPE_CONNECT) {
        struct track_version_guess guess = track_guess_version(packet);
        if (guess.version != MQTT_VERSION_UNKNOWN && guess.version != packet->version)
            mqtt_decode(packet, bytes, captured, length, guess.version);
    }
}
