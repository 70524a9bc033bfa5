/* predicates-order.c - questions about a packet and what the CONNECT said.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "predicates.h"

bool accepts(const struct mqtt_packet *packet, const struct track_snapshot *snapshot)
{
    return packet->reason_at != 0 && !mqtt_reason_is_error(packet->type, packet->reason) &&
           snapshot->connect_info != NULL;
}

bool is_refused(const struct mqtt_packet *packet)
{
    return packet->reason_at != 0 && mqtt_reason_is_error(packet->type, packet->reason);
}

bool is_client_id_refused(const struct mqtt_packet *packet)
{
    return packet->reason_at != 0 && packet->reason == (packet->version == MQTT_V50 ? MQTT_REASON_CLIENT_ID_NOT_VALID
                                                                                    : MQTT_RETURN_IDENTIFIER_REJECTED);
}

bool has_empty_client_id_of_v311(const struct track_snapshot *snapshot)
{
    const struct track_connect_info *connect_info = snapshot->connect_info;

    return snapshot->version == MQTT_V311 && connect_info != NULL && connect_info->client_id_length == 0 &&
           !connect_info->clean_start;
}

bool lacks_property_length(const struct check_subject *subject)
{
    const struct mqtt_packet *packet = subject->packet;
    bool is_excused = packet->version == MQTT_V311 && packet->reason == MQTT_RETURN_UNACCEPTABLE_VERSION;

    return subject->facts->snapshot->version == MQTT_V50 && packet->remaining_length == 2 && packet->reason_at != 0 &&
           !is_excused;
}

bool acts_on_request(const struct mqtt_packet *packet)
{
    switch (packet->type) {
    case MQTT_TYPE_PUBACK:
    case MQTT_TYPE_PUBREC:
    case MQTT_TYPE_PUBREL:
    case MQTT_TYPE_PUBCOMP:
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
    case MQTT_TYPE_PINGRESP:
        return true;
    default:
        return false;
    }
}

bool is_in_later_frame(const struct check_subject *subject)
{
    return subject->anomaly->frame != 0 && subject->anomaly->frame != subject->facts->pdu.frame;
}

bool is_problem_information(const struct check_subject *subject)
{
    enum mqtt_property_index index = subject->property.index;
    return (index == MQTT_PROPERTY_REASON_STRING || index == MQTT_PROPERTY_USER_PROPERTY) &&
           is_property_in_place(subject);
}

bool is_reauthentication(const struct mqtt_packet *packet)
{
    return packet->type == MQTT_TYPE_AUTH && packet->reason == MQTT_REASON_REAUTHENTICATE;
}

bool is_method_again(const struct check_subject *subject)
{
    const struct track_connect_info *connect_info = subject->facts->snapshot->connect_info;

    return subject->property.index == MQTT_PROPERTY_AUTHENTICATION_METHOD && connect_info != NULL &&
           connect_info->auth_method != NULL;
}

bool is_other_method(const struct check_subject *subject)
{
    const struct track_connect_info *connect_info = subject->facts->snapshot->connect_info;
    struct mqtt_span method = subject->property.text;

    if (!is_method_again(subject))
        return false;
    return method.length != connect_info->auth_method->length ||
           memcmp(subject->packet->bytes + method.at, connect_info->auth_method->bytes, method.length) != 0;
}
