/* snapshots.h - the slow facts of a connection, as they were at each of its packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_SNAPSHOTS_H
#define MQTTSCOPE_MODEL_SNAPSHOTS_H

#include "protocol/connection.h"

/** The snapshot in force at a packet: the last one that does not begin after it. */
const struct track_snapshot *track_snapshot_at(const struct track_connection *connection, struct track_pdu_ref pdu);

/** Puts a snapshot in force where it differs from the latest. What was assumed before the first packet is replaced. Where the
 *  memory limit is reached it is the last: nothing new is known from there on, and bytes count as missing. False then. */
bool track_begin_snapshot(struct track_connection *connection, const struct track_snapshot *snapshot);

#endif
