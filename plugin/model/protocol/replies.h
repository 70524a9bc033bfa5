/* replies.h - requests and replies by Response Topic and Correlation Data (MQTT 5.0 section 4.10).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A request is a PUBLISH with a Response Topic, its reply the first PUBLISH to that topic with the same Correlation Data. Where
 * a Client sends two requests that are alike before there is a reply, neither is linked.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_REPLIES_H
#define MQTTSCOPE_MODEL_PROTOCOL_REPLIES_H

#include "../store/context.h"

/** A request or a reply. */
struct track_reply {
    uint32_t frame;
    uint16_t pdu;
    bool is_request;
    uint32_t other; /**< the frame of the other one; 0: none */
    int64_t ns;     /**< of a reply: since the request */
};

/** Takes in a PUBLISH. */
void track_update_replies(struct track_context *tracking);

/** The request or reply of a packet; NULL where it is neither. */
const struct track_reply *track_find_reply(const struct track_capture *capture, struct track_pdu_ref pdu);

#endif
