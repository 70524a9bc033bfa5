/* check-topic-aliases.h - finds Topic Aliases that were never set, and what the other end makes of them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_TOPIC_ALIASES_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_TOPIC_ALIASES_H

#include "../store/context.h"

/** Finds Topic Aliases that were never set, and what the other end makes of them (MQTT 5.0 section 3.3.2.3.4); after
 *  track_update_aliases(). */
void track_check_topic_aliases(struct track_context *tracking);

#endif
