/* check-closing.h - finds what is wrong where the transport of a connection is closed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_CLOSING_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_CLOSING_H

#include "../facts/unfinished.h"
#include "../store/context.h"

/** Checks the connection when it is closed for the first time. The context's packet is empty. */
void track_check_closing(struct track_context *tracking, const struct track_closing *closing);

#endif
