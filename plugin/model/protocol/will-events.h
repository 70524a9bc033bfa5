/* will-events.h - tells where the Will of a connection that ended is published.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wills.c follows Wills for the rules, which may not err, and so knows only those whose payload is long enough to be told from
 * any other message. Most are short: `offline`. Here a message is the Will where it comes to the topic of the Will, with its
 * payload, soon after its connection ended without the Client's DISCONNECT, and nobody was seen to publish the same.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_WILL_EVENTS_H
#define MQTTSCOPE_MODEL_PROTOCOL_WILL_EVENTS_H

#include "../store/context.h"

/** Takes in CONNECT and PUBLISH. */
void track_update_will_events(struct track_context *tracking);

#endif
