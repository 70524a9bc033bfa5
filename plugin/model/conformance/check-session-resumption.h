/* check-session-resumption.h - compares a connection with the one that its Client had before.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SESSION_RESUMPTION_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SESSION_RESUMPTION_H

#include "../store/context.h"

/** What was checked on a connection already. */
struct track_resumption_check {
    bool continues_after_takeover; /**< it was reported that it continues though taken over */
    bool has_checked_resends[2];   /**< each end: whether it re-sent what it had to was checked */
};

/** Compares the connection with the one that its Client had before (MQTT 5.0 sections 3.1.4, 3.2.2.1.1 and 4.4). */
void track_check_session_resumption(struct track_context *tracking);

#endif
