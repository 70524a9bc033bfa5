/* roles.h - finds out which end is the broker, and what the client has become.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_ROLES_H
#define MQTTSCOPE_MODEL_PROTOCOL_ROLES_H

#include "../store/context.h"

/** Weighs what the packet tells about which end is the broker, and what the client has become. */
void track_update_roles(struct track_context *tracking);

#endif
