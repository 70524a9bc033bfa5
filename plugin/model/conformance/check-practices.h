/* check-practices.h - finds what no statement forbids and few want, for the hints.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_PRACTICES_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_PRACTICES_H

#include "../store/context.h"

struct track_granted_filters;

/** Finds Clients that ping far more often than their Keep Alive needs, and a QoS that no subscriber was granted. */
void track_check_practices(struct track_context *tracking);

#endif
