/* predicates-properties.c - questions about property blocks and single properties.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "predicates.h"

const char *block_name(const struct check_subject *subject)
{
    return subject->block_type == MQTT_TYPE_WILL ? "Will Properties" : mqtt_packet_type_name(subject->block_type);
}

bool is_repeat_forbidden(const struct check_subject *subject)
{
    enum mqtt_property_index index = subject->property.index;
    const struct mqtt_property_info *info = mqtt_property_info(index);
    uint32_t block = 1u << subject->block_type;
    bool is_unsaid = subject->block_type == MQTT_TYPE_PUBLISH && (index == MQTT_PROPERTY_PAYLOAD_FORMAT_INDICATOR ||
                                                                  index == MQTT_PROPERTY_MESSAGE_EXPIRY_INTERVAL);

    return info->packets & block && !(info->repeats & block) && !is_unsaid;
}
