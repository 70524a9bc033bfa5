/* predicates-subscriptions.c - questions about Topic Filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "predicates.h"

bool is_shared_filter(const struct check_subject *subject)
{
    static const char prefix[] = "$share/";
    enum { LENGTH = sizeof prefix - 1 };

    return subject->filter.text.length >= LENGTH &&
           memcmp(subject->packet->bytes + subject->filter.text.at, prefix, LENGTH) == 0;
}
