/* response-log.h - which requests of a connection had their response, as far as packets in flight do not tell.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_RESPONSE_LOG_H
#define MQTTSCOPE_MODEL_CONFORMANCE_RESPONSE_LOG_H

#include "../protocol/inflight.h"
#include "../store/context.h"

/** What is remembered of one end. */
struct track_end_responses {
    struct track_pdu_ref answered; /**< the latest packet of this end that had a response of the other end */
    uint32_t usual_wait_ms;        /**< how long its requests usually wait for their responses; 0: not known */
    uint32_t got_to;               /**< what its latest packet but a DISCONNECT acknowledges; good where `has_got_to` */
    bool has_got_to;
    uint16_t stray; /**< bit 1 << type for each response without a request that this end sent */
};

/** A Client's request that has no Packet Identifier. */
struct track_logged_request {
    struct track_pdu_ref pdu; /**< frame 0: none */
    int64_t ns;
};

/** The responses of a connection. Written by response-log.c. */
struct track_response_log {
    struct track_end_responses ends[2];
    struct track_logged_request auth; /**< the latest AUTH after the CONNACK, while it has no response */
    struct track_logged_request ping; /**< the latest PINGREQ */
    int64_t ping_since_ns;            /**< since when the Client waits for a PINGRESP, good while `pings` is not 0 */
    uint32_t ping_got_to;             /**< what the Client had received then, where the transport counts */
    uint16_t pings;                   /**< PINGREQs that have no response yet */
};

/** The log of a connection; NULL while there is nothing in it. */
const struct track_response_log *track_response_log_of(const struct track_connection_checks *checks);

/** Remembers PINGREQ, PINGRESP and AUTH, and what the packet's sender has received. */
void track_update_response_log(struct track_context *tracking);

/** A packet that `end` sent has its response. */
void track_log_response(struct track_response_log *log, const struct track_context *tracking, unsigned end,
                        const struct track_pending_packet *request);

/** The packet being tracked is a response without a request: that its sender does not respond elsewhere proves nothing. */
void track_log_stray_response(struct track_response_log *log, const struct track_context *tracking);

/** What waits for less than this waits for long nowhere. */
#define TRACK_LONG_WAIT_NS INT64_C(5000000000)

/** A request of this end that has waited for longer waits for long: for more than 5 s, and ten times as long as is usual. */
int64_t track_long_wait_ns(const struct track_response_log *log, unsigned requester);

/** An end has sent a packet since it had the other end's bytes up to `sent_to`. */
bool track_has_sent_since(const struct track_response_log *log, unsigned end, uint32_t sent_to);

#endif
