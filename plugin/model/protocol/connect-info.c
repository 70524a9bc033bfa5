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
    struct track_capture *capture = tracking->connection->capture;
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;
    struct track_snapshot *snapshot = &tracking->snapshot;
    struct track_connect_info connect_info;

    if (packet->type != MQTT_TYPE_CONNECT || packet->fault.kind != MQTT_FAULT_NONE || snapshot->connect_seen ||
        snapshot->broker != 1 - tracking->sender)
        return;
    memset(&connect_info, 0, sizeof connect_info);
    connect_info.client_id_length = (uint16_t)connect->client_id.length;
    connect_info.client_id_characters = count_characters(packet, connect->client_id);
    connect_info.keep_alive_s = connect->keep_alive_s;
    connect_info.has_plain_client_id = is_plain_client_id(packet, connect->client_id);
    connect_info.clean_start = connect->flags & MQTT_CONNECT_CLEAN_START;
    connect_info.has_will = connect->flags & MQTT_CONNECT_WILL;
    connect_info.will_retain = connect_info.has_will && connect->flags & MQTT_CONNECT_WILL_RETAIN;
    connect_info.will_qos = connect_info.has_will ? (connect->flags & MQTT_CONNECT_WILL_QOS) >> 3 : 0;
    if (packet->version == MQTT_V50) {
        const struct mqtt_property *method =
            mqtt_properties_find(&packet->properties, MQTT_PROPERTY_AUTHENTICATION_METHOD);
        if (method != NULL)
            connect_info.auth_method = track_intern_span(capture, packet, method->text);
        connect_info.wants_response_information = has_value(packet, MQTT_PROPERTY_REQUEST_RESPONSE_INFORMATION, 1);
        connect_info.refuses_problem_information = has_value(packet, MQTT_PROPERTY_REQUEST_PROBLEM_INFORMATION, 0);
    }
    if (capture->connect_info == NULL || memcmp(capture->connect_info, &connect_info, sizeof connect_info) != 0)
        capture->connect_info =
            (const struct track_connect_info *)wmem_memdup(capture->scope, &connect_info, sizeof connect_info);
    snapshot->connect_info = capture->connect_info;
}
