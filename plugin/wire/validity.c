/* validity.c - what the specifications forbid in a packet that can be read, decided by its own bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "validity.h"

#include <stddef.h>

#include "utf8.h"

enum mqtt_repeat mqtt_property_repeat(enum mqtt_property_index index, enum mqtt_packet_type block)
{
    if (mqtt_property_info(index)->repeats >> block & 1)
        return MQTT_REPEAT_ALLOWED;
    /* Sections 3.3.2.3.2 and 3.3.2.3.3 lack the sentence that the other properties have. */
    if (block == MQTT_TYPE_PUBLISH &&
        (index == MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR || index == MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL))
        return MQTT_REPEAT_UNSPECIFIED;
    return MQTT_REPEAT_FORBIDDEN;
}

/** A block of MQTT 5.0 has a property that it must not have, or one more often than it may. */
static bool has_invalid_properties(const struct mqtt_properties *properties, enum mqtt_packet_type block)
{
    uint32_t rest = properties->length_at.at != 0 ? properties->seen : 0;

    for (; rest != 0; rest &= rest - 1) {
        enum mqtt_property_index index = (enum mqtt_property_index)__builtin_ctz(rest);
        bool is_repeated = properties->repeated & mqtt_property_bit(index);
        if (!mqtt_property_is_allowed(index, block) ||
            (is_repeated && mqtt_property_repeat(index, block) == MQTT_REPEAT_FORBIDDEN))
            return true;
    }
    return false;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/** The length field of a string within the first `trusted` bytes that is not plain text; `trusted` where it is, or where it is
 *  absent or further on. */
static uint32_t trusted_before_text(const struct mqtt_packet *packet, struct mqtt_span text, uint32_t trusted)
{
    bool is_within = text.at != 0 && text.at + text.length <= trusted;

    return is_within && mqtt_utf8_judge(packet->bytes + text.at, text.length, NULL) != MQTT_UTF8_GOOD ? text.at - 2
                                                                                                      : trusted;
}

/** A block whose properties fill it exactly is what its sender meant; of another, what precedes the first doubtful property. */
static uint32_t trusted_before_property(const struct mqtt_packet *packet, const struct mqtt_properties *properties,
                                        enum mqtt_packet_type block, uint32_t trusted)
{
    struct mqtt_property property;
    uint32_t at = 0;

    if (properties->length_at.at == 0 || packet->read_to >= properties->block.at + properties->announced)
        return trusted;
    while (mqtt_properties_next(packet, properties, &at, &property)) {
        enum mqtt_property_type type = mqtt_property_info(property.index)->type;
        if (!mqtt_property_is_allowed(property.index, block))
            return smaller(trusted, property.whole.at);
        if (type == MQTT_PROPERTY_TEXT || type == MQTT_PROPERTY_PAIR) {
            trusted = trusted_before_text(packet, property.text, trusted);
            trusted = trusted_before_text(packet, property.text2, trusted);
        }
    }
    return trusted;
}

/** The same for the entries of a SUBSCRIBE or an UNSUBSCRIBE. */
static uint32_t trusted_before_filter(const struct mqtt_packet *packet, uint32_t trusted)
{
    enum { FIRST_PRINTABLE = 0x20 };
    struct mqtt_filter filter;
    uint32_t at = 0;

    while (mqtt_filters_next(packet, &at, &filter)) {
        if (filter.text.length == 0 || filter.options >= FIRST_PRINTABLE)
            return smaller(trusted, filter.text.at - 2);
        trusted = trusted_before_text(packet, filter.text, trusted);
    }
    return trusted;
}

/** All packets of this type have the same length (MQTT 3.1.1 sections 3.2.1, 3.4.1 and so on; MQTT 5.0 section 3.12.1). */
static bool has_fixed_length(const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_TYPE_PINGREQ:
    case MQTT_TYPE_PINGRESP:
        return true;
    case MQTT_TYPE_CONNACK:
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
    case MQTT_TYPE_UNSUBACK:
    case MQTT_TYPE_DISCONNECT:
        return packet->version != MQTT_V50;
    default:
        return false;
    }
}

uint32_t mqtt_trusted_length(const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;
    bool is_about_qos = packet->fault.kind == MQTT_FAULT_QOS_3; /* which is in the first byte and spoils no other */
    uint32_t trusted = is_about_qos ? packet->read_to : smaller(packet->read_to, packet->fault.at.at);

    if (has_fixed_length(packet)) /* its fault is the Remaining Length */
        return smaller(trusted, packet->remaining_length_at.at);
    trusted = trusted_before_property(packet, &packet->properties, packet->type, trusted);
    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        trusted = trusted_before_text(packet, connect->protocol_name, trusted);
        trusted = trusted_before_text(packet, connect->client_id, trusted);
        trusted = trusted_before_property(packet, &connect->will_properties, MQTT_TYPE_WILL, trusted);
        trusted = trusted_before_text(packet, connect->will_topic, trusted);
        return trusted_before_text(packet, connect->user_name, trusted);
    case MQTT_TYPE_PUBLISH:
        return trusted_before_text(packet, packet->publish.topic, trusted);
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        return trusted_before_filter(packet, trusted);
    default:
        return trusted;
    }
}

bool mqtt_is_first_byte_valid(uint8_t first, enum mqtt_version version, enum mqtt_senders senders)
{
    const struct mqtt_packet packet = {
        .version = version, .type = (enum mqtt_packet_type)(first >> 4), .flags = first & 0x0F};
    bool is_v3 = version == MQTT_V31 || version == MQTT_V311;
    enum mqtt_senders allowed = mqtt_packet_type_senders(packet.type);

    /* Before MQTT 5.0 a Server closes the connection without a word. */
    if (packet.type == MQTT_TYPE_DISCONNECT && is_v3)
        allowed = MQTT_SENT_BY_CLIENT;
    if (!(allowed & senders) || (packet.type == MQTT_TYPE_AUTH && is_v3))
        return false;
    if (packet.type == MQTT_TYPE_PUBLISH)
        return (packet.flags >> 1 & 3) != 3;
    return version == MQTT_VERSION_UNKNOWN || !mqtt_has_invalid_flags(&packet);
}

bool mqtt_is_invalid(const struct mqtt_packet *packet)
{
    if (packet->fault.kind != MQTT_FAULT_NONE)
        return mqtt_is_malformed(packet);
    return mqtt_has_invalid_flags(packet) || (packet->type == MQTT_TYPE_PUBLISH && packet->publish.qos == 3) ||
           mqtt_lacks_filters(packet) || has_invalid_properties(&packet->properties, packet->type) ||
           (packet->type == MQTT_TYPE_CONNECT &&
            has_invalid_properties(&packet->connect.will_properties, MQTT_TYPE_WILL));
}
