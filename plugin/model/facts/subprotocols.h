/* subprotocols.h - lists of WebSocket subprotocols, as HTTP headers have them (RFC 6455 section 4.1).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_FACTS_SUBPROTOCOLS_H
#define MQTTSCOPE_MODEL_FACTS_SUBPROTOCOLS_H

#include <stdbool.h>
#include <string.h>

/** True where the list has this name. */
static inline bool track_is_subprotocol_in(const char *list, const char *name)
{
    static const char separators[] = ", \t";

    for (list += strspn(list, separators); *list != '\0'; list += strspn(list, separators)) {
        size_t length = strcspn(list, separators);
        if (length == strlen(name) && memcmp(list, name, length) == 0)
            return true;
        list += length;
    }
    return false;
}

#endif
