/* unfinished.c - what is there of a packet whose end has not come, in words.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "unfinished.h"

#include <stdio.h>

#include "facts.h"

/** How the transport was closed, in words. */
static const char *closing_text(const struct track_closing *closing, unsigned broker)
{
    if (!closing->is_closed)
        return "at the end of the capture";
    if (broker == TRACK_END_UNKNOWN)
        return closing->is_reset ? "when the connection was reset" : "when the connection was closed";
    if (closing->by == broker)
        return closing->is_reset ? "when the Server reset the connection" : "when the Server closed";
    return closing->is_reset ? "when the Client reset the connection" : "when the Client closed";
}

void track_unfinished_text(const struct track_unfinished *packet, unsigned broker, char *buffer, size_t size)
{
    const char *name = mqtt_packet_type_name((enum mqtt_packet_type)(packet->first >> 4));
    const char *at_least = packet->is_at_least ? "at least " : "";
    const char *when = closing_text(&packet->closing, broker);

    if (packet->length != 0)
        snprintf(buffer, size, "%s not completed: %s%u of %u bytes %s", name, at_least, packet->arrived, packet->length,
                 when);
    else
        snprintf(buffer, size, "%s not completed: %s%u %s, Remaining Length incomplete, %s", name, at_least,
                 packet->arrived, packet->arrived == 1 ? "byte" : "bytes", when);
}
