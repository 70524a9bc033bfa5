/* check-forwarding.h - compares a delivery with the PUBLISH that it stems from, where that was captured.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_FORWARDING_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_FORWARDING_H

#include "../protocol/match-delivery.h"

/** Compares what is forwarded unchanged, whatever the subscriptions are (MQTT 5.0 section 3.3.2.3). */
void track_check_forwarded_properties(struct track_context *tracking, struct track_topic topic);

/** Compares QoS, RETAIN and order, where the filters that match are known (sections 3.3.1.3, 3.8.4 and 4.6). */
void track_check_forwarding(struct track_delivery *delivery);

#endif
