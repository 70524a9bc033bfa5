/* predicates-framing.c - questions about the fixed header, lengths, and malformed packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "../model/facts/subprotocols.h"
#include "predicates.h"

/** The class of bytes after the last field. */
static enum fault_class class_of_left_over(const struct mqtt_packet *packet)
{
    enum { PAYLOAD_FLAGS = MQTT_CONNECT_WILL | MQTT_CONNECT_USER_NAME | MQTT_CONNECT_PASSWORD };
    bool is_v3 = packet->version != MQTT_V50;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        return (packet->connect.flags & PAYLOAD_FLAGS) == PAYLOAD_FLAGS ? FAULT_LEFT_OVER : FAULT_CONNECT_LEFT_OVER;
    case MQTT_TYPE_PINGREQ:
    case MQTT_TYPE_PINGRESP:
        return FAULT_BARE_LENGTH;
    case MQTT_TYPE_DISCONNECT:
        return is_v3 ? FAULT_BARE_LENGTH : FAULT_LEFT_OVER;
    case MQTT_TYPE_CONNACK:
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
    case MQTT_TYPE_UNSUBACK:
        return is_v3 ? FAULT_ACK_LENGTH : FAULT_LEFT_OVER;
    default:
        return FAULT_LEFT_OVER;
    }
}

/** The class of a field that extends beyond the end of a CONNECT; FAULT_PAST_END for one that has no statement of its own. */
static enum fault_class class_of_connect_end(const struct mqtt_packet *packet)
{
    const struct mqtt_fault *fault = &packet->fault;
    bool is_v31 = packet->version == MQTT_V31;

    switch (fault->field) {
    case MQTT_FIELD_CLIENT_ID:
        return fault->found < 2 && fault->needed == 2 && !is_v31 ? FAULT_CLIENT_ID_MISSING : FAULT_PAST_END;
    case MQTT_FIELD_WILL_PROPERTY_LENGTH:
    case MQTT_FIELD_WILL_TOPIC:
    case MQTT_FIELD_WILL_PAYLOAD:
        return FAULT_WILL_MISSING;
    case MQTT_FIELD_USER_NAME:
        return is_v31 ? FAULT_PAST_END : FAULT_USER_NAME_MISSING;
    case MQTT_FIELD_PASSWORD:
        return is_v31 ? FAULT_PAST_END : FAULT_PASSWORD_MISSING;
    default:
        return FAULT_PAST_END;
    }
}

/** The class of a field that extends beyond the end of its packet. */
static enum fault_class class_of_past_end(const struct mqtt_packet *packet)
{
    const struct mqtt_fault *fault = &packet->fault;
    bool is_request = packet->type == MQTT_TYPE_SUBSCRIBE || packet->type == MQTT_TYPE_UNSUBSCRIBE;

    if (packet->type == MQTT_TYPE_CONNECT) {
        enum fault_class class_of_field = class_of_connect_end(packet);
        if (class_of_field != FAULT_PAST_END)
            return class_of_field;
    }
    if (fault->field == MQTT_FIELD_PROPERTY_LENGTH && fault->found == 0)
        return FAULT_PROPERTY_LENGTH_MISSING;
    if (packet->type == MQTT_TYPE_PUBLISH && packet->version != MQTT_V31 && fault->field == MQTT_FIELD_TOPIC_NAME)
        return FAULT_TOPIC_MISSING;
    if (packet->version == MQTT_V50)
        return packet->remaining_length < least_remaining_length(packet) ? FAULT_TOO_SHORT : FAULT_PAST_END;
    if (is_request && packet->version == MQTT_V31 && !(packet->flags & 0x06))
        return FAULT_REQUEST_WITHOUT_ID;
    return class_of_left_over(packet) == FAULT_ACK_LENGTH ? FAULT_ACK_LENGTH : FAULT_PAST_END;
}

enum fault_class fault_class_of(const struct mqtt_packet *packet)
{
    switch (packet->fault.kind) {
    case MQTT_FAULT_RESERVED_TYPE:
        return packet->type == MQTT_TYPE_AUTH ? FAULT_AUTH_BEFORE_V5 : FAULT_TYPE_0;
    case MQTT_FAULT_LEVEL_UNKNOWN:
        return FAULT_LEVEL;
    case MQTT_FAULT_VARINT_TOO_LONG:
        return packet->fault.field == MQTT_FIELD_REMAINING_LENGTH ? FAULT_REMAINING_LENGTH : FAULT_VARINT;
    case MQTT_FAULT_PROPERTY_UNKNOWN:
        return FAULT_PROPERTY_UNKNOWN;
    case MQTT_FAULT_PAST_BLOCK:
        return FAULT_PROPERTY_PAST_BLOCK;
    case MQTT_FAULT_BLOCK_PAST_END:
        return FAULT_BLOCK_PAST_END;
    case MQTT_FAULT_LEFT_OVER:
        return class_of_left_over(packet);
    case MQTT_FAULT_QOS_3:
        return FAULT_QOS_3;
    case MQTT_FAULT_PAST_END:
    case MQTT_FAULT_CUT:
    case MQTT_FAULT_NONE:
        break;
    }
    return class_of_past_end(packet);
}

bool lacks_websocket_offer(const struct track_facts *facts)
{
    const char *offered = facts->websocket_offered;
    const char *chosen = facts->websocket_chosen;

    return offered != NULL && chosen != NULL && track_is_subprotocol_in(offered, chosen) &&
           !track_is_subprotocol_in(offered, "mqtt");
}

uint32_t least_remaining_length(const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        return 13;
    case MQTT_TYPE_PUBLISH:
        return packet->publish.qos > 0 ? 5 : 3;
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
        return 2;
    case MQTT_TYPE_CONNACK:
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBSCRIBE:
    case MQTT_TYPE_UNSUBACK:
        return 3;
    default:
        return 0;
    }
}

struct mqtt_span padded_property_length(const struct mqtt_packet *packet)
{
    const struct mqtt_span none = {0, 0};

    if (is_padded(packet, packet->properties.length_at))
        return packet->properties.length_at;
    if (packet->type == MQTT_TYPE_CONNECT && is_padded(packet, packet->connect.will_properties.length_at))
        return packet->connect.will_properties.length_at;
    return none;
}

struct mqtt_span padded_property_varint(const struct check_subject *subject)
{
    const struct mqtt_property *property = &subject->property;
    struct mqtt_span identifier = {property->whole.at, property->value.at - property->whole.at};
    const struct mqtt_span none = {0, 0};

    if (is_padded(subject->packet, identifier))
        return identifier;
    if (mqtt_property_info(property->index)->type == MQTT_PROPERTY_VARINT &&
        is_padded(subject->packet, property->value))
        return property->value;
    return none;
}

bool are_flags_reserved(const struct check_subject *subject)
{
    const struct mqtt_packet *packet = subject->packet;
    uint8_t source = subject->facts->snapshot->version_source;
    struct mqtt_packet as_v31;

    if (packet->type == MQTT_TYPE_CONNECT)
        return packet->connect.level_at != 0;
    if (source == TRACK_VERSION_FROM_CONNECT || source == TRACK_VERSION_FROM_PREFERENCE)
        return true;
    if (track_find_anomaly(subject->facts, TRACK_ANOMALY_CONNECT_NOT_FIRST) == NULL)
        return false;
    mqtt_decode(&as_v31, packet->bytes, packet->captured, packet->length, MQTT_V31);
    return mqtt_is_malformed(&as_v31);
}

bool is_wrong_direction(const struct check_subject *subject)
{
    const struct mqtt_packet *packet = subject->packet;
    const struct track_facts *facts = subject->facts;
    uint8_t source = facts->snapshot->version_source;
    bool is_v3 = packet->version != MQTT_V50 &&
                 (source == TRACK_VERSION_FROM_CONNECT || source == TRACK_VERSION_FROM_PREFERENCE);
    enum mqtt_senders senders = mqtt_packet_type_senders(packet->type);

    /* Before MQTT 5.0 a Server ends a connection by closing it; only a Client has a DISCONNECT. */
    if (packet->type == MQTT_TYPE_DISCONNECT && is_v3)
        senders = MQTT_SENT_BY_CLIENT;
    return (senders == MQTT_SENT_BY_CLIENT && is_from_server(facts)) ||
           (senders == MQTT_SENT_BY_SERVER && is_from_client(facts));
}
