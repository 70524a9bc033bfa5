/* predicates-subscriptions.c - questions about Topic Filters.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "predicates.h"

bool has_wildcard(const struct check_subject *subject)
{
    const uint8_t *text = subject->packet->bytes + subject->filter.text.at;
    size_t length = subject->filter.text.length;

    return length > 0 && (memchr(text, '+', length) != NULL || memchr(text, '#', length) != NULL);
}

bool is_shared_filter(const struct check_subject *subject)
{
    static const char prefix[] = "$share/";
    enum { LENGTH = sizeof prefix - 1 };

    return subject->filter.text.length >= LENGTH &&
           memcmp(subject->packet->bytes + subject->filter.text.at, prefix, LENGTH) == 0;
}
