/* check-shared-subscriptions.h - finds messages that went to more than one session of a Shared Subscription (MQTT 5.0 section 4.8.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SHARED_SUBSCRIPTIONS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SHARED_SUBSCRIPTIONS_H

#include "../protocol/match-delivery.h"

struct track_recent_publish;

/** A message, `source`, is delivered for a Shared Subscription, the only filter that matches. */
void track_check_shared_subscription(struct track_delivery *delivery, const struct track_recent_publish *source);

/** The packet being tracked reports a failure for a message: no other Client should get it for the same Shared
 *  Subscription. */
void track_remember_shared_failure(struct track_context *tracking);

#endif
