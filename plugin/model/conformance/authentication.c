/* authentication.c - notices what is out of order in enhanced authentication (MQTT 5.0 section 4.12).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../state.h"

static void observe(struct track_context *tracking, enum track_anomaly_kind kind)
{
    struct mqtt_span code = {tracking->packet->reason_at, 1};
    track_report_anomaly(tracking, (struct track_anomaly){.kind = (uint16_t)kind, .at = code});
}

static void track_clients(struct track_context *tracking)
{
    const struct track_connection *connection = tracking->connection;
    struct track_connection_order *order = &tracking->connection->order;
    uint8_t code = tracking->packet->reason;

    if (code == MQTT_REASON_REAUTHENTICATE) {
        if (!connection->connack_seen || connection->connack_code != 0)
            observe(tracking, order->server_asked ? TRACK_ANOMALY_REAUTHENTICATION_AS_ANSWER
                                                  : TRACK_ANOMALY_REAUTHENTICATION_BEFORE_CONNACK);
        order->is_reauthenticating = true;
        order->server_asked = false;
    } else if (code == MQTT_REASON_CONTINUE_AUTHENTICATION) {
        if (!order->server_asked)
            observe(tracking, TRACK_ANOMALY_AUTH_ANSWERS_NOTHING);
        order->server_asked = false;
    }
}

static void track_servers(struct track_context *tracking)
{
    struct track_connection_order *order = &tracking->connection->order;
    uint8_t code = tracking->packet->reason;

    if (code == MQTT_REASON_SUCCESS && !order->has_connack)
        observe(tracking, TRACK_ANOMALY_AUTH_SUCCESS_BEFORE_CONNACK);
    else if (code <= MQTT_REASON_CONTINUE_AUTHENTICATION && order->has_connack && !order->is_reauthenticating)
        observe(tracking, TRACK_ANOMALY_AUTH_UNASKED);
    order->server_asked = code == MQTT_REASON_CONTINUE_AUTHENTICATION;
    if (code == MQTT_REASON_SUCCESS)
        order->is_reauthenticating = false;
}

void track_check_authentication(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;

    if (packet->type != MQTT_TYPE_AUTH || packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE ||
        !track_has_history(tracking) || connect_info == NULL || connect_info->auth_method == NULL)
        return;
    if (track_is_from_client(tracking))
        track_clients(tracking);
    else if (track_is_from_server(tracking))
        track_servers(tracking);
}
