/* unanswered-requests.h - finds, when a connection has ended, which of its requests never had a response.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_UNANSWERED_REQUESTS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_UNANSWERED_REQUESTS_H

#include "../store/context.h"

/** Finds at a CONNECT, or a CONNACK that assigns the Client Identifier, what had no response on the Client's connection
 *  before, or before a second CONNECT on the same one. Before what was in flight is handed on. */
void track_check_unanswered(struct track_context *tracking);

#endif
