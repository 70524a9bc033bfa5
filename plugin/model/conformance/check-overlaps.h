/* check-overlaps.h - finds messages that overlapping subscriptions bring below the highest QoS that one of them accounts for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_OVERLAPS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_OVERLAPS_H

#include "../protocol/recent-publishes.h"
#include "report-delivery.h"

/** Looks at a copy of a message that is not a stored one: `lowest` and `highest` are the QoS that the filters that match
 *  account for, the same where they are not certain. */
void track_check_overlap(struct track_delivery *delivery, const struct track_recent_publish *source, uint8_t lowest,
                         uint8_t highest);

#endif
