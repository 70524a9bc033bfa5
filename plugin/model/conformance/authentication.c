/* authentication.c - finds what is out of order in enhanced authentication (MQTT 5.0 section 4.12).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "authentication.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

static void report_auth(struct track_context *tracking, enum track_anomaly_kind kind)
{
    struct mqtt_span code = {tracking->packet->reason_at, 1};

    /* It may answer what was not captured. */
    track_report_anomaly(tracking, (struct track_anomaly){.kind = (uint16_t)kind,
                                                          .lack = track_has_seen_received(tracking) ? TRACK_LACK_NOTHING
                                                                                                    : TRACK_LACK_BYTES,
                                                          .at = code});
}

static void check_client_auth(struct track_context *tracking)
{
    const struct track_connection_session *session = &tracking->connection->session;
    struct track_authentication *state = &tracking->checks->authentication;
    uint8_t code = tracking->packet->reason;

    if (code == MQTT_REASON_REAUTHENTICATE) {
        if (!session->connack_seen || session->connack_code != 0)
            report_auth(tracking, state->server_asked ? TRACK_ANOMALY_REAUTHENTICATION_AS_RESPONSE
                                                      : TRACK_ANOMALY_REAUTHENTICATION_BEFORE_CONNACK);
        state->is_reauthenticating = true;
        state->server_asked = false;
    } else if (code == MQTT_REASON_CONTINUE_AUTHENTICATION) {
        if (!state->server_asked)
            report_auth(tracking, TRACK_ANOMALY_AUTH_RESPONSE_WITHOUT_REQUEST);
        state->server_asked = false;
    }
}

static void check_server_auth(struct track_context *tracking)
{
    struct track_authentication *state = &tracking->checks->authentication;
    bool has_connack = tracking->checks->order.has_connack;
    uint8_t code = tracking->packet->reason;

    if (code == MQTT_REASON_SUCCESS && !has_connack)
        report_auth(tracking, TRACK_ANOMALY_AUTH_SUCCESS_BEFORE_CONNACK);
    else if (code <= MQTT_REASON_CONTINUE_AUTHENTICATION && has_connack && !state->is_reauthenticating)
        report_auth(tracking, TRACK_ANOMALY_AUTH_WITHOUT_REQUEST);
    state->server_asked = code == MQTT_REASON_CONTINUE_AUTHENTICATION;
    if (code == MQTT_REASON_SUCCESS)
        state->is_reauthenticating = false;
}

void track_check_authentication(struct track_context *tracking)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_connect_info *connect_info = tracking->snapshot.connect_info;

    if (packet->type != MQTT_TYPE_AUTH || packet->version != MQTT_V50 || packet->fault.kind != MQTT_FAULT_NONE ||
        !track_has_history(tracking) || connect_info == NULL || connect_info->auth_method == NULL)
        return;
    if (track_is_from_client(tracking))
        check_client_auth(tracking);
    else if (track_is_from_server(tracking))
        check_server_auth(tracking);
}
