/* validity.c - what the specifications forbid in a packet that can be read, decided by its own bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "validity.h"

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

bool mqtt_is_invalid(const struct mqtt_packet *packet)
{
    if (packet->fault.kind != MQTT_FAULT_NONE)
        return mqtt_is_malformed(packet);
    return mqtt_has_invalid_flags(packet) || (packet->type == MQTT_TYPE_PUBLISH && packet->publish.qos == 3) ||
           mqtt_lacks_filters(packet) || has_invalid_properties(&packet->properties, packet->type) ||
           (packet->type == MQTT_TYPE_CONNECT &&
            has_invalid_properties(&packet->connect.will_properties, MQTT_TYPE_WILL));
}
