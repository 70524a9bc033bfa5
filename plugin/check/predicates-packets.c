/* predicates-packets.c - questions about CONNECT, CONNACK, and what requests and acknowledgements say.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "predicates.h"

bool is_named_mqtt(const struct mqtt_packet *packet)
{
    struct mqtt_span name = packet->connect.protocol_name;
    return name.length == 4 && memcmp(packet->bytes + name.at, "MQTT", 4) == 0;
}

bool is_name_of_level(const struct mqtt_packet *packet)
{
    static const char *const names[] = {[MQTT_V31] = "MQIsdp", [MQTT_V311] = "MQTT", [MQTT_V50] = "MQTT"};
    struct mqtt_span name = packet->connect.protocol_name;
    const char *expected = names[packet->version];

    return name.length == strlen(expected) && memcmp(packet->bytes + name.at, expected, name.length) == 0;
}

struct mqtt_span long_credential(const struct mqtt_packet *packet)
{
    enum { RECOMMENDED_MOST = 12 };
    const struct mqtt_connect *connect = &packet->connect;
    const struct mqtt_span none = {0, 0};

    if (characters_of(packet, connect->user_name) > RECOMMENDED_MOST)
        return connect->user_name;
    return characters_of(packet, connect->password) > RECOMMENDED_MOST ? connect->password : none;
}

const char *omitted_credential(const struct mqtt_packet *packet)
{
    const struct mqtt_connect *connect = &packet->connect;

    if (connect->flags & MQTT_CONNECT_USER_NAME && connect->user_name.at == 0)
        return "User Name";
    return connect->flags & MQTT_CONNECT_PASSWORD && connect->password.at == 0 ? "Password" : NULL;
}

uint32_t first_beyond_ascii(const struct mqtt_packet *packet, struct mqtt_span span)
{
    for (uint32_t at = span.at; at < span.at + span.length; at++)
        if (packet->bytes[at] >= 0x80)
            return at;
    return 0;
}

bool is_request_id_0(const struct check_subject *subject)
{
    const struct mqtt_packet *packet = subject->packet;

    if (packet->packet_id_at == 0 || packet->packet_id != 0)
        return false;
    if (packet->type == MQTT_TYPE_PUBLISH)
        return packet->publish.qos != 3;
    return packet->flags & 0x06 || (packet->version != MQTT_V31 && subject->facts->snapshot->connect_seen);
}
