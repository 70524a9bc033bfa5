/* check-delivery.h - what the files that follow messages share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_DELIVERY_H
#define MQTTSCOPE_MODEL_DELIVERY_H

#include "../protocol/subscription-history.h"
#include "../protocol/topic-match.h"
#include "../state.h"

enum { TRACK_MATCHES_MAX = 24 };

/** A PUBLISH of the Server, and the filters that explain it. */
struct track_delivery {
    struct track_context *tracking;
    struct track_subscription_history *history;
    struct track_topic topic;
    uint32_t topic_hash;
    unsigned count;
    const struct track_subscribed_filter *matches[TRACK_MATCHES_MAX];
    bool has_too_many;        /**< more match than are looked at */
    bool is_explained;        /**< one of them was granted, or may yet be */
    enum track_match nearest; /**< of those that do not match */
    uint32_t nearest_in;      /**< where that was asked for */
};

/** Notices something at a delivery: once for a topic, and not very often in all. */
void track_report_delivery(struct track_delivery *delivery, struct track_anomaly anomaly);

/** The topic of the PUBLISH being tracked, behind its alias if it uses one. False where it is not known, or is no topic. */
bool track_topic_of_publish(const struct track_context *tracking, struct track_topic *topic);

/** Keeps what a Client publishes, and the Will of its CONNECT, to know it again. */
void track_recent_publishes_add(struct track_context *tracking);
void track_recent_publishes_add_will(struct track_context *tracking);

/** A subscriber refused a message: nobody else should get it for the same Shared Subscription. */
void track_note_shared_failure(struct track_context *tracking);

/** What of a delivery is held against the Wills. */
enum track_will_question {
    TRACK_WILL_ANY,    /**< may the Will be published at all, and as it is? */
    TRACK_WILL_COPIES, /**< one filter alone matches, so that there is one copy: has it come before? */
    TRACK_WILL_STORED, /**< it is a stored message: was that asked for? */
};

/** Holds a delivery against the Wills, if it looks like one. */
void track_check_will_delivery(struct track_context *tracking, struct track_topic topic,
                               enum track_will_question question);

/** Holds a delivery against the PUBLISH that it stems from: what is forwarded whoever subscribed; and QoS, RETAIN and
 *  order, where the filters that match are known. */
void track_check_forwarding(struct track_context *tracking, struct track_topic topic);
void track_compare_delivery(struct track_delivery *delivery);

#endif
