/* session-state.h - what was in flight and subscribed goes along with its session, or ends with it (MQTT 5.0 section 4.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_SESSION_STATE_H
#define MQTTSCOPE_MODEL_PROTOCOL_SESSION_STATE_H

#include "../store/context.h"

/** Hands what the Client's connection before had in flight to the one that takes up its session with this packet, and ends
 *  it where a CONNACK says so. After track_update_session(). */
void track_update_session_state(struct track_context *tracking);

/** The connection turns out to be none of its own: what it took goes back to the connection before. */
void track_withdraw_from_session(struct track_connection *connection);

#endif
