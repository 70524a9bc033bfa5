/* ending.h - how a connection ends: who ends it, with what, how long after the last packet, and what explains it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_ENDING_H
#define MQTTSCOPE_MODEL_PROTOCOL_ENDING_H

#include "../facts/unfinished.h"
#include "../store/context.h"

/** A connection's end, and what is needed to tell it. Written by ending.c. */
struct track_ending {
    const struct track_event *end;      /**< NULL while it is open, or where there was no memory for it */
    const struct track_text *user_name; /**< of the CONNECT; NULL: none, or it was not captured */
    int64_t last_ns;                    /**< when the latest packet of either end was sent */
    int64_t over_ns;                    /**< when it ended; good where `is_over` */
    uint32_t connect_in;                /**< frame of the CONNECT; 0: not captured */
    uint32_t taken_over_in;   /**< frame of the CONNECT of its Client Identifier that came while it was open; 0: none */
    uint32_t malformed_in[2]; /**< each end: frame of its latest packet, where that is malformed; else 0 */
    uint32_t alert_in;        /**< frame of a fatal alert of TLS; 0: none */
    uint8_t alert;            /**< its description */
    bool is_answered;         /**< the Server sent a packet since the CONNECT */
    bool is_over;             /**< its end was seen */
};

/** Takes in CONNECT, CONNACK and DISCONNECT: they may end this connection, or the Client's connection before. */
void track_update_ending(struct track_context *tracking);

/** Takes in when the packet was sent, and whether it can be read. After the one above. */
void track_update_last_packet(struct track_context *tracking);

/** Takes in a fatal alert of TLS in clear, sent by the sender of the frame being tracked. */
void track_update_alert(struct track_context *tracking, uint8_t description);

/** Takes in that the transport is closed by the sender of the frame being tracked. */
void track_close_ending(struct track_context *tracking, const struct track_closing *closing);

#endif
