/* delivery.h - what the files that follow messages share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_DELIVERY_H
#define MQTTSCOPE_MODEL_DELIVERY_H

#include "interests.h"
#include "state.h"
#include "topic-match.h"

/** The topic of the PUBLISH being tracked, behind its alias if it uses one. False where it is not known, or is no topic. */
bool mqtt_topic_of(const struct mqtt_tracking *tracking, struct mqtt_topic *topic);

#endif
