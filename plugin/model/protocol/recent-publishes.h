/* recent-publishes.h - what Clients published lately at each broker, to know a message again where it is delivered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages are told apart by their topic and payload. One that was published twice, or is too short to be told from
 * others, is nobody's: nothing is said about its deliveries.
 */
#ifndef MQTTSCOPE_MODEL_PUBLICATIONS_H
#define MQTTSCOPE_MODEL_PUBLICATIONS_H

#include "subscription-history.h"

enum {
    TRACK_RECENT_PUBLISHES_MAX = 256,
    TRACK_BROKERS_MAX = 64,
    TRACK_RECENT_ORDERS = 8,
    TRACK_ORDERED_TOPICS = 4,
    TRACK_CONTENT_SLOTS = 1024
};

/** The properties that a Server forwards unchanged. */
enum track_forwarded {
    TRACK_FORWARDED_FORMAT,
    TRACK_FORWARDED_CONTENT_TYPE,
    TRACK_FORWARDED_RESPONSE_TOPIC,
    TRACK_FORWARDED_CORRELATION,
    TRACK_FORWARDED_KINDS
};

/** What is kept of a message's properties: hashes, 0 where it has none. */
struct track_forwarded_properties {
    uint32_t values[TRACK_FORWARDED_KINDS];
    uint32_t bare[TRACK_FORWARDED_KINDS]; /**< the same without U+FEFF; 0 where the text has none */
    uint32_t users;                       /**< User Properties, in their order */
    uint32_t users_unsorted;              /**< the same in any order */
    uint32_t user_count;
    uint32_t expiry_s;
    bool has_expiry;
};

/** A PUBLISH of a Client. */
struct track_recent_publish {
    uint32_t topic; /**< a hash */
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
    uint32_t shared_filter; /**< hash of the Shared Subscription that it was delivered for; 0: none */
    uint32_t shared_in;     /**< frame of that delivery */
    uint8_t shared_qos;     /**< QoS of that delivery */
    bool is_refused;        /**< whom it was delivered to answered with a failure */
    const struct track_connection *shared_to;
};

/** The messages at one broker, the latest in place of the oldest. File scope. */
struct track_broker_history {
    struct track_endpoint broker;
    uint32_t count;      /**< of all publications; the latest has this order */
    uint32_t doubted_to; /**< up to this order a message may have been published again unseen */
    uint32_t contents[TRACK_RECENT_PUBLISHES_MAX]; /**< hash of topic and payload; 0 where it tells nothing */
    uint16_t oldest[TRACK_CONTENT_SLOTS]; /**< of the contents with this remainder: the place + 1; 0: there is none */
    uint16_t latest[TRACK_CONTENT_SLOTS]; /**< likewise; good where there is an oldest one */
    uint16_t
        later[TRACK_RECENT_PUBLISHES_MAX]; /**< the next content with the same remainder, likewise; 0 for the latest */
    struct track_recent_publish kept[TRACK_RECENT_PUBLISHES_MAX];
};

/** Which messages of one publisher, topic and QoS were delivered last. */
struct track_topic_order {
    uint32_t topic;
    uint32_t publisher;
    uint32_t next;
    uint8_t qos;
    uint32_t orders[TRACK_RECENT_ORDERS];
};

/** The publication that a message stems from; NULL where that is not certain. */
struct track_recent_publish *track_find_recent_publish(struct track_context *tracking, struct track_topic topic);

/** Something was not captured: any message kept so far may have been published again in it. */
void track_recent_publishes_doubt(struct track_capture *capture);

/** The latest publication with RETAIN 1 on a topic behind the one of `order`; NULL where there is none. */
const struct track_recent_publish *track_find_retained_replacement(const struct track_context *tracking, uint32_t topic,
                                                                   uint32_t order);

/** Reads what is forwarded of a property block of the packet. */
void track_read_forwarded(const struct mqtt_packet *packet, const struct mqtt_properties *block,
                          struct track_forwarded_properties *properties);

/** Keeps the Will of the CONNECT being tracked; `content` is the hash by which it is known again. */
void track_wills_add(struct track_context *tracking, const struct track_broker_history *history, uint32_t content);

/** Holds a delivery that no captured PUBLISH explains against the Wills that look like it; the second, one of which a
 *  single filter brings one copy, asks whether it came before. */
void track_wills_compare(struct track_context *tracking, const struct track_broker_history *history, uint32_t content);
void track_wills_compare_copies(struct track_context *tracking, const struct track_broker_history *history,
                                uint32_t content);

/** The same for a stored message that comes for a new subscription. */
void track_wills_compare_stored(struct track_context *tracking, const struct track_broker_history *history,
                                uint32_t content);

#endif
