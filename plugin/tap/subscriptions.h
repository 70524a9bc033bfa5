/* subscriptions.h - which subscriptions are in force, for tables that count what is published for them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_SUBSCRIPTIONS_H
#define MQTTSCOPE_TAP_SUBSCRIPTIONS_H

#include "record.h"

/** A subscription that was granted to a connection. Owned by the list. */
struct tap_subscription {
    char *subscriber; /**< its Client, as record.h names it */
    struct track_text *filter;
    uint32_t connection; /**< number */
    uint32_t broker;     /**< track_journey_broker() */
    uint8_t granted;     /**< QoS */
    bool has_no_local;
    bool is_open; /**< it was not removed, and its connection has not ended */
};

/** The subscriptions of a capture. Shared ones are left out: each message is for one of a group. */
struct tap_subscriptions {
    GPtrArray *all;            /**< struct tap_subscription, as they were granted; more are only added */
    GHashTable *of_connection; /**< number to a GPtrArray of those that are open */
    GHashTable *of_client;     /**< "BROKER\\nCLIENT" to a GPtrArray of those that its session had last */
    GHashTable *requests;      /**< connection and Packet Identifier of a SUBSCRIBE or UNSUBSCRIBE to its filters */
    uint64_t not_followed;     /**< how many more were granted than are kept */
};

/** Makes an empty list; frees one. */
struct tap_subscriptions *tap_subscriptions_new(void);
void tap_subscriptions_free(struct tap_subscriptions *subscriptions);

/** Takes in a packet, or the end of a connection. */
void tap_subscriptions_follow(struct tap_subscriptions *subscriptions, const struct tap_record *record);

#endif
