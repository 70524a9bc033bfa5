/* match-delivery.h - which subscriptions explain a PUBLISH of the Server (MQTT 5.0 section 3.3.4).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_MATCH_DELIVERY_H
#define MQTTSCOPE_MODEL_PROTOCOL_MATCH_DELIVERY_H

#include "subscription-history.h"
#include "topic-match.h"

enum { TRACK_MATCHES_MAX = 24 };

/** A PUBLISH of the Server, and the filters that explain it. */
struct track_delivery {
    struct track_context *tracking;
    const struct track_subscription_history *history;
    struct track_topic topic;
    uint32_t topic_hash;
    unsigned count;
    const struct track_subscribed_filter *matches[TRACK_MATCHES_MAX];
    bool has_too_many;        /**< more match than there is room for */
    bool is_explained;        /**< one of them was granted, or may yet be */
    enum track_match nearest; /**< of those that do not match, where none explains it */
    uint32_t nearest_in;      /**< where that was requested */
};

/** Looks for the filters that match the PUBLISH being tracked and, where none explains it, for one that nearly matches.
 *  False where a filter that is not known may explain it. */
bool track_match_delivery(struct track_context *tracking, struct track_topic topic, struct track_delivery *delivery);

/** The same by what the Client subscribed to on its connection before, whose session this one resumes. False also where it has
 *  subscribed or unsubscribed since. */
bool track_match_resumed(struct track_context *tracking, struct track_topic topic, struct track_delivery *delivery);

#endif
