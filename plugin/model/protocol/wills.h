/* wills.h - the Wills of the connections, and what becomes of them (MQTT 5.0 section 3.1.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A message that looks like a Will may have been published by anybody. It is taken for the Will only where no captured
 * PUBLISH looks like it.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_WILLS_H
#define MQTTSCOPE_MODEL_PROTOCOL_WILLS_H

#include "connection.h"
#include "recent-publishes.h"

enum { TRACK_WILLS_MAX = 128 };

/** What has become of a Will. */
enum track_will_state {
    TRACK_WILL_UNUSED,    /**< the slot has no Will */
    TRACK_WILL_ARMED,     /**< its connection is open, or was broken off */
    TRACK_WILL_REMOVED,   /**< by the Client's DISCONNECT */
    TRACK_WILL_CANCELLED, /**< the session was resumed before its delay was over */
};

/** A Will. Written by wills.c. */
struct track_will {
    const struct track_broker_history *at; /**< its broker */
    const struct track_connection *connection;
    uint32_t number; /**< counts up in the capture, from 1 */
    uint32_t content;
    uint32_t frame;    /**< its CONNECT */
    uint32_t ended_in; /**< what removed or cancelled it */
    uint32_t delay_s;
    uint8_t state; /**< enum track_will_state */
    bool retain;
    bool is_v5;
    uint32_t delivered_in;                       /**< where it was delivered first */
    const struct track_connection *delivered_to; /**< and to whom */
    int64_t ended_ns;
    struct track_forwarded_properties properties;
};

/** The Wills of a capture. File scope. */
struct track_wills {
    bool is_incomplete; /**< there were more than are kept */
    uint32_t count;     /**< of all that were kept */
    struct track_will kept[TRACK_WILLS_MAX];
};

/** The Wills that a delivery may be. */
struct track_will_match {
    const struct track_broker_history *at;
    uint32_t content;
    unsigned count;                  /**< Wills that look like it */
    unsigned armed;                  /**< those that may be published */
    const struct track_will *latest; /**< the one that was ended last; NULL where there is none */
};

/** Follows what becomes of the Will of the packet's connection, and where one is delivered. */
void track_update_wills(struct track_context *tracking);

/** Forgets the Will of a connection that turns out to be none of its own. */
void track_withdraw_will(struct track_connection *connection);

/** Looks for the Wills that a PUBLISH of the Server looks like. False where there are none, where a captured PUBLISH
 *  explains it, or where a Will that is not known might look like it. */
bool track_match_wills(struct track_context *tracking, struct track_topic topic, struct track_will_match *match);

/** The next Will that looks like a match, after `previous` or the first; NULL after the last. */
const struct track_will *track_next_will(const struct track_context *tracking, const struct track_will_match *match,
                                         const struct track_will *previous);

/** When a connection broke off without taking its Will away; TRACK_TIME_UNKNOWN where that was not captured. */
int64_t track_broken_off_ns(const struct track_connection *connection);

#endif
