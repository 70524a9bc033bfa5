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
static void log_ping(struct track_context *tracking, struct track_response_log *log)
{
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
static void log_auth(struct track_context *tracking, struct track_response_log *log)
{
    if (track_is_from_server(tracking))
        log->auth.pdu = (struct track_pdu_ref){0, 0};
    else if (tracking->connection->session.connack_seen)
        log->auth = (struct track_logged_request){tracking->pdu, tracking->now_ns};
}

/** What the packet's sender has received. A DISCONNECT does not show that it read it. */
static void log_receipt(const struct track_context *tracking)
{
    struct track_packet_id_state *state = tracking->checks->packet_ids;

    if (state == NULL || !tracking->arrival->has_numbers || tracking->packet->type == MQTT_TYPE_DISCONNECT)
        return;
    state->responses.ends[tracking->sender].has_got_to = true;
    state->responses.ends[tracking->sender].got_to = tracking->arrival->got_to;
}

void track_update_response_log(struct track_context *tracking)
{
    enum mqtt_packet_type ping = track_is_from_client(tracking) ? MQTT_TYPE_PINGREQ : MQTT_TYPE_PINGRESP;
    enum mqtt_packet_type type = tracking->packet->type;

    if (!tracking->checks->sequence.has_connect)
        return;
    log_receipt(tracking);
    struct track_packet_id_state *state =
        type == ping || type == MQTT_TYPE_AUTH ? track_packet_id_state_of(tracking) : NULL;
    if (state != NULL && type == ping)
        log_ping(tracking, &state->responses);
    else if (state != NULL)
        log_auth(tracking, &state->responses);
}

/** As TCP estimates its round trips (RFC 6298): an eighth of each new one. */
static void log_wait(struct track_end_responses *end, int64_t waited_ns)
{
    enum { MS_NS = 1000000, SHARE = 8 };
    int64_t waited_ms = CLAMP(waited_ns / MS_NS, 1, INT32_MAX);

    if (end->usual_wait_ms == 0)
        end->usual_wait_ms = (uint32_t)waited_ms;
    else
        end->usual_wait_ms = (uint32_t)(end->usual_wait_ms + (waited_ms - end->usual_wait_ms) / SHARE);
}

void track_log_response(struct track_response_log *log, const struct track_context *tracking, unsigned end,
                        const struct track_pending_packet *request)
{
    struct track_end_responses *responses = &log->ends[end];

    if (request->record == NULL)
        return;
    if (track_is_before(responses->answered, request->record->pdu))
        responses->answered = request->record->pdu;
    log_wait(responses, tracking->now_ns - request->sent_ns);
}

void track_log_stray_response(struct track_response_log *log, const struct track_context *tracking)
{
    log->ends[tracking->sender].stray |= (uint16_t)(1u << tracking->packet->type);
}

int64_t track_long_wait_ns(const struct track_response_log *log, unsigned requester)
{
    const int64_t ten_ms_ns = INT64_C(10000000);
    return MAX(TRACK_LONG_WAIT_NS, log->ends[requester].usual_wait_ms * ten_ms_ns);
}

bool track_has_sent_since(const struct track_response_log *log, unsigned end, uint32_t sent_to)
{
    const struct track_end_responses *responses = &log->ends[end];
    return sent_to != 0 && responses->has_got_to && (int32_t)(responses->got_to - sent_to) >= 0;
}
