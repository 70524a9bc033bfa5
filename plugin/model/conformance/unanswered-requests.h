/* unanswered-requests.h - finds which requests of a connection never had a response.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_UNANSWERED_REQUESTS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_UNANSWERED_REQUESTS_H

#include "../store/context.h"

/** When the requests of a Client in flight have to be looked through next. Written by unanswered-requests.c. */
struct track_overdue {
    int64_t none_before_ns; /**< before then none of them has waited long */
    uint16_t responses;     /**< responses since they were looked through */
};

/** Finds at a CONNECT, or a CONNACK that assigns the Client Identifier, what had no response on the Client's connection
 *  before, or before a second CONNECT on the same one. Before what was in flight is handed on. */
void track_check_unanswered(struct track_context *tracking);

/** Finds at a response of the Server which earlier requests of the same kind have none, and at a DISCONNECT what had none on
 *  its connection. Before the packet changes anything in what is in flight. */
void track_check_overdue(struct track_context *tracking);

/** Finds what had no response on a connection whose transport is closed without a DISCONNECT. */
void track_check_unanswered_at_close(struct track_context *tracking);

#endif
