/* subscription.h - one subscription of a session.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_SUBSCRIPTION_H
#define MQTTSCOPE_MODEL_FACTS_SUBSCRIPTION_H

#include <stdint.h>

struct track_session;
struct track_text;

/** A subscription in force in its session, or one that a SUBSCRIBE requests. File scope. */
struct track_subscription {
    struct track_subscription *next; /**< in its session, the latest first */
    struct track_subscription *previous;
    const struct track_session *session; /**< NULL until it is granted */
    const struct track_text *filter;
    uint32_t index;  /**< in its request, from 0 */
    uint8_t options; /**< as requested */
    uint8_t granted; /**< the Reason Code of the SUBACK */
};

#endif
