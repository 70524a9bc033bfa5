/* captured-twice.h - recognises a connection whose packets are in the capture already, at other addresses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_CAPTURED_TWICE_H
#define MQTTSCOPE_MODEL_PROTOCOL_CAPTURED_TWICE_H

#include "../store/context.h"

struct track_first_packets;

/** Recognises the packet's connection, or the one that repeats it, by its first packets: `snapshot.is_copy` is set then, or
 *  the other connection is returned, which has left its session and is a copy from this packet on; else NULL. Before
 *  track_update_session(). */
struct track_connection *track_update_captured_twice(struct track_context *tracking);

#endif
