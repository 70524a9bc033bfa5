/* captured.h - questions about how much of a packet was captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_CAPTURED_H
#define MQTTSCOPE_MODEL_FACTS_CAPTURED_H

#include "../../wire/packet.h"

/** True where all bytes of a span of the packet were captured and read. */
static inline bool track_has_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    return span.at != 0 && span.at + span.length <= packet->captured && span.at + span.length <= packet->read_to;
}

/** True where the packet was read at least to the end of its properties: one that is not there has its default. */
static inline bool track_has_all_properties(const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    bool has_block = properties->length_at.at != 0;
    bool is_whole = has_block && properties->block.length == properties->announced;

    /* A CONNACK of 5.0 without a block is of a Server that does not know its defaults. */
    if (packet->fault.kind == MQTT_FAULT_NONE)
        return has_block || packet->type != MQTT_TYPE_CONNACK;
    return is_whole && track_has_span(packet, properties->block);
}

#endif
