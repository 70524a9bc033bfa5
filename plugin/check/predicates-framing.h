/* predicates-framing.h - questions about the fixed header, lengths, and malformed packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_FRAMING_H
#define MQTTSCOPE_CHECK_PREDICATES_FRAMING_H

#include "check.h"

/** Why a packet is malformed, as the rules distinguish it: a packet has one of these. */
enum fault_class {
    FAULT_TYPE_0,
    FAULT_AUTH_BEFORE_V5,
    FAULT_LEVEL,
    FAULT_REMAINING_LENGTH,        /**< its fifth byte */
    FAULT_VARINT,                  /**< the fifth byte of another Variable Byte Integer */
    FAULT_PROPERTY_UNKNOWN,        /**< an identifier that no property has */
    FAULT_PROPERTY_PAST_BLOCK,     /**< a property extends beyond its block */
    FAULT_BLOCK_PAST_END,          /**< a property block extends beyond the packet */
    FAULT_PROPERTY_LENGTH_MISSING, /**< the packet ends where its property block should begin */
    FAULT_ACK_LENGTH,              /**< MQTT 3: not the two bytes that an acknowledgement has */
    FAULT_BARE_LENGTH,             /**< not the zero bytes that PINGREQ, PINGRESP and, in MQTT 3, DISCONNECT have */
    FAULT_CONNECT_LEFT_OVER,       /**< bytes after the last field that the Connect Flags announce */
    FAULT_LEFT_OVER,               /**< bytes after the last field of another packet, or of a CONNECT with all flags */
    FAULT_CLIENT_ID_MISSING,
    FAULT_WILL_MISSING,
    FAULT_USER_NAME_MISSING,
    FAULT_PASSWORD_MISSING,
    FAULT_TOPIC_MISSING,
    FAULT_QOS_3,              /**< a PUBLISH of QoS 3, whose QoS is reported by a rule of its own */
    FAULT_REQUEST_WITHOUT_ID, /**< MQTT 3.1: a request with QoS bits 0 need not have an identifier, and was read with one */
    FAULT_TOO_SHORT,          /**< MQTT 5.0: shorter than the shortest of its type */
    FAULT_PAST_END,           /**< any other field extends beyond the packet */
};

/** The class of a malformed packet. */
enum fault_class fault_class_of(const struct mqtt_packet *packet);

/** MQTT 3.1: a malformed request whose QoS bits are 0, which may be one without the identifier that it was read with. */
static inline bool lacks_request_id(const struct mqtt_packet *packet)
{
    return mqtt_is_malformed(packet) && fault_class_of(packet) == FAULT_REQUEST_WITHOUT_ID;
}

/** The Client did not offer the subprotocol of MQTT for the WebSocket, as far as is known: an offer may be in several
 *  headers (RFC 6455 section 11.3.4), of which Wireshark reports one. One without the Server's choice is not the whole offer. */
bool lacks_websocket_offer(const struct track_facts *facts);

/** The least Remaining Length that a packet of MQTT 5.0 has. */
uint32_t least_remaining_length(const struct mqtt_packet *packet);

/** A Variable Byte Integer has more bytes than its value needs: the last of them is 0. */
static inline bool is_padded(const struct mqtt_packet *packet, struct mqtt_span varint)
{
    return varint.length > 1 && varint.at + varint.length <= packet->captured &&
           packet->bytes[varint.at + varint.length - 1] == 0;
}

/** The first padded Property Length of the packet; its length is 0 where there is none. */
struct mqtt_span padded_property_length(const struct mqtt_packet *packet);

/** The identifier or the number of a property that is padded; its length is 0 where neither is. */
struct mqtt_span padded_property_varint(const struct check_subject *subject);

/** The version of the packet gives its flags no meaning; where the version is not certain, each by which it can be read, and it
 *  is the first of its Client: that may be in the middle of anything else. */
bool are_flags_reserved(const struct check_subject *subject);

/** The packet was sent by the end that must not send its type. */
bool is_wrong_direction(const struct check_subject *subject);

#endif
