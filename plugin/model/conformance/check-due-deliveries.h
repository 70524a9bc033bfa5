/* check-due-deliveries.h - finds messages that a subscriber has not got in time, and QoS 2 messages that it got twice, where the
 * user says that the Server withholds nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_DUE_DELIVERIES_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_DUE_DELIVERIES_H

#include "../store/context.h"

struct track_due_messages;

/** Follows what is published with QoS 1 or 2 to each that is subscribed, until it is delivered or reported. Only where
 *  track_options.closed_world. */
void track_check_due_deliveries(struct track_context *tracking);

#endif
