/* plausible.c - decides whether bytes look like an MQTT Control Packet of a given version.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A packet that fails here may be merely unusual. The test distinguishes versions where the CONNECT was not captured, finds
 * where a packet begins after a gap, and recognises MQTT on unknown ports. So it demands everything that the
 * specification lets it demand.
 */
#include <string.h>

#include "packet.h"
#include "utf8.h"
#include "validity.h"

/** A valid string: well-formed, and free of U+0000. */
static bool is_text(const struct mqtt_packet *packet, struct mqtt_span span)
{
    return mqtt_utf8_judge(packet->bytes + span.at, span.length, NULL) < MQTT_UTF8_NULL;
}

/** A Topic Name (section 4.7): text without control characters and wildcards. */
static bool is_topic_name(const struct mqtt_packet *packet, struct mqtt_span span)
{
    const uint8_t *text = packet->bytes + span.at;
    return mqtt_utf8_judge(text, span.length, NULL) < MQTT_UTF8_CONTROL && !memchr(text, '+', span.length) &&
           !memchr(text, '#', span.length);
}

/** The lower four bits of the first byte (section 2.1.3; MQTT 3.1 section 2.1 lets requests be sent again with DUP). */
static bool has_plausible_flags(const struct mqtt_packet *packet)
{
    int flags = mqtt_packet_type_flags(packet->type);

    if (packet->type == MQTT_TYPE_PUBLISH) {
        unsigned qos = packet->flags >> 1 & 3;
        return qos != 3 && (qos > 0 || !(packet->flags & 0x08));
    }
    if (packet->version == MQTT_V31)
        return (packet->flags & (flags == 2 ? ~0x08 : ~0)) == flags;
    return flags >= 0 && !mqtt_has_invalid_flags(packet);
}

/** Each property is allowed in its block, no more often than it may be there, and its strings are text. */
static bool has_plausible_properties(const struct mqtt_packet *packet, const struct mqtt_properties *properties,
                                     enum mqtt_packet_type type)
{
    struct mqtt_property property;
    uint32_t at = 0;

    while (mqtt_properties_next(packet, properties, &at, &property)) {
        enum mqtt_property_type kind = mqtt_property_info(property.index)->type;
        bool is_repeated = properties->repeated & mqtt_property_bit(property.index);
        if (!mqtt_property_is_allowed(property.index, type) ||
            (is_repeated && mqtt_property_repeat(property.index, type) != MQTT_REPEAT_ALLOWED))
            return false;
        if ((kind == MQTT_PROPERTY_TEXT || kind == MQTT_PROPERTY_PAIR) &&
            !(is_text(packet, property.text) && is_text(packet, property.text2)))
            return false;
    }
    return true;
}

/** Protocol name and level belong together (section 3.1.2.1 of each version). */
static bool is_known_protocol(const uint8_t *name, uint32_t name_length, uint8_t level)
{
    uint8_t version = level & (uint8_t)~MQTT_LEVEL_BRIDGE;
    if (name_length == 4 && memcmp(name, "MQTT", 4) == 0)
        return version == MQTT_V311 || version == MQTT_V50;
    return name_length == 6 && memcmp(name, "MQIsdp", 6) == 0 && version == MQTT_V31;
}

static bool is_plausible_connect(const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;
    return is_known_protocol(packet->bytes + connect->protocol_name.at, connect->protocol_name.length,
                             connect->level) &&
           !(connect->flags & MQTT_CONNECT_RESERVED) && is_text(packet, connect->client_id) &&
           has_plausible_properties(packet, &connect->will_properties, MQTT_TYPE_WILL);
}

/** Each topic filter is text and not empty, its options are ones that the version has. */
static bool has_plausible_filters(const struct mqtt_packet *packet)
{
    struct mqtt_filter filter;
    uint32_t at = 0;

    while (mqtt_filters_next(packet, &at, &filter)) {
        if (filter.text.length == 0 || !is_text(packet, filter.text) ||
            filter.options & mqtt_reserved_options(packet->version) || (filter.options & 0x03) == 0x03 ||
            (filter.options & 0x30) == 0x30)
            return false;
    }
    return !mqtt_lacks_filters(packet);
}

/** Each code is one that the packet's table has. */
static bool has_plausible_codes(const struct mqtt_packet *packet)
{
    for (uint32_t i = 0; i < packet->list.length; i++)
        if (!mqtt_reason_name(packet->version, packet->type, packet->bytes[packet->list.at + i]))
            return false;
    return packet->list.length > 0 || (packet->type == MQTT_TYPE_UNSUBACK && packet->version != MQTT_V50);
}

/** All but the flags of the fixed header. */
static bool has_plausible_content(const struct mqtt_packet *packet)
{
    if (packet->fault.kind != MQTT_FAULT_NONE || (packet->type == MQTT_TYPE_AUTH && packet->version != MQTT_V50) ||
        (packet->packet_id_at && packet->packet_id == 0) ||
        (packet->reason_at && !mqtt_reason_name(packet->version, packet->type, packet->reason)) ||
        !has_plausible_properties(packet, &packet->properties, packet->type))
        return false;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        return is_plausible_connect(packet);
    case MQTT_TYPE_CONNACK:
        /* Servers set Session Present in MQTT 3.1 as well. */
        return !(packet->ack_flags & mqtt_reserved_ack_flags(MQTT_V311)) &&
               (packet->version != MQTT_V50 || packet->properties.length_at.at != 0);
    case MQTT_TYPE_PUBLISH:
        return is_topic_name(packet, packet->publish.topic) &&
               (packet->publish.topic.length > 0 ||
                mqtt_properties_find(&packet->properties, MQTT_PROPERTY_TOPIC_ALIAS));
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        return has_plausible_filters(packet);
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        return has_plausible_codes(packet);
    default:
        return true;
    }
}

bool mqtt_packet_is_plausible(const struct mqtt_packet *packet)
{
    return has_plausible_flags(packet) && has_plausible_content(packet);
}

/** Bytes that fit a protocol name with its length, but end before the protocol level. */
static bool begins_protocol_name(const uint8_t *bytes, uint32_t length)
{
    static const struct {
        const char *bytes;
        uint32_t length;
    } names[] = {{"\0\4MQTT", 6}, {"\0\6MQIsdp", 8}};

    for (unsigned i = 0; i < 2; i++)
        if (length <= names[i].length && memcmp(bytes, names[i].bytes, length) == 0)
            return true;
    return false;
}

enum mqtt_connect_match mqtt_match_connect(const uint8_t *bytes, uint32_t captured)
{
    enum { SHORTEST = 12 };
    uint32_t announced;

    if (captured == 0 || bytes[0] != MQTT_TYPE_CONNECT << 4)
        return MQTT_CONNECT_NO;
    enum mqtt_frame_state state = mqtt_frame(bytes, captured, &announced);
    if (state == MQTT_FRAME_UNFINISHED)
        return MQTT_CONNECT_BEGUN;
    if (state == MQTT_FRAME_UNREADABLE || announced < SHORTEST)
        return MQTT_CONNECT_NO;
    struct mqtt_packet packet;
    mqtt_decode(&packet, bytes, captured < announced ? captured : announced, announced, MQTT_VERSION_UNKNOWN);
    const struct mqtt_connect *connect = &packet.connect;
    uint32_t header = packet.remaining_length_at.at + packet.remaining_length_at.length;
    if (connect->level_at == 0)
        return begins_protocol_name(bytes + header, captured - header) ? MQTT_CONNECT_BEGUN : MQTT_CONNECT_NO;
    return is_known_protocol(bytes + connect->protocol_name.at, connect->protocol_name.length, connect->level)
               ? MQTT_CONNECT_YES
               : MQTT_CONNECT_NO;
}

/** What bytes look like that may begin with a packet. */
enum likeness {
    LIKE_NOTHING,
    LIKE_BEGINNING, /**< of a packet that is longer than the bytes at hand */
    LIKE_PUBLISH,   /**< likewise, of a PUBLISH with its whole Topic Name */
    LIKE_PACKET,    /**< a whole one */
};

/** The likeness of a packet of which not all bytes are there. */
static enum likeness beginning_likeness(const struct mqtt_packet *packet)
{
    if (mqtt_is_malformed(packet) || !has_plausible_flags(packet) ||
        !has_plausible_properties(packet, &packet->properties, packet->type))
        return LIKE_NOTHING;
    if (packet->type != MQTT_TYPE_PUBLISH)
        return LIKE_BEGINNING;
    struct mqtt_span topic = packet->publish.topic;
    if (topic.length == 0 || topic.at + topic.length > packet->captured)
        return LIKE_BEGINNING;
    return is_topic_name(packet, topic) ? LIKE_PUBLISH : LIKE_NOTHING;
}

/** What the first packet of `length` bytes looks like by that of the versions in question that fits it best. */
static enum likeness likeness_by(const uint8_t *bytes, uint32_t captured, uint32_t length, enum mqtt_version version)
{
    static const enum mqtt_version all[] = {MQTT_V31, MQTT_V311, MQTT_V50};
    enum likeness best = LIKE_NOTHING;
    struct mqtt_packet packet;

    for (unsigned i = 0; i < 3; i++) {
        if (version != MQTT_VERSION_UNKNOWN && all[i] != version)
            continue;
        enum likeness likeness = LIKE_NOTHING;
        mqtt_decode(&packet, bytes, captured < length ? captured : length, length, all[i]);
        if (captured < length)
            likeness = beginning_likeness(&packet);
        else if (mqtt_packet_is_plausible(&packet))
            likeness = LIKE_PACKET;
        if (likeness > best)
            best = likeness;
    }
    return best;
}

struct mqtt_run mqtt_read_run(const uint8_t *bytes, uint32_t captured, enum mqtt_version version)
{
    struct mqtt_run run = {0, 0, 0, false, false};

    while (run.length < captured) {
        const uint8_t *start = bytes + run.length;
        uint32_t left = captured - run.length;
        uint32_t length;
        enum mqtt_frame_state state = mqtt_frame(start, left, &length);

        if (state == MQTT_FRAME_UNFINISHED) {
            run.broken = start[0] >> 4 == MQTT_TYPE_RESERVED;
            break;
        }
        enum likeness likeness = state == MQTT_FRAME_WHOLE ? likeness_by(start, left, length, version) : LIKE_NOTHING;
        if (likeness != LIKE_PACKET) {
            run.begun = likeness == LIKE_PUBLISH;
            run.broken = likeness == LIKE_NOTHING;
            break;
        }
        enum mqtt_senders senders = mqtt_packet_type_senders((enum mqtt_packet_type)(start[0] >> 4));
        if (senders != MQTT_SENT_BY_EITHER)
            run.senders |= (uint8_t)senders;
        run.packets++;
        run.length += length;
    }
    return run;
}

/** A packet whose flags do not matter to its meaning has plausible content by one of the versions in question. */
static bool fits_but_for_flags(const uint8_t *bytes, uint32_t length, enum mqtt_version version)
{
    static const enum mqtt_version all[] = {MQTT_V31, MQTT_V311, MQTT_V50};
    struct mqtt_packet packet;
    bool fits = false;

    for (unsigned i = 0; i < 3 && !fits; i++) {
        if (version != MQTT_VERSION_UNKNOWN && all[i] != version)
            continue;
        mqtt_decode(&packet, bytes, length, length, all[i]);
        fits = packet.type != MQTT_TYPE_PUBLISH && has_plausible_content(&packet);
    }
    return fits;
}

bool mqtt_is_filled_but_for_flags(const uint8_t *bytes, uint32_t length, enum mqtt_version version)
{
    uint32_t at = 0;

    while (at < length) {
        uint32_t packet_length;
        if (mqtt_frame(bytes + at, length - at, &packet_length) != MQTT_FRAME_WHOLE || packet_length > length - at ||
            !fits_but_for_flags(bytes + at, packet_length, version))
            return false;
        at += packet_length;
    }
    return length > 0;
}
