/* decode.c - reads an MQTT Control Packet of any version into struct mqtt_packet.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each reader below is the packet's diagram from the specification, read from left to right. The cursor's sticky fault
 * makes a check after each field unnecessary.
 */
#include <stddef.h>
#include <string.h>

#include "packet.h"

enum mqtt_frame_state mqtt_frame(const uint8_t *bytes, uint32_t available, uint32_t *length)
{
    uint32_t remaining = 0;

    for (uint32_t i = 0; i < 4; i++) {
        if (i + 1 >= available)
            return MQTT_FRAME_UNFINISHED;
        remaining |= (uint32_t)(bytes[i + 1] & 0x7F) << (7 * i);
        if (!(bytes[i + 1] & 0x80)) {
            *length = i + 2 + remaining;
            return MQTT_FRAME_WHOLE;
        }
    }
    return MQTT_FRAME_UNREADABLE;
}

/** Makes a property block absent. The values of its properties are left alone: they are valid only where `seen` says that they
 *  were read. */
static void clear_properties(struct mqtt_properties *properties)
{
    properties->length_at = (struct mqtt_span){0, 0};
    properties->seen = properties->repeated = 0;
}

/** Section 3.1.3: the payload of a CONNECT. */
static void read_connect_payload(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    struct mqtt_connect *connect = &packet->connect;

    connect->client_id = mqtt_cursor_string(cursor, MQTT_FIELD_CLIENT_ID);
    if (connect->flags & MQTT_CONNECT_WILL) {
        if (packet->version == MQTT_V50)
            mqtt_properties_read(cursor, &connect->will_properties, MQTT_FIELD_WILL_PROPERTY_LENGTH);
        connect->will_topic = mqtt_cursor_string(cursor, MQTT_FIELD_WILL_TOPIC);
        connect->will_payload = mqtt_cursor_string(cursor, MQTT_FIELD_WILL_PAYLOAD);
    }
    /* MQTT 3.1 section 3.1: the Remaining Length wins over the flags of a missing user name or password. */
    bool may_be_missing = packet->version == MQTT_V31;
    if (connect->flags & MQTT_CONNECT_USER_NAME && (!may_be_missing || mqtt_cursor_has_more(cursor)))
        connect->user_name = mqtt_cursor_string(cursor, MQTT_FIELD_USER_NAME);
    if (connect->flags & MQTT_CONNECT_PASSWORD && (!may_be_missing || mqtt_cursor_has_more(cursor)))
        connect->password = mqtt_cursor_string(cursor, MQTT_FIELD_PASSWORD);
}

/** Section 3.1. */
static void read_connect(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    struct mqtt_connect *connect = &packet->connect;

    connect->protocol_name = mqtt_cursor_string(cursor, MQTT_FIELD_PROTOCOL_NAME);
    uint32_t level_at = cursor->at;
    connect->level = mqtt_cursor_byte(cursor, MQTT_FIELD_PROTOCOL_VERSION);
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return;
    connect->level_at = level_at;

    unsigned level = connect->level & ~MQTT_LEVEL_BRIDGE & 0xFF;
    if (level < MQTT_V31 || level > MQTT_V50) {
        mqtt_cursor_fail(cursor, MQTT_FAULT_LEVEL_UNKNOWN, MQTT_FIELD_PROTOCOL_VERSION, (struct mqtt_span){level_at, 1},
                         MQTT_V50, connect->level);
        packet->version = MQTT_VERSION_UNKNOWN;
        return;
    }
    packet->version = (enum mqtt_version)level;

    uint32_t flags_at = cursor->at;
    connect->flags = mqtt_cursor_byte(cursor, MQTT_FIELD_CONNECT_FLAGS);
    uint32_t keep_alive_at = cursor->at;
    if (cursor->fault.kind == MQTT_FAULT_NONE)
        connect->flags_at = flags_at;
    connect->keep_alive_s = mqtt_cursor_two_byte(cursor, MQTT_FIELD_KEEP_ALIVE);
    if (cursor->fault.kind == MQTT_FAULT_NONE)
        connect->keep_alive_at = keep_alive_at;
    if (packet->version == MQTT_V50)
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
    read_connect_payload(cursor, packet);
}

/** The code of a response, where the packet has one. */
static void read_reason(struct mqtt_cursor *cursor, struct mqtt_packet *packet, enum mqtt_field field)
{
    uint32_t at = cursor->at;
    uint8_t reason = mqtt_cursor_byte(cursor, field);
    if (cursor->fault.kind == MQTT_FAULT_NONE) {
        packet->reason = reason;
        packet->reason_at = at;
    }
}

/** Section 3.2. A Server that does not speak the Client's version refuses in its own: a code of that table, and a length that
 *  goes with it. */
static void read_connack(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    bool has_block = packet->remaining_length > 2;
    uint8_t code = cursor->at + 1 < cursor->captured ? cursor->bytes[cursor->at + 1] : 0;

    if (packet->version == MQTT_V50 && packet->remaining_length == 2 && code >= MQTT_RETURN_UNACCEPTABLE_VERSION &&
        code <= MQTT_RETURN_NOT_AUTHORIZED)
        packet->version = MQTT_V311;
    else if (packet->version != MQTT_V50 && has_block && code == MQTT_REASON_UNSUPPORTED_PROTOCOL_VERSION)
        packet->version = MQTT_V50;

    uint32_t at = cursor->at;
    packet->ack_flags = mqtt_cursor_byte(cursor, MQTT_FIELD_ACK_FLAGS);
    if (cursor->fault.kind == MQTT_FAULT_NONE)
        packet->ack_flags_at = at;
    read_reason(cursor, packet, packet->version == MQTT_V50 ? MQTT_FIELD_REASON_CODE : MQTT_FIELD_RETURN_CODE);
    if (packet->version == MQTT_V50 && has_block)
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
}

/** Section 2.2.1. */
static void read_packet_id(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    uint32_t at = cursor->at;
    packet->packet_id = mqtt_cursor_two_byte(cursor, MQTT_FIELD_PACKET_ID);
    if (cursor->fault.kind == MQTT_FAULT_NONE)
        packet->packet_id_at = at;
}

/** The fields of a PUBLISH after its Topic Name. */
static void read_publish_rest(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    struct mqtt_publish *publish = &packet->publish;

    if (publish->qos > 0)
        read_packet_id(cursor, packet);
    if (packet->version == MQTT_V50)
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
    if (cursor->fault.kind == MQTT_FAULT_NONE)
        publish->payload = mqtt_cursor_take(cursor, MQTT_FIELD_PAYLOAD, cursor->end - cursor->at);
}

/** Section 3.3. A PUBLISH of QoS 3 is read as one of QoS 1 or 2; where it cannot be, its only fault is the QoS. */
static void read_publish(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    struct mqtt_publish *publish = &packet->publish;

    publish->topic = mqtt_cursor_string(cursor, MQTT_FIELD_TOPIC_NAME);
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return;
    struct mqtt_cursor after_topic = *cursor;
    read_publish_rest(cursor, packet);
    if (publish->qos == 3 && cursor->fault.kind > MQTT_FAULT_CUT) {
        *cursor = after_topic;
        packet->packet_id = 0;
        packet->packet_id_at = 0;
        clear_properties(&packet->properties);
        mqtt_cursor_fail(cursor, MQTT_FAULT_QOS_3, MQTT_FIELD_QOS, (struct mqtt_span){0, 1}, 2, publish->qos);
    }
}

/** Sections 3.4 to 3.7: PUBACK, PUBREC, PUBREL and PUBCOMP. MQTT 5.0 may leave out the Reason Code, and after it the
 *  properties. */
static void read_publish_ack(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    read_packet_id(cursor, packet);
    if (packet->version == MQTT_V50 && mqtt_cursor_has_more(cursor))
        read_reason(cursor, packet, MQTT_FIELD_REASON_CODE);
    if (packet->version == MQTT_V50 && mqtt_cursor_has_more(cursor))
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
}

/** Reads one entry of a SUBSCRIBE or an UNSUBSCRIBE. */
static void read_filter(struct mqtt_cursor *cursor, enum mqtt_packet_type type, struct mqtt_filter *filter)
{
    filter->text = mqtt_cursor_string(cursor, MQTT_FIELD_TOPIC_FILTER);
    filter->options_at = 0;
    filter->options = 0;
    if (type == MQTT_TYPE_SUBSCRIBE) {
        uint32_t at = cursor->at;
        filter->options = mqtt_cursor_byte(cursor, MQTT_FIELD_SUBSCRIPTION_OPTIONS);
        if (cursor->fault.kind == MQTT_FAULT_NONE)
            filter->options_at = at;
    }
}

/** Sections 3.8 and 3.10: SUBSCRIBE and UNSUBSCRIBE. */
static void read_subscribe(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    read_packet_id(cursor, packet);
    if (packet->version == MQTT_V50)
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
    if (cursor->fault.kind != MQTT_FAULT_NONE)
        return;
    packet->list = (struct mqtt_span){cursor->at, cursor->end - cursor->at};
    while (mqtt_cursor_has_more(cursor)) {
        struct mqtt_filter filter;
        uint32_t start = cursor->at;
        read_filter(cursor, packet->type, &filter);
        if (cursor->fault.kind != MQTT_FAULT_NONE)
            cursor->at = start;
    }
}

/** Sections 3.9 and 3.11: SUBACK and UNSUBACK. The UNSUBACK of MQTT 3 has no codes. */
static void read_subscribe_ack(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    read_packet_id(cursor, packet);
    if (packet->version == MQTT_V50)
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
    if (cursor->fault.kind != MQTT_FAULT_NONE || (packet->type == MQTT_TYPE_UNSUBACK && packet->version != MQTT_V50))
        return;
    packet->list =
        mqtt_cursor_take(cursor, packet->version == MQTT_V50 ? MQTT_FIELD_REASON_CODES : MQTT_FIELD_RETURN_CODES,
                         cursor->end - cursor->at);
}

/** Sections 3.14 and 3.15: DISCONNECT and AUTH of MQTT 5.0. Only a DISCONNECT may have a code without properties. */
static void read_disconnect_or_auth(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    if (packet->version != MQTT_V50 || !mqtt_cursor_has_more(cursor))
        return;
    read_reason(cursor, packet, MQTT_FIELD_REASON_CODE);
    if (packet->type == MQTT_TYPE_AUTH || mqtt_cursor_has_more(cursor))
        mqtt_properties_read(cursor, &packet->properties, MQTT_FIELD_PROPERTY_LENGTH);
}

/** Section 2.1.2: type 0 is reserved, and type 15 is before MQTT 5.0. */
static void refuse_type(struct mqtt_cursor *cursor, const struct mqtt_packet *packet)
{
    uint32_t last = packet->version == MQTT_V50 ? MQTT_TYPE_AUTH : MQTT_TYPE_DISCONNECT;
    mqtt_cursor_fail(cursor, MQTT_FAULT_RESERVED_TYPE, MQTT_FIELD_PACKET_TYPE, (struct mqtt_span){0, 1}, last,
                     packet->type);
}

/** Everything after the fixed header. */
static void read_body(struct mqtt_cursor *cursor, struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        read_connect(cursor, packet);
        break;
    case MQTT_TYPE_CONNACK:
        read_connack(cursor, packet);
        break;
    case MQTT_TYPE_PUBLISH:
        read_publish(cursor, packet);
        break;
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
        read_publish_ack(cursor, packet);
        break;
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        read_subscribe(cursor, packet);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        read_subscribe_ack(cursor, packet);
        break;
    case MQTT_TYPE_AUTH:
        if (packet->version == MQTT_V50)
            read_disconnect_or_auth(cursor, packet);
        else
            refuse_type(cursor, packet);
        break;
    case MQTT_TYPE_DISCONNECT:
        read_disconnect_or_auth(cursor, packet);
        break;
    case MQTT_TYPE_PINGREQ:
    case MQTT_TYPE_PINGRESP:
        break;
    case MQTT_TYPE_RESERVED:
    case MQTT_TYPE_WILL:
        refuse_type(cursor, packet);
        break;
    }
}

/** Makes every field absent, so that a field which a fault leaves unread is absent. */
static void clear_packet(struct mqtt_packet *packet)
{
    memset(packet, 0, offsetof(struct mqtt_packet, connect));
    clear_properties(&packet->properties);
}

/** The same for what only one type of packet has; the flags of a PUBLISH are known by then (section 3.3.1). */
static void begin_body(struct mqtt_packet *packet)
{
    struct mqtt_connect *connect = &packet->connect;

    if (packet->type == MQTT_TYPE_PUBLISH) {
        packet->publish = (struct mqtt_publish){
            .dup = packet->flags & 0x08,
            .retain = packet->flags & 0x01,
            .qos = packet->flags >> 1 & 0x03,
        };
    } else if (packet->type == MQTT_TYPE_CONNECT) {
        memset(connect, 0, offsetof(struct mqtt_connect, will_properties));
        clear_properties(&connect->will_properties);
        connect->will_topic = connect->will_payload = (struct mqtt_span){0, 0};
        connect->user_name = connect->password = (struct mqtt_span){0, 0};
    }
}

void mqtt_decode(struct mqtt_packet *packet, const uint8_t *bytes, uint32_t captured, uint32_t length,
                 enum mqtt_version version)
{
    struct mqtt_cursor cursor = {.bytes = bytes, .end = length, .captured = captured};

    clear_packet(packet);
    packet->bytes = bytes;
    packet->captured = captured;
    packet->length = length;
    packet->version = version == MQTT_VERSION_UNKNOWN ? MQTT_V311 : version;

    uint8_t first = mqtt_cursor_byte(&cursor, MQTT_FIELD_FIXED_HEADER);
    packet->type = (enum mqtt_packet_type)(first >> 4);
    packet->flags = first & 0x0F;
    begin_body(packet);
    uint32_t remaining_length = mqtt_cursor_varint(&cursor, MQTT_FIELD_REMAINING_LENGTH);
    if (cursor.fault.kind == MQTT_FAULT_NONE) {
        packet->remaining_length_at = (struct mqtt_span){1, cursor.at - 1};
        packet->remaining_length = remaining_length;
        read_body(&cursor, packet);
    }
    /* What the first byte says needs no length. */
    if (captured > 0 && cursor.fault.kind == MQTT_FAULT_CUT &&
        (packet->type == MQTT_TYPE_RESERVED || (packet->type == MQTT_TYPE_AUTH && packet->version != MQTT_V50))) {
        cursor.fault.kind = MQTT_FAULT_NONE;
        refuse_type(&cursor, packet);
    }
    if (mqtt_cursor_has_more(&cursor))
        mqtt_cursor_fail(&cursor, MQTT_FAULT_LEFT_OVER, MQTT_FIELD_WHOLE_PACKET,
                         (struct mqtt_span){cursor.at, length - cursor.at}, cursor.at, length - cursor.at);
    packet->read_to = cursor.at;
    packet->fault = cursor.fault;
}

static void copy_properties(struct mqtt_properties *to, const struct mqtt_properties *from)
{
    memcpy(to, from, offsetof(struct mqtt_properties, first));
    for (uint32_t left = from->seen; left != 0; left &= left - 1)
        to->first[__builtin_ctz(left)] = from->first[__builtin_ctz(left)];
}

void mqtt_copy(struct mqtt_packet *to, const struct mqtt_packet *from)
{
    memcpy(to, from, offsetof(struct mqtt_packet, connect));
    if (from->type == MQTT_TYPE_CONNECT)
        to->connect = from->connect;
    else if (from->type == MQTT_TYPE_PUBLISH)
        to->publish = from->publish;
    else
        memset(&to->connect, 0, sizeof to->connect);
    copy_properties(&to->properties, &from->properties);
}

bool mqtt_filters_next(const struct mqtt_packet *packet, uint32_t *at, struct mqtt_filter *filter)
{
    uint32_t end = packet->list.at + packet->list.length;
    struct mqtt_cursor cursor = {.bytes = packet->bytes, .end = end, .captured = packet->captured};

    cursor.at = *at ? *at : packet->list.at;
    if (!mqtt_cursor_has_more(&cursor))
        return false;
    read_filter(&cursor, packet->type, filter);
    *at = cursor.at;
    return cursor.fault.kind == MQTT_FAULT_NONE;
}
