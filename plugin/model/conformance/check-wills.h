/* check-wills.h - finds Wills that are delivered though they should not be, or changed (MQTT 5.0 section 3.1.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CONFORMANCE_CHECK_WILLS_H
#define MQTTSCOPE_MODEL_CONFORMANCE_CHECK_WILLS_H

#include "../protocol/wills.h"

/** Which Wills something was reported of: their numbers, in the same slots as in struct track_wills. */
struct track_will_checks {
    uint32_t reported[TRACK_WILLS_MAX];
};

/** May the Will that a delivery looks like be published at all, and as it is? */
void track_check_will(struct track_context *tracking, struct track_topic topic);

/** The same of a delivery that only one filter matches, so that there is one copy of it: did it come before? */
void track_check_will_copies(struct track_context *tracking, struct track_topic topic);

/** The same of a stored message: was its Will to be retained? */
void track_check_stored_will(struct track_context *tracking, struct track_topic topic);

#endif
