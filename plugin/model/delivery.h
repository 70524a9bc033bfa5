/* delivery.h - what the files that follow messages share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_DELIVERY_H
#define MQTTSCOPE_MODEL_DELIVERY_H

#include "interests.h"
#include "state.h"
#include "topic-match.h"

enum { MQTT_MATCHES_MAX = 24 };

/** A PUBLISH of the Server, and the filters that explain it. */
struct mqtt_delivery {
    struct mqtt_tracking *tracking;
    struct mqtt_book *book;
    struct mqtt_topic topic;
    uint32_t topic_hash;
    unsigned count;
    const struct mqtt_interest *matches[MQTT_MATCHES_MAX];
    bool has_too_many;       /**< more match than are looked at */
    bool is_explained;       /**< one of them was granted, or may yet be */
    enum mqtt_match nearest; /**< of those that do not match */
    uint32_t nearest_in;     /**< where that was asked for */
};

/** Notices something at a delivery: once for a topic, and not very often in all. */
void mqtt_observe_delivery(struct mqtt_delivery *delivery, struct mqtt_observation observation);

/** The topic of the PUBLISH being tracked, behind its alias if it uses one. False where it is not known, or is no topic. */
bool mqtt_topic_of(const struct mqtt_tracking *tracking, struct mqtt_topic *topic);

/** Keeps what a Client publishes, and the Will of its CONNECT, to know it again. */
void mqtt_keep_publication(struct mqtt_tracking *tracking);
void mqtt_keep_will(struct mqtt_tracking *tracking);

/** A subscriber refused a message: nobody else should get it for the same Shared Subscription. */
void mqtt_note_refusal(struct mqtt_tracking *tracking);

/** What of a delivery is held against the Wills. */
enum mqtt_will_question {
    MQTT_WILL_ANY,    /**< may the Will be published at all, and as it is? */
    MQTT_WILL_COPIES, /**< one filter alone matches, so that there is one copy: has it come before? */
    MQTT_WILL_STORED, /**< it is a stored message: was that asked for? */
};

/** Holds a delivery against the Wills, if it looks like one. */
void mqtt_look_for_will(struct mqtt_tracking *tracking, struct mqtt_topic topic, enum mqtt_will_question question);

/** Holds a delivery against the PUBLISH that it stems from: what is forwarded whoever subscribed; and QoS, RETAIN and
 *  order, where the filters that match are known. */
void mqtt_track_forwarding(struct mqtt_tracking *tracking, struct mqtt_topic topic);
void mqtt_compare_delivery(struct mqtt_delivery *delivery);

#endif
