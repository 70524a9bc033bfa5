/* check-suback.h - finds SUBACKs and UNSUBACKs that do not fit what they answer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SUBACK_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_SUBACK_H

#include "../store/context.h"

/** Compares a SUBACK or UNSUBACK with what it answers (MQTT 5.0 sections 3.8.4 and 3.10.4), before it changes anything. */
void track_check_suback(struct track_context *tracking);

#endif
