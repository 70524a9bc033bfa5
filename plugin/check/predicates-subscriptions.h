/* predicates-subscriptions.h - questions about Topic Filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_CHECK_PREDICATES_SUBSCRIPTIONS_H
#define MQTTSCOPE_CHECK_PREDICATES_SUBSCRIPTIONS_H

#include "check.h"

/** The filter of an entry has the prefix of a Shared Subscription. */
bool is_shared_filter(const struct check_subject *subject);

#endif
