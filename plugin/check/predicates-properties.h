/* predicates-properties.h - questions about property blocks, single properties, and codes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Included by predicates.h, which has what they share with other families.
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_PROPERTIES_H
#define MQTTSCOPE_CHECK_PREDICATES_PROPERTIES_H

#include "check.h"

/** The name of the block that a property is in: its packet's, or "Will Properties". */
const char *block_name(const struct check_subject *subject);

/** A property whose value is 0 or 1. */
bool is_of_two_values(const struct check_subject *subject);

/** A number that must not be 0. */
bool is_never_zero(const struct check_subject *subject);

/** The block says that the payload is UTF-8 (Payload Format Indicator 1). */
bool is_said_to_be_utf8(const struct mqtt_properties *properties);

/** A property that its block may have once, and has more than once. */
bool is_repeat_forbidden(const struct check_subject *subject);

/** The same where the text does not say that it may be there once only: mqtt_property_repeat(). */
bool is_repeat_unspecified(const struct check_subject *subject);

/** The property is allowed in its block. */
bool is_property_in_place(const struct check_subject *subject);

/** The property is of this kind and in the block of this packet (MQTT_TYPE_WILL: in the Will Properties). */
bool is_property_of(const struct check_subject *subject, enum mqtt_packet_type block, enum mqtt_property_index index);

/** A property whose value is 0 or 1 has another. */
bool is_neither_0_nor_1(const struct check_subject *subject);

/** A number that must not be 0 is 0. */
bool is_forbidden_zero(const struct check_subject *subject);

/** The packet has a property of this kind. */
bool has_property(const struct mqtt_packet *packet, enum mqtt_property_index index);

/** The bytes of a packet's property, of which there is one. */
struct mqtt_span property_span(const struct mqtt_packet *packet, enum mqtt_property_index index);

/** The first byte that is not UTF-8 of a payload whose Payload Format Indicator is 1; an empty span where there
 *  is none. Character data may hold U+0000 and control characters. */
struct mqtt_span ill_formed_payload(const struct mqtt_packet *packet);
struct mqtt_span ill_formed_will_payload(const struct mqtt_packet *packet);

/** The receiver of the packet has set a Maximum Packet Size. */
static inline bool has_maximum_size(const struct track_facts *facts)
{
    const struct track_limits *limits = facts->snapshot->limits[1 - facts->sender];
    return limits != NULL && limits->maximum_packet_size > 0;
}

/** The packet is larger than its receiver allows. */
static inline bool is_over_maximum_size(const struct check_subject *subject)
{
    const struct track_facts *facts = subject->facts;
    return has_maximum_size(facts) &&
           subject->packet->length > facts->snapshot->limits[1 - facts->sender]->maximum_packet_size;
}

/** The property at fault for that: without it (and others of its kind) the packet would have kept the limit.
 *  MQTT_PROPERTY_COUNT where leaving properties out would not have helped. */
enum mqtt_property_index property_over_maximum_size(const struct check_subject *subject);

/** A code that the packet's table does not have; false for a packet without a code. */
bool is_unknown_code(const struct mqtt_packet *packet);

/** The packet's code, without one on the wire 0x00, is one that its table leaves to the other side. */
bool is_code_of_other_side(const struct mqtt_packet *packet, const struct track_facts *facts);

/** A Client's DISCONNECT has a code of Servers where the standard leaves it no other: 0x9B, which section 3.3.4 tells it to
 *  use, or what may_have_failed_authentication() says. */
bool is_excused_disconnect_code(const struct mqtt_packet *packet, const struct track_facts *facts);

/** A Client's DISCONNECT 0x87 where enhanced authentication is, or may be, in use. */
bool may_have_failed_authentication(const struct mqtt_packet *packet, const struct track_facts *facts);

/** "Client" or "Server": who sent the packet. */
const char *sender_name(const struct track_facts *facts);

/** The bytes of the packet's code, its first byte where the code is left out. */
struct mqtt_span code_span(const struct mqtt_packet *packet);

/** There is a Server Reference, but the code does not redirect the Client. */
bool is_reference_unexplained(const struct mqtt_packet *packet);

#endif
