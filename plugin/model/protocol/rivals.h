/* rivals.h - connections of one Client Identifier that follow each other too fast, or displace each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A device on a bad network connects again while its old connection is open, and so do two devices that share an identifier. They
 * are told apart by life: only of two devices does the one that was displaced answer. Where both come from one address, that may
 * be one program that forgot a connection, and it takes two displaced ones in a row.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_RIVALS_H
#define MQTTSCOPE_MODEL_PROTOCOL_RIVALS_H

#include "../facts/unfinished.h"
#include "../store/context.h"

struct track_connection;

/** What is known of the connections of a Client Identifier as they follow each other. Written by rivals.c. */
struct track_rivals {
    struct track_connection *latest; /**< the connection that came last, accepted or not */
    int64_t first_ns;                /**< when the first of a row of failures began, or what may become one */
    uint16_t failures;               /**< connections in a row that ended other than by the Client's DISCONNECT */
    uint8_t lives;                   /**< displaced connections in a row whose Client was seen alive */
    uint8_t returns;                 /**< displacements in a row by which two addresses took turns */
    bool is_reported;                /**< that two devices use the identifier */
};

/** The CONNECT being tracked is another connection of its Client Identifier. */
void track_update_reconnects(struct track_context *tracking);

/** The Client sends on a connection that was taken over. */
void track_rival_sends(struct track_context *tracking);

/** A transport is closed whose connection had ended before. */
void track_rival_closes(struct track_context *tracking, const struct track_closing *closing);

#endif
