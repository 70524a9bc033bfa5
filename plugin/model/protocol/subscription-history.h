/* subscription-history.h - what a Client subscribed to on one connection, and what it was granted.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The subscriptions of a session are those in force. What may be delivered is more: what was requested a moment ago, what
 * was requested with other options before, and what was removed and is still on its way. The history holds all of it; it
 * gives up (is incomplete) where a request was not captured whole, or where there are very many.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_SUBSCRIPTION_HISTORY_H
#define MQTTSCOPE_MODEL_PROTOCOL_SUBSCRIPTION_HISTORY_H

#include "connection.h"
#include "subscriptions.h"

enum {
    TRACK_SUBSCRIBED_FILTERS_MAX = 1000, /**< filters in a history; each delivery is matched with them */
    TRACK_EARLIER_IDS = 2,               /**< Subscription Identifiers that a filter had before */
    TRACK_RECENT_RESPONSES = 4,          /**< what is kept of responses */
};

/** A filter that the Client subscribed to on this connection. */
struct track_subscribed_filter {
    struct track_subscribed_filter *next; /**< in its list */
    const struct track_text *text;
    int64_t settled_ns;                  /**< when it was last granted or removed */
    int64_t first_ns;                    /**< when it was first requested */
    uint32_t id;                         /**< Subscription Identifier of the latest request; 0: none */
    uint32_t old_ids[TRACK_EARLIER_IDS]; /**< those of earlier requests */
    uint32_t requested_in;               /**< the latest SUBSCRIBE */
    uint32_t granted_in;                 /**< the latest SUBACK that granted it */
    uint32_t removed_in;                 /**< the UNSUBACK that removed it; 0 while it is in force */
    uint32_t retained_in;                /**< the latest SUBSCRIBE that may bring retained messages */
    uint32_t no_retained_in;             /**< the latest that may not, since the filter existed (Retain Handling 1) */
    uint16_t pending;                    /**< requests that have no response yet */
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

/** A SUBACK or UNSUBACK; a request that was re-sent may have several. */
struct track_recent_response {
    uint32_t frame; /**< 0: none */
    uint16_t packet_id;
    uint8_t type;
    uint8_t left; /**< copies of the request that may still have a response */
};

/** The filters of a connection. File scope. Written by subscription-history.c. */
struct track_subscription_history {
    struct track_subscribed_filter *wide; /**< a list: wildcards, and filters with a prefix */
    union {
        struct track_subscribed_filter *list;   /**< the others, where there are few */
        struct track_subscribed_filter **lists; /**< the others, by their hash */
    };
    uint32_t mask; /**< lists of the others, less one */
    uint32_t count;
    uint32_t grants;    /**< filters ever granted */
    bool is_incomplete; /**< something that the Client requested is not known */
    bool has_no_local;  /**< some request had No Local 1 */
    uint8_t next_response;
    struct track_recent_response responses[TRACK_RECENT_RESPONSES];
};

/** Begins the history of a connection again: its Client sent a CONNECT. */
void track_subscription_history_reset(struct track_context *tracking);

/** The history of the packet's connection; made on first use. Where there is no memory for it, one that is incomplete. */
const struct track_subscription_history *track_subscription_history_of(struct track_context *tracking);

/** The list of the filters without wildcard or prefix that have this hash, or this number modulo the number of lists. */
static inline struct track_subscribed_filter *track_exact_filters(const struct track_subscription_history *history,
                                                                  uint32_t hash)
{
    return history->mask == 0 ? history->list : history->lists[hash & history->mask];
}

/** Takes in a request's filters; that the same request was re-sent; that a request is not known; and the response to one.
 *  `filters` is what the request keeps. */
void track_subscription_history_request(struct track_context *tracking, const struct track_request_filters *filters);
void track_subscription_history_request_again(struct track_request_filters *filters);
void track_subscription_history_request_lost(struct track_context *tracking);
void track_subscription_history_response(struct track_context *tracking, const struct track_request_filters *filters);

/** Takes in a SUBACK or UNSUBACK whose identifier no request has. */
void track_subscription_history_stray_response(struct track_context *tracking);

/** The earlier response of its kind that a SUBACK or UNSUBACK repeats; NULL where none is remembered. */
const struct track_recent_response *track_find_repeated_response(const struct track_context *tracking);

/** The record of a filter; NULL where it was never requested. */
struct track_subscribed_filter *track_subscription_history_find(const struct track_subscription_history *history,
                                                                const struct track_text *text);

/** True where a filter has a Subscription Identifier, or had it, or had more than are kept. */
bool track_subscribed_filter_has_id(const struct track_subscribed_filter *filter, uint32_t id);

/** The same of any filter. */
bool track_subscription_history_has_id(const struct track_subscription_history *history, uint32_t id);

/** True where a filter had the identifier `old`, has `latest` now, and no filter has `old` any more. */
bool track_subscription_history_replaced_id(const struct track_subscription_history *history, uint32_t old,
                                            uint32_t latest);

/** True where an UNSUBSCRIBE that has no response names only filters that the Client never subscribed to, or that are removed. */
bool track_has_no_effect(const struct track_connection *connection, const struct track_request_filters *filters);

/** True where the Client has no subscription any more, and the last was removed after a frame. */
bool track_has_unsubscribed_since(const struct track_connection *connection, uint32_t frame);

/** True where the Client had no subscription before the connection, and all that it requested was captured. */
bool track_knows_all_subscriptions(const struct track_context *tracking);

#endif
