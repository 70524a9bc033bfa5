/* predicates-properties.c - questions about property blocks, single properties, and codes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "predicates.h"

const char *block_name(const struct check_subject *subject)
{
    return subject->block_type == MQTT_TYPE_WILL ? "Will Properties" : mqtt_packet_type_name(subject->block_type);
}

bool is_property_in_place(const struct check_subject *subject)
{
    return mqtt_property_is_allowed(subject->property.index, subject->block_type);
}

bool is_repeat_forbidden(const struct check_subject *subject)
{
    return subject->is_repeated && is_property_in_place(subject) &&
           mqtt_property_repeat(subject->property.index, subject->block_type) == MQTT_REPEAT_FORBIDDEN;
}

bool is_repeat_unspecified(const struct check_subject *subject)
{
    return subject->is_repeated &&
           mqtt_property_repeat(subject->property.index, subject->block_type) == MQTT_REPEAT_UNSPECIFIED;
}

bool is_property_of(const struct check_subject *subject, enum mqtt_packet_type block, enum mqtt_property_index index)
{
    return subject->block_type == block && subject->property.index == index;
}

bool is_of_two_values(const struct check_subject *subject)
{
    enum { SECONDS = 0, SIZE = 0, NUMBER = 0, NONE = 0, FLAG = 1, QOS = 1, FORMAT = 1 };
    static const uint32_t of_two_values = 0
#define PROPERTY(symbol, id, name, type, meaning, field, packets, repeats) | (uint32_t)meaning << MQTT_PROPERTY_##symbol
#include "../wire/properties.def"
#undef PROPERTY
        ;

    return of_two_values >> subject->property.index & 1 && is_property_in_place(subject);
}

bool is_neither_0_nor_1(const struct check_subject *subject)
{
    return subject->property.number > 1 && is_of_two_values(subject);
}

bool is_never_zero(const struct check_subject *subject)
{
    enum mqtt_property_index index = subject->property.index;
    bool is_number_of_one_or_more = index == MQTT_PROPERTY_RECEIVE_MAXIMUM ||
                                    index == MQTT_PROPERTY_MAXIMUM_PACKET_SIZE || index == MQTT_PROPERTY_TOPIC_ALIAS ||
                                    index == MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER;
    /* A Client's PUBLISH must have no Subscription Identifier at all. */
    bool is_told_already = is_property_of(subject, MQTT_TYPE_PUBLISH, MQTT_PROPERTY_SUBSCRIPTION_IDENTIFIER) &&
                           is_from_client(subject->facts);

    return is_number_of_one_or_more && is_property_in_place(subject) && !is_told_already;
}

bool is_forbidden_zero(const struct check_subject *subject)
{
    return subject->property.number == 0 && is_never_zero(subject);
}

bool has_property(const struct mqtt_packet *packet, enum mqtt_property_index index)
{
    return mqtt_properties_find(&packet->properties, index) != NULL;
}

struct mqtt_span property_span(const struct mqtt_packet *packet, enum mqtt_property_index index)
{
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, index);
    return property != NULL ? property->whole : whole_packet(packet);
}

bool is_said_to_be_utf8(const struct mqtt_properties *properties)
{
    const struct mqtt_property *format = mqtt_properties_find(properties, MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR);

    return format != NULL && format->number == 1;
}

static struct mqtt_span ill_formed_at(const struct mqtt_packet *packet, const struct mqtt_properties *properties,
                                      struct mqtt_span payload)
{
    uint32_t at;

    if (!is_said_to_be_utf8(properties) || payload.at == 0 || payload.at + payload.length > packet->captured ||
        mqtt_utf8_judge(packet->bytes + payload.at, payload.length, &at) != MQTT_UTF8_ILL_FORMED)
        return (struct mqtt_span){0, 0};
    return bytes_at(payload.at + at, 1);
}

struct mqtt_span ill_formed_payload(const struct mqtt_packet *packet)
{
    return ill_formed_at(packet, &packet->properties, packet->publish.payload);
}

struct mqtt_span ill_formed_will_payload(const struct mqtt_packet *packet)
{
    return ill_formed_at(packet, &packet->connect.will_properties, packet->connect.will_payload);
}

enum mqtt_property_index property_over_maximum_size(const struct check_subject *subject)
{
    const struct mqtt_packet *packet = subject->packet;
    uint32_t reason_strings = 0, user_properties = 0, at = 0;
    struct mqtt_property property;

    if (!mqtt_property_is_allowed(MQTT_PROPERTY_REASON_STRING, packet->type))
        return MQTT_PROPERTY_COUNT;
    while (mqtt_properties_next(packet, &packet->properties, &at, &property)) {
        if (property.index == MQTT_PROPERTY_REASON_STRING)
            reason_strings += property.whole.length;
        else if (property.index == MQTT_PROPERTY_USER_PROPERTY)
            user_properties += property.whole.length;
    }
    uint32_t surplus = packet->length - receiver_limits(subject->facts)->maximum_packet_size;
    if (reason_strings >= surplus)
        return MQTT_PROPERTY_REASON_STRING;
    if (user_properties >= surplus)
        return MQTT_PROPERTY_USER_PROPERTY;
    return reason_strings + user_properties >= surplus ? MQTT_PROPERTY_REASON_STRING : MQTT_PROPERTY_COUNT;
}

bool is_unknown_code(const struct mqtt_packet *packet)
{
    return packet->reason_at != 0 && mqtt_reason_name(packet->version, packet->type, packet->reason) == NULL;
}

bool is_code_of_other_side(const struct mqtt_packet *packet, const struct track_facts *facts)
{
    enum mqtt_senders senders = mqtt_reason_senders(packet->type, packet->reason);
    return senders == (is_from_client(facts) ? MQTT_SENT_BY_SERVER : MQTT_SENT_BY_CLIENT);
}

bool may_have_failed_authentication(const struct mqtt_packet *packet, const struct track_facts *facts)
{
    const struct track_connect_info *connect_info = facts->snapshot->connect_info;

    return packet->reason == MQTT_REASON_NOT_AUTHORIZED && is_from_client(facts) &&
           (connect_info == NULL || connect_info->auth_method != NULL);
}

bool is_excused_disconnect_code(const struct mqtt_packet *packet, const struct track_facts *facts)
{
    return (packet->reason == MQTT_REASON_QOS_NOT_SUPPORTED && is_from_client(facts)) ||
           may_have_failed_authentication(packet, facts);
}

const char *sender_name(const struct track_facts *facts)
{
    return is_from_client(facts) ? "Client" : "Server";
}

struct mqtt_span code_span(const struct mqtt_packet *packet)
{
    return bytes_at(packet->reason_at, 1);
}

bool is_reference_unexplained(const struct mqtt_packet *packet)
{
    return has_property(packet, MQTT_PROPERTY_SERVER_REFERENCE) && packet->reason != MQTT_REASON_USE_ANOTHER_SERVER &&
           packet->reason != MQTT_REASON_SERVER_MOVED;
}
