/* validity.h - what the specifications forbid in a packet that can be read, decided by its own bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Heuristics, rules and model use these functions, so that a bit is reserved in one place. How serious a breach is, and
 * which statement it breaks, is for the rules.
 */
#ifndef MQTTSCOPE_WIRE_VALIDITY_H
#define MQTTSCOPE_WIRE_VALIDITY_H

#include "packet.h"

/** Whether a property may be in a block more than once. */
enum mqtt_repeat {
    MQTT_REPEAT_FORBIDDEN,
    MQTT_REPEAT_UNSPECIFIED, /**< the text says of its like that it is a Protocol Error, but not of this one */
    MQTT_REPEAT_ALLOWED,
};

/** The properties of a block may be of this kind (Table 2-4). `block` is the packet's type, or MQTT_TYPE_WILL. */
static inline bool mqtt_property_is_allowed(enum mqtt_property_index index, enum mqtt_packet_type block)
{
    return mqtt_property_info(index)->packets >> block & 1;
}

/** Whether a block may have a property of this kind more than once. */
enum mqtt_repeat mqtt_property_repeat(enum mqtt_property_index index, enum mqtt_packet_type block);

/** The flags of the fixed header are not those that the packet's type requires (MQTT 3.1.1 section 2.2.2, MQTT 5.0 section
 *  2.1.3). MQTT 3.1 gives them no meaning but DUP, which a request may have that is sent again. */
static inline bool mqtt_has_invalid_flags(const struct mqtt_packet *packet)
{
    int flags = mqtt_packet_type_flags(packet->type);
    return packet->version != MQTT_V31 && flags >= 0 && packet->flags != flags;
}

/** A packet may begin with this byte (sections 2.1.2 and 2.1.3): its type, its flags, its QoS, and who sends it. With an unknown
 *  version, in any; `senders` are those that the sender may be. */
bool mqtt_is_first_byte_valid(uint8_t first, enum mqtt_version version, enum mqtt_senders senders);

/** The bits of the Subscription Options that have to be 0 (section 3.8.3). */
static inline uint8_t mqtt_reserved_options(enum mqtt_version version)
{
    return version == MQTT_V50 ? 0xC0 : 0xFC;
}

/** The bits of the Connect Acknowledge Flags that have to be 0 (section 3.2.2.1). */
static inline uint8_t mqtt_reserved_ack_flags(enum mqtt_version version)
{
    return version == MQTT_V31 ? 0xFF : 0xFE;
}

/** A SUBSCRIBE or an UNSUBSCRIBE that was read to its end and has no Topic Filter, which it must have (section 3.8.3). */
static inline bool mqtt_lacks_filters(const struct mqtt_packet *packet)
{
    return (packet->type == MQTT_TYPE_SUBSCRIBE || packet->type == MQTT_TYPE_UNSUBSCRIBE) && packet->list.at != 0 &&
           packet->list.length == 0;
}

/** How many bytes of a malformed packet are what its sender meant them to be. What is malformed is found where reading stops,
 *  but its cause may be earlier: a wrong length makes text of other fields, and other fields of text. Of a packet
 *  whose type has one length and that has another, only the first byte is trusted. Of the others nothing is trusted from the
 *  first string on that has a character which no string should have, the first Topic Filter that is empty or whose options
 *  could be text, and the first property of an unreadable block that the block must not have. */
uint32_t mqtt_trusted_length(const struct mqtt_packet *packet);

/** The packet is malformed, or a Protocol Error that has to end the connection, whatever came before it (MQTT 5.0 section
 *  4.13). Only what is beyond doubt; false for a packet that the capture cut. */
bool mqtt_is_invalid(const struct mqtt_packet *packet);

#endif
