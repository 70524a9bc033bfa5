/* check-keep-alive.h - finds Clients that were silent too long, and ends that waited too long.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_KEEP_ALIVE_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_KEEP_ALIVE_H

#include "../store/context.h"

/** What the Client had received when it sent its CONNECT. */
struct track_keep_alive_check {
    uint32_t connect_got_to;
    bool has_connect_got_to;
};

/** Finds Clients that were silent too long (MQTT 5.0 section 3.1.2.10), and ends that waited too long for a response. */
void track_check_keep_alive(struct track_context *tracking);

#endif
