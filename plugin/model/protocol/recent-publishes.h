/* recent-publishes.h - what Clients published lately at each broker, to recognise a message where it is delivered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages are told apart by their topic and payload. One that was published twice, or is too short to be told from
 * others, is nobody's: nothing is said about its deliveries.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_RECENT_PUBLISHES_H
#define MQTTSCOPE_MODEL_PROTOCOL_RECENT_PUBLISHES_H

#include "message.h"

enum { TRACK_RECENT_PUBLISHES_MAX = 256, TRACK_BROKERS_MAX = 64, TRACK_CONTENT_LISTS = 1024 };

/** A PUBLISH of a Client. */
struct track_recent_publish {
    uint32_t topic; /**< a hash; 0: it is no PUBLISH, but the Will of a CONNECT */
    uint32_t frame;
    uint32_t connection; /**< number of its connection */
    uint32_t order;      /**< counts up at its broker, from 1 */
    int64_t ns;
    uint8_t qos;
    bool retain;
    bool is_empty;
    bool is_repeated; /**< the same was published more than once */
    bool is_v5;       /**< `properties` is good */
    struct track_forwarded_properties properties;
};

/** The messages at one broker, the latest in place of the oldest. File scope. Slots are counted from 1, and 0 is none. */
struct track_broker_history {
    struct track_endpoint broker;
    unsigned number;     /**< of the broker in the capture, from 0 */
    uint32_t count;      /**< of all messages; the latest has this order */
    uint32_t doubted_to; /**< up to this order a message may have been published again without being captured */
    uint32_t contents[TRACK_RECENT_PUBLISHES_MAX]; /**< hash of topic and payload; 0 where it tells nothing */
    uint16_t oldest[TRACK_CONTENT_LISTS];          /**< slot of the oldest with this remainder of the hash */
    uint16_t latest[TRACK_CONTENT_LISTS];          /**< likewise of the latest; good where there is an oldest one */
    uint16_t later[TRACK_RECENT_PUBLISHES_MAX];    /**< slot of the next with the same remainder */
    struct track_recent_publish kept[TRACK_RECENT_PUBLISHES_MAX];
};

/** Keeps what a Client publishes. */
void track_update_recent_publishes(struct track_context *tracking);

/** Keeps the Will of a CONNECT, so that nothing that looks like it is taken for somebody's PUBLISH. Returns the hash by which
 *  it is recognised; 0 where it cannot be. */
uint32_t track_recent_publishes_add_will(struct track_context *tracking);

/** Something was not captured: any message kept so far may have been published again in it. */
void track_recent_publishes_doubt(struct track_capture *capture);

/** The messages at the connection's broker; NULL where there are none yet, or too many brokers. */
const struct track_broker_history *track_broker_history_of(const struct track_context *tracking);

/** True where a captured PUBLISH has this hash, which is not 0. */
bool track_is_published(const struct track_broker_history *history, uint32_t content);

/** The PUBLISH that the Server's one being tracked stems from; NULL where that is not certain. */
const struct track_recent_publish *track_find_recent_publish(struct track_context *tracking, struct track_topic topic);

/** The latest PUBLISH with RETAIN 1 to a topic, given as a hash, after the one of `order`; NULL where there is none. */
const struct track_recent_publish *track_find_retained_replacement(const struct track_context *tracking, uint32_t topic,
                                                                   uint32_t order);

#endif
