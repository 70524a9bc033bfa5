/* predicates-packets.h - questions about CONNECT, CONNACK, and what requests and acknowledgements say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_PACKETS_H
#define MQTTSCOPE_CHECK_PREDICATES_PACKETS_H

#include "check.h"

/** The protocol name of a CONNECT is that of MQTT 3.1.1 and 5.0. */
bool is_named_mqtt(const struct mqtt_packet *packet);

/** The same of the name of its level. */
bool is_name_of_level(const struct mqtt_packet *packet);

/** Will QoS of a CONNECT. */
static inline unsigned will_qos(const struct mqtt_packet *packet)
{
    return (packet->connect.flags & MQTT_CONNECT_WILL_QOS) >> 3;
}

/** User Name or Password, whichever is longer than MQTT 3.1 recommends; its length is 0 where none is. */
struct mqtt_span long_credential(const struct mqtt_packet *packet);

/** The string that a CONNECT lacks although its flag is set, as MQTT 3.1 allows; NULL where it lacks none. */
const char *omitted_credential(const struct mqtt_packet *packet);

/** The first byte of a span that is no ASCII; 0 where all are. */
uint32_t first_beyond_ascii(const struct mqtt_packet *packet, struct mqtt_span span);

/** A request has to have a Packet Identifier, and it is 0. In MQTT 3.1 one with QoS bits 0 may have none at all. */
bool is_request_id_0(const struct check_subject *subject);

#endif
