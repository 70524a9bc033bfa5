/* subscription-history.h - what a Client asked for on one connection and what it was granted: the measure of what it is sent.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A session's subscriptions are what is in force. What may be delivered is more: what was asked for a moment ago, what was
 * asked for with other options before, and what was given up and still travels. A history holds it for the rules, and only
 * for those; it gives up (is blind) where a request was not seen whole, or where there are very many.
 */
#ifndef MQTTSCOPE_MODEL_INTERESTS_H
#define MQTTSCOPE_MODEL_INTERESTS_H

#include "../state.h"
#include "topic-match.h"

enum {
    TRACK_SUBSCRIBED_FILTERS_MAX = 1000, /**< filters in a history; each delivery is held against them */
    TRACK_EARLIER_IDS = 2,               /**< Subscription Identifiers that a filter had before */
    TRACK_RECENT_RESPONSES = 4,          /**< what is kept of answers */
    TRACK_REPORTED_MAX = 8,              /**< what is noticed on one connection, but for single topics */
    TRACK_FINGERPRINTS_MAX = 8,          /**< what is kept of messages */
};

/** What a SUBSCRIBE or UNSUBSCRIBE keeps until it is answered: its filters in their order. */
struct track_request_filters {
    uint32_t count;
    bool is_whole;    /**< all of the packet was there and could be read */
    uint8_t again;    /**< how often it was sent again; each copy may be answered */
    uint32_t sent_in; /**< frame of the first copy */
    struct track_subscription entries[];
};

/** A filter that the Client subscribed on this connection. */
struct track_subscribed_filter {
    struct track_subscribed_filter *next; /**< in its list */
    const struct track_text *text;
    int64_t settled_ns;                  /**< when it was last granted or given up */
    int64_t first_ns;                    /**< when it was first asked for */
    uint32_t id;                         /**< Subscription Identifier of the latest request; 0: none */
    uint32_t old_ids[TRACK_EARLIER_IDS]; /**< those of earlier requests */
    uint32_t requested_in;               /**< the latest SUBSCRIBE */
    uint32_t granted_in;                 /**< the latest SUBACK that granted it */
    uint32_t removed_in;                 /**< the UNSUBACK that took it away; 0 while it is in force */
    uint32_t retained_in;                /**< the latest SUBSCRIBE that may bring retained messages */
    uint32_t no_retained_in;             /**< the latest that may not, since the filter existed (Retain Handling 1) */
    uint16_t pending;                    /**< requests not yet answered */
    uint8_t requested_most;              /**< QoS, over all requests */
    uint8_t granted_most;                /**< QoS, over all grants */
    uint8_t granted;                     /**< QoS of the latest grant */
    bool was_granted;
    bool is_shared;
    bool was_without_id; /**< some request gave no Subscription Identifier */
    bool has_more_ids;   /**< it had more than are kept */
    bool keeps_retain;   /**< some request had Retain As Published 1 */
    bool drops_retain;   /**< some request had Retain As Published 0 */
    bool takes_own;      /**< some request had No Local 0 */
    bool wants_retained; /**< some request had another Retain Handling than 2 */
};

/** The filters of a connection. File scope. */
struct track_subscription_history {
    struct track_subscribed_filter *wide;   /**< a list: wildcards, and filters with a prefix */
    struct track_subscribed_filter **exact; /**< lists by hash: the others */
    uint32_t mask;                          /**< lists of `exact`, less one */
    uint32_t count;
    uint32_t grants;    /**< filters ever granted */
    bool is_incomplete; /**< something asked for is not known */
    uint8_t next_answer;
    uint8_t reports;
    struct track_recent_response {
        uint32_t frame;
        uint16_t packet_id;
        uint8_t type;
        uint8_t left; /**< copies of the request that may still be answered */
    } answers[TRACK_RECENT_RESPONSES];
    uint32_t reported[TRACK_REPORTED_MAX];
    struct track_message_fingerprint *retained; /**< topics of retained messages that came; NULL until the first */
    struct track_message_fingerprint *own;      /**< what the Client published; NULL while no filter has No Local */
    struct track_topic_order *orders;           /**< which messages came last; NULL until one is known */
};

/** What is kept of a message to know it again. */
struct track_message_fingerprint {
    uint32_t hash;
    uint32_t frame;
    int64_t ns;
};

/** The history of a connection; made on first use. NULL where nothing is observed. */
struct track_subscription_history *track_subscription_history_of(struct track_connection *connection);

/** The record of a filter; NULL where it was never asked for. */
struct track_subscribed_filter *track_subscription_history_find(const struct track_subscription_history *history,
                                                                const uint8_t *filter, uint32_t length);

/** True where a filter has a Subscription Identifier, or had it, or had more than are kept. */
bool track_subscribed_filter_has_id(const struct track_subscribed_filter *filter, uint32_t id);

/** The same of any filter. */
bool track_subscription_history_has_id(const struct track_subscription_history *history, uint32_t id);

/** True where a filter had the identifier `old`, has `latest` now, and no filter has `old` any more. */
bool track_subscription_history_replaced_id(const struct track_subscription_history *history, uint32_t old,
                                            uint32_t latest);

/** True where nothing was subscribed before the connection, and all that it asked for was seen. */
bool track_is_fresh(const struct track_context *tracking);

/** Remembers a message in the place of the oldest. */
void track_message_fingerprint_add(struct track_context *tracking, struct track_message_fingerprint **fingerprints,
                                   uint32_t hash);

/** Finds a message; NULL where it is not remembered. */
const struct track_message_fingerprint *
track_message_fingerprint_find(const struct track_message_fingerprint *fingerprints, uint32_t hash);

#endif
