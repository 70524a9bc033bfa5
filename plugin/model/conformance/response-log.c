/* response-log.c - which requests of a connection had their response, as far as packets in flight do not tell.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "response-log.h"

#include "../protocol/connection.h"
#include "checks.h"

const struct track_response_log *track_response_log_of(const struct track_connection_checks *checks)
{
    return checks->packet_ids != NULL ? &checks->packet_ids->responses : NULL;
}

/** PINGREQ and PINGRESP. */
static void log_ping(struct track_context *tracking)
{
    struct track_response_log *log = &track_packet_id_state_of(tracking)->responses;

    if (tracking->packet->type == MQTT_TYPE_PINGREQ) {
        if (log->pings == 0) {
            log->ping_since_ns = tracking->now_ns;
            log->ping_got_to = tracking->arrival->got_to;
        }
        log->pings += log->pings < UINT16_MAX;
        log->ping = (struct track_logged_request){tracking->pdu, tracking->now_ns};
        return;
    }
    log->pings -= log->pings > 0;
    log->ping_since_ns = tracking->now_ns;
    struct track_pdu_ref *answered = &log->ends[1 - tracking->sender].answered;
    if (log->pings == 0 && track_is_before(*answered, log->ping.pdu))
        *answered = log->ping.pdu;
}

/** Once the CONNACK came, each AUTH of the Client wants a response (MQTT 5.0 section 4.12.1). */
static void log_auth(struct track_context *tracking)
{
    struct track_response_log *log = &track_packet_id_state_of(tracking)->responses;

    if (track_is_from_server(tracking))
        log->auth.pdu = (struct track_pdu_ref){0, 0};
    else if (tracking->connection->session.connack_seen)
        log->auth = (struct track_logged_request){tracking->pdu, tracking->now_ns};
}

void track_update_response_log(struct track_context *tracking)
{
    enum mqtt_packet_type ping = track_is_from_client(tracking) ? MQTT_TYPE_PINGREQ : MQTT_TYPE_PINGRESP;

    if (!tracking->checks->sequence.has_connect)
        return;
    if (tracking->packet->type == ping)
        log_ping(tracking);
    else if (tracking->packet->type == MQTT_TYPE_AUTH)
        log_auth(tracking);
}

void track_log_response(struct track_context *tracking, unsigned end, const struct track_packet_record *record)
{
    struct track_pdu_ref *answered = &track_packet_id_state_of(tracking)->responses.ends[end].answered;

    if (record != NULL && track_is_before(*answered, record->pdu))
        *answered = record->pdu;
}

void track_log_stray_response(struct track_context *tracking)
{
    struct track_response_log *log = &track_packet_id_state_of(tracking)->responses;
    log->ends[tracking->sender].stray |= (uint16_t)(1u << tracking->packet->type);
}
