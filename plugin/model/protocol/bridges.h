/* bridges.h - follows messages over bridges, from one broker to the next.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_BRIDGES_H
#define MQTTSCOPE_MODEL_PROTOCOL_BRIDGES_H

#include "journey.h"

/** A Client turns out to be a bridge: topics are remembered from here on. */
void track_begin_bridge(struct track_context *tracking);

/** Remembers the topic of the publication that was added last, where the capture has a bridge. */
void track_remember_for_bridges(struct track_context *tracking, struct track_topic topic);

/** The publication that was added last is a bridge's: it continues what was published at another broker, under this topic or
 *  one with a prefix more or less. */
void track_follow_bridge(struct track_context *tracking, struct track_topic topic);

#endif
