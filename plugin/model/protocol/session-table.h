/* session-table.h - the sessions of a capture, by broker and Client Identifier.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_SESSION_TABLE_H
#define MQTTSCOPE_MODEL_PROTOCOL_SESSION_TABLE_H

#include "../store/capture.h"
#include "session.h"

/** The session of a Client Identifier at a broker (MQTT 5.0 section 4.1); made for the first connection. NULL where the memory
 *  limit is reached. It keeps `broker`, and a copy of the identifier. */
struct track_session *track_session_of(struct track_capture *capture, const struct track_endpoint *broker,
                                       const struct track_text *client_id);

#endif
