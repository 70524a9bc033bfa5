/* check-delivery.h - compares each PUBLISH of a Server with what the Client subscribed to on the connection.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_DELIVERY_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_DELIVERY_H

#include "../store/context.h"

/** Compares a PUBLISH of the Server with what the Client subscribed to (MQTT 5.0 sections 3.3.4, 3.8.3.1 and 3.8.4), with the
 *  PUBLISH that it stems from, and with the Wills. */
void track_check_delivery(struct track_context *tracking);

#endif
