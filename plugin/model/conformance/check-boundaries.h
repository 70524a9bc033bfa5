/* check-boundaries.h - doubts where a packet begins after a malformed one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_CHECK_BOUNDARIES_H
#define MQTTSCOPE_MODEL_CHECK_BOUNDARIES_H

#include <stdbool.h>

#include "../store/context.h"

/** What is known of where an end's packets begin. */
struct track_boundaries {
    bool is_doubtful[2]; /**< the end's latest packets are malformed, and their lengths may be wrong */
};

/** Reports a malformed packet that may be none that anybody meant to send. */
void track_check_boundaries(struct track_context *tracking);

#endif
