/* authentication.h - finds what is out of order in enhanced authentication (MQTT 5.0 section 4.12).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_AUTHENTICATION_H
#define MQTTSCOPE_MODEL_CONFORMANCE_AUTHENTICATION_H

#include "../store/context.h"

/** How far enhanced authentication has come. */
struct track_authentication {
    bool server_asked;        /**< the Server's AUTH 0x18 waits for the Client's response */
    bool is_reauthenticating; /**< the Client's AUTH 0x19 waits for the Server's response */
};

/** Finds what is out of order in enhanced authentication. */
void track_check_authentication(struct track_context *tracking);

#endif
