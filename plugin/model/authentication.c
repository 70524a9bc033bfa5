/* authentication.c - notices what is out of order in enhanced authentication (MQTT 5.0 section 4.12).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "state.h"

enum { SUCCESS = 0x00, CONTINUE = 0x18, REAUTHENTICATE = 0x19 };

static void observe(struct mqtt_tracking *tracking, enum mqtt_observation_kind kind)
{
    struct mqtt_span code = {tracking->packet->reason_at, 1};
    mqtt_observe(tracking, (struct mqtt_observation){.kind = (uint16_t)kind, .at = code});
}

static void track_clients(struct mqtt_tracking *tracking)
{
    const struct mqtt_connection *connection = tracking->connection;
    struct mqtt_conduct *order = &tracking->connection->order;
    uint8_t code = tracking->packet->reason;

    if (code == REAUTHENTICATE) {
        if (!connection->connack_seen || connection->connack_code != 0)
            observe(tracking, order->server_asked ? MQTT_OBSERVED_REAUTHENTICATION_AS_ANSWER
                                                  : MQTT_OBSERVED_REAUTHENTICATION_BEFORE_CONNACK);
        order->is_reauthenticating = true;
        order->server_asked = false;
    } else if (code == CONTINUE) {
        if (!order->server_asked)
            observe(tracking, MQTT_OBSERVED_AUTH_ANSWERS_NOTHING);
        order->server_asked = false;
    }
}

static void track_servers(struct mqtt_tracking *tracking)
{
    struct mqtt_conduct *order = &tracking->connection->order;
    uint8_t code = tracking->packet->reason;

    if (code == SUCCESS && !order->has_connack)
        observe(tracking, MQTT_OBSERVED_AUTH_SUCCESS_BEFORE_CONNACK);
    else if (code <= CONTINUE && order->has_connack && !order->is_reauthenticating)
        observe(tracking, MQTT_OBSERVED_AUTH_UNASKED);
    order->server_asked = code == CONTINUE;
    if (code == SUCCESS)
        order->is_reauthenticating = false;
}

void mqtt_track_authentication(struct mqtt_tracking *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct mqtt_greeting *greeting = tracking->epoch.greeting;

    if (packet->type != MQTT_TYPE_AUTH || packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE ||
        !mqtt_has_history(tracking) || greeting == NULL || greeting->auth_method == NULL)
        return;
    if (mqtt_is_clients(tracking))
        track_clients(tracking);
    else if (mqtt_is_servers(tracking))
        track_servers(tracking);
}
