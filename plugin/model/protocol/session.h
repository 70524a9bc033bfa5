/* session.h - what CONNECT, CONNACK and DISCONNECT settle: identity, limits, which session is resumed or begun.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_SESSION_H
#define MQTTSCOPE_MODEL_PROTOCOL_SESSION_H

#include "../store/context.h"
#include "rivals.h"

struct track_subscription;

/** What outlives a connection for one Client Identifier at one broker (MQTT 5.0 section 4.1). File scope. */
struct track_session {
    const struct track_endpoint *broker; /**< as a connection has it; NULL where the Client gave no identifier */
    const struct track_text *client_id;
    struct track_connection *last;            /**< the connection that used it last */
    struct track_subscription *subscriptions; /**< subscriptions.c: the latest first */
    struct track_rivals rivals;
    struct track_session *next; /**< session-table.c */
    uint32_t hash;              /**< of the two that it is found by */
};

/** A connection's part in its session. */
struct track_connection_session {
    struct track_session *stored;      /**< NULL while unknown */
    struct track_connection *previous; /**< the Client's connection that used the session before; NULL where none did */
    struct track_stream_position connack; /**< the first CONNACK */
    int64_t disconnected_ns;              /**< when the first DISCONNECT was sent */
    uint32_t user_hash;                   /**< of the User Name; 0: none */
    uint32_t expiry_s; /**< how long the session outlives the connection, where that is known; UINT32_MAX: for ever */
    bool is_expiry_known;
    bool clean_start;     /**< of the CONNECT */
    bool connack_seen;    /**< the two that follow are good */
    bool session_present; /**< of the CONNACK */
    uint8_t connack_code;
    uint8_t connack_version; /**< in whose form it came, enum mqtt_version */
    bool takes_over;         /**< `previous` was alive then */
    bool taken_over;         /**< its Client Identifier connected again while it was alive */
    bool
        lost_inflight; /**< what it had in flight went to the connection that took it over: it may still be answered here */
    bool disconnected;
    uint8_t disconnected_by;
    uint8_t disconnect_reason;
};

/** Takes in CONNECT, CONNACK and DISCONNECT: identity, limits, which session is resumed or begun. */
void track_update_session(struct track_context *tracking);

#endif
