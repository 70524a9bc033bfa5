/* report-delivery.h - what is remembered of the deliveries on a connection, and reported of their topics.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_REPORT_DELIVERY_H
#define MQTTSCOPE_MODEL_CONFORMANCE_REPORT_DELIVERY_H

#include "../protocol/match-delivery.h"
#include "../store/message-fingerprint.h"

enum {
    TRACK_REPORTED_MAX = 8, /**< anomalies on one connection */
    TRACK_RECENT_ORDERS = 8,
    TRACK_ORDERED_TOPICS = 4,
    TRACK_OVERLAPS_MAX = 8,
};

/** Which messages of one publisher, topic and QoS were delivered last. */
struct track_topic_order {
    uint32_t topic;
    uint32_t publisher;
    uint32_t next;
    uint8_t qos;           /**< as published */
    uint8_t delivered_qos; /**< less where less was granted */
    uint32_t orders[TRACK_RECENT_ORDERS];
};

/** A message that several filters match, with different QoS. */
struct track_overlap {
    uint32_t order;  /**< of the message at its broker; 0: the slot is unused */
    uint32_t frame;  /**< of the PUBLISH that it stems from */
    uint8_t highest; /**< QoS of the copy that has to come */
    uint8_t best;    /**< the highest QoS of the copies that came */
    bool is_settled; /**< it was reported, or the Server may have had no send quota for it */
};

/** The latest of those, the latest in place of the oldest. */
struct track_overlaps {
    struct track_overlap kept[TRACK_OVERLAPS_MAX];
    unsigned next;
};

/** What is remembered of the deliveries on a connection. File scope. */
struct track_delivery_checks {
    uint8_t reported_count;                /**< report-delivery.c */
    uint32_t reported[TRACK_REPORTED_MAX]; /**< report-delivery.c: hashes of kind and topic */
    struct track_message_fingerprint
        *retained; /**< check-delivery.c: topics of retained messages that came; NULL likewise */
    struct track_message_fingerprint *own; /**< check-delivery.c: what the Client published; NULL likewise */
    struct track_topic_order *orders;      /**< check-forwarding.c: which messages came last; NULL until one is known */
    struct track_overlaps *overlaps;       /**< check-overlaps.c: NULL until there is one */
};

/** What is remembered of the deliveries on the packet's connection; made on first use. NULL where there is no memory for it. */
struct track_delivery_checks *track_delivery_checks_of(struct track_context *tracking);

/** Forgets it: the Client sent a CONNECT. */
void track_delivery_checks_reset(struct track_context *tracking);

/** Reports an anomaly that is a fact of the topic, and no fault of each message: one of a kind for a topic, and not many in
 *  all. */
void track_report_for_topic(const struct track_delivery *delivery, struct track_anomaly anomaly);

#endif
