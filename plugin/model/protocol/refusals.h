/* refusals.h - tells of subscriptions and publications that are refused.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_REFUSALS_H
#define MQTTSCOPE_MODEL_PROTOCOL_REFUSALS_H

#include "../store/context.h"

struct track_inflight_entry;

/** The packet being tracked is the SUBACK to a SUBSCRIBE that is in flight. */
void track_report_refused_filters(struct track_context *tracking, const struct track_inflight_entry *entry);

/** The packet being tracked refuses a PUBLISH that is in flight. */
void track_report_refused_publish(struct track_context *tracking, const struct track_inflight_entry *entry);

#endif
