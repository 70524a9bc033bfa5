/* predicates-flows.h - questions about re-sent packets, Topic Aliases and what the other end allows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_FLOWS_H
#define MQTTSCOPE_CHECK_PREDICATES_FLOWS_H

#include "check.h"

/** The Topic Alias of a PUBLISH; NULL where it has none. */
const struct mqtt_property *topic_alias_of(const struct check_subject *subject);

/** The receiver supports aliases, but none this high. */
bool is_alias_above_maximum(const struct check_subject *subject);

/** There is an alias, and the receiver does not support any. */
bool is_alias_not_taken(const struct check_subject *subject);

/** Where a PUBLISH with DUP 1 may come from whose Packet Identifier is new to its session: in words, which the frame of its
 *  first copy follows where there is one. */
const char *origin_of_copy(const struct track_anomaly *anomaly);

#endif
