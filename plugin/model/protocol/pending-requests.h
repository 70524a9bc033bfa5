/* pending-requests.h - the requests that have no Packet Identifier and wait for their response: CONNECT, PINGREQ and AUTH.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_PENDING_REQUESTS_H
#define MQTTSCOPE_MODEL_PROTOCOL_PENDING_REQUESTS_H

#include "connection.h"

/** A request that waits. */
struct track_pending_request {
    struct track_pending_request *next;
    enum mqtt_packet_type type;
    struct track_pending_packet waiting;
};

/** The latest request of a type of an end; NULL where none waits. */
const struct track_pending_packet *track_find_pending_request(const struct track_connection *connection, unsigned end,
                                                              enum mqtt_packet_type type);

/** The packet being tracked becomes the latest request of its type; NULL where there is no memory for it. */
struct track_pending_packet *track_add_pending_request(struct track_context *tracking);

/** The request of an end has its response. */
void track_remove_pending_request(struct track_connection *connection, unsigned end, enum mqtt_packet_type type);

#endif
