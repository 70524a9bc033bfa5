/* keep-alive.h - how long the Client has been silent (MQTT 5.0 section 3.1.2.10).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_KEEP_ALIVE_H
#define MQTTSCOPE_MODEL_PROTOCOL_KEEP_ALIVE_H

#include "../store/context.h"

/** Of a connection. */
struct track_keep_alive {
    int64_t last_client_ns; /**< when the Client's latest packet was sent; TRACK_TIME_UNKNOWN before the first */
};

/** Takes in the time of the packet and returns how long the Client was silent before; TRACK_TIME_UNKNOWN where that is not
 *  known. After all else that the packet's record holds. */
int64_t track_update_keep_alive(struct track_context *tracking);

/** More of a packet that the Client had begun has come. */
void track_keep_alive_continue(struct track_connection *connection, int64_t now_ns);

/** It is not known any more when the Client sent its latest packet. */
void track_keep_alive_forget(struct track_connection *connection);

#endif
