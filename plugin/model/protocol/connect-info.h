/* connect-info.h - what a Client said in its CONNECT.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_CONNECT_INFO_H
#define MQTTSCOPE_MODEL_PROTOCOL_CONNECT_INFO_H

#include "../store/context.h"

/** Of a connection. */
struct track_connect_state {
    bool is_malformed;        /**< its latest CONNECT is malformed */
    bool is_recorded_missing; /**< that the contents of its CONNECT are not known was kept with the broker */
};

/** Keeps what a CONNECT says, if it is the connection's first that can be read. */
void track_update_connect_info(struct track_context *tracking);

/** Keeps with the broker, once a connection, that the contents of its CONNECT are not known as of `snapshot`. */
void track_update_missing_connect(struct track_connection *connection, const struct track_snapshot *snapshot,
                                  struct track_pdu_ref pdu);

#endif
