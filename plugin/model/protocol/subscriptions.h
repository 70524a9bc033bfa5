/* subscriptions.h - the subscriptions of each session (MQTT 5.0 sections 3.8.4 and 3.10.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_SUBSCRIPTIONS_H
#define MQTTSCOPE_MODEL_PROTOCOL_SUBSCRIPTIONS_H

#include "../facts/subscription.h"
#include "../store/context.h"

struct track_inflight_entry;

/** What a SUBSCRIBE or UNSUBSCRIBE keeps until it has its response, and for as long as one of its subscriptions is in force:
 *  its filters in their order. */
struct track_request_filters {
    uint32_t count;
    uint32_t uses;    /**< it is in flight, and how many of its subscriptions are in force */
    bool is_whole;    /**< all of the packet was captured and could be read */
    uint8_t again;    /**< how often it was re-sent; each copy may have a response */
    uint32_t sent_in; /**< frame of the first copy */
    struct track_subscription entries[];
};

/** Reads the filters of a SUBSCRIBE or UNSUBSCRIBE; NULL where there is no memory for them. */
struct track_request_filters *track_read_request_filters(struct track_context *tracking);

/** A request is not in flight any more. */
void track_request_filters_release(struct track_file_memory *memory, struct track_request_filters *filters);

/** Puts the filters of a request in force, or out of it, as its response says. */
void track_apply_request_filters(struct track_context *tracking, struct track_request_filters *filters);

/** Ends all subscriptions of a session. */
void track_subscriptions_clear(struct track_capture *capture, struct track_session *session);

#endif
