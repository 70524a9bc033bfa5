/* connect-info.c - what a Client said in its CONNECT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "connect-info.h"

#include <string.h>

#include "../evidence/missing-connect.h"
#include "../store/text.h"
#include "connection.h"

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

/** Fills in what a whole CONNECT says. */
static void fill_info(struct track_context *tracking, struct track_connect_info *info)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_connect *connect = &packet->connect;

    memset(info, 0, sizeof *info);
    info->client_id_length = (uint16_t)connect->client_id.length;
    info->client_id_characters = count_characters(packet, connect->client_id);
    info->keep_alive_s = connect->keep_alive_s;
    info->has_plain_client_id = is_plain_client_id(packet, connect->client_id);
    info->clean_start = connect->flags & MQTT_CONNECT_CLEAN_START;
    info->has_user_name = connect->flags & MQTT_CONNECT_USER_NAME;
    info->has_will = connect->flags & MQTT_CONNECT_WILL;
    info->will_retain = info->has_will && connect->flags & MQTT_CONNECT_WILL_RETAIN;
    info->will_qos = info->has_will ? (connect->flags & MQTT_CONNECT_WILL_QOS) >> 3 : 0;
    if (packet->version != MQTT_V50)
        return;
    const struct mqtt_property *method = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_AUTHENTICATION_METHOD);
    if (method != NULL)
        info->auth_method = track_intern_span(tracking->capture, packet, method->text);
    info->wants_response_information = has_value(packet, MQTT_PROPERTY_REQUEST_RESPONSE_INFORMATION, 1);
    info->refuses_problem_information = has_value(packet, MQTT_PROPERTY_REQUEST_PROBLEM_INFORMATION, 0);
}

void track_update_connect_info(struct track_context *tracking)
{
    struct track_capture *capture = tracking->capture;
    const struct mqtt_packet *packet = tracking->packet;
    struct track_connect_info info;

    if (packet->type != MQTT_TYPE_CONNECT || !track_is_from_client(tracking))
        return;
    tracking->connection->connect.is_malformed = mqtt_is_malformed(packet);
    if (packet->fault.kind != MQTT_FAULT_NONE || tracking->snapshot.connect_seen)
        return;
    fill_info(tracking, &info);
    if (capture->connect_info == NULL || memcmp(capture->connect_info, &info, sizeof info) != 0) {
        struct track_connect_info *kept = (struct track_connect_info *)track_keep(tracking, sizeof *kept);
        if (kept == NULL)
            return;
        capture->connect_info = (const struct track_connect_info *)memcpy(kept, &info, sizeof info);
    }
    tracking->snapshot.connect_info = capture->connect_info;
}

void track_update_missing_connect(struct track_connection *connection, const struct track_snapshot *snapshot,
                                  struct track_pdu_ref pdu)
{
    struct track_connect_state *connect = &connection->connect;

    /* What breaks the rules begins no session. */
    if (snapshot->connect_info != NULL || connect->is_malformed || connect->is_recorded_missing)
        return;
    connect->is_recorded_missing = true;
    for (unsigned end = 0; end < 2; end++)
        if (snapshot->broker == end || snapshot->broker == TRACK_END_UNKNOWN)
            track_missing_connect_add(connection->capture, &connection->transport.ends[end], pdu.frame);
}
