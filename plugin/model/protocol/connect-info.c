/* connect-info.c - keeps what a Client said in its CONNECT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "../state.h"

/** Each Server has to accept these Client Identifiers (MQTT 5.0 section 3.1.3.1). */
static bool is_plain_client_id(const struct mqtt_packet *packet, struct mqtt_span span)
{
    enum { LONGEST = 23 };

    for (uint32_t i = 0; i < span.length; i++)
        if (!g_ascii_isalnum(packet->bytes[span.at + i]))
            return false;
    return span.length > 0 && span.length <= LONGEST;
}

/** Characters of UTF-8: bytes that do not continue one. */
static uint16_t count_characters(const struct mqtt_packet *packet, struct mqtt_span span)
{
    uint16_t count = 0;

    for (uint32_t i = 0; i < span.length; i++)
        count += (packet->bytes[span.at + i] & 0xC0) != 0x80;
    return count;
}

static bool has_value(const struct mqtt_packet *packet, enum mqtt_property_index index, uint32_t value)
{
    const struct mqtt_property *property = mqtt_properties_find(&packet->properties, index);
    return property != NULL && property->number == value;
}

void track_update_connect_info(struct track_context *tracking)
{
    struct track_capture *world = tracking->connection->world;
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_snapshot *epoch = &tracking->epoch;
    struct track_connect_info greeting;

    if (packet->type != MQTT_TYPE_CONNECT || packet->fault.kind != MQTT_FAULT_NONE || epoch->connect_seen ||
        epoch->broker != 1 - tracking->sender)
        return;
    memset(&greeting, 0, sizeof greeting);
    greeting.client_id_length = (uint16_t)connect->client_id.length;
    greeting.client_id_characters = count_characters(packet, connect->client_id);
    greeting.keep_alive_s = connect->keep_alive_s;
    greeting.has_plain_client_id = is_plain_client_id(packet, connect->client_id);
    greeting.clean_start = connect->flags & MQTT_CONNECT_CLEAN_START;
    greeting.has_will = connect->flags & MQTT_CONNECT_WILL;
    greeting.will_retain = greeting.has_will && connect->flags & MQTT_CONNECT_WILL_RETAIN;
    greeting.will_qos = greeting.has_will ? (connect->flags & MQTT_CONNECT_WILL_QOS) >> 3 : 0;
    if (packet->version == MQTT_V50) {
        const struct mqtt_property *method =
            mqtt_properties_find(&packet->properties, MQTT_PROPERTY_AUTHENTICATION_METHOD);
        if (method != NULL)
            greeting.auth_method = track_intern_span(world, packet, method->text);
        greeting.wants_response_information = has_value(packet, MQTT_PROPERTY_REQUEST_RESPONSE_INFORMATION, 1);
        greeting.refuses_problem_information = has_value(packet, MQTT_PROPERTY_REQUEST_PROBLEM_INFORMATION, 0);
    }
    if (world->greeting == NULL || memcmp(world->greeting, &greeting, sizeof greeting) != 0)
        world->greeting = (const struct track_connect_info *)wmem_memdup(world->scope, &greeting, sizeof greeting);
    epoch->greeting = world->greeting;
}
