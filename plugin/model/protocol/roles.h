/* roles.h - finds out which end is the broker, and what the client has become.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_ROLES_H
#define MQTTSCOPE_MODEL_PROTOCOL_ROLES_H

#include "../store/context.h"

struct track_connection;

/** The first packets by which an end becomes publisher or subscriber; frame 0: none yet. Written by roles.c. */
struct track_first_sent {
    struct track_pdu_ref published;
    struct track_pdu_ref subscribed;
};

/** Weighs what the packet tells about which end is the broker, and what the client has become. */
void track_update_roles(struct track_context *tracking);

/** What both ends of the connection have sent by a packet, itself included. */
void track_deeds_at(const struct track_connection *connection, struct track_pdu_ref pdu, struct track_deeds deeds[2]);

#endif
