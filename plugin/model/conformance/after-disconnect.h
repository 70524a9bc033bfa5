/* after-disconnect.h - finds packets after one that should have ended the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_AFTER_DISCONNECT_H
#define MQTTSCOPE_MODEL_CONFORMANCE_AFTER_DISCONNECT_H

#include "../store/context.h"

/** The first packet that is malformed, after which a connection should end. File scope. */
struct track_malformed_packet {
    struct track_stream_position position;
    uint8_t sender;
    bool has_bad_flags; /**< it is malformed by its flags */
};

/** What should have ended the connection. */
struct track_after_disconnect {
    struct track_malformed_packet *malformed;      /**< NULL until there is one */
    struct track_stream_position first_disconnect; /**< the first DISCONNECT that is not malformed */
    uint8_t first_disconnect_by;
    bool has_disconnected[2]; /**< the end has sent a DISCONNECT */
    bool is_disconnect_error[2];
};

/** Finds packets after one that should have ended the connection (MQTT 5.0 sections 3.14.4 and 4.13). */
void track_check_after_disconnect(struct track_context *tracking);

#endif
