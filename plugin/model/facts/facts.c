/* facts.c - what follows from the facts of a packet: the roles of both ends.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "facts.h"

enum track_role track_role_of(const struct track_snapshot *snapshot, const struct track_deeds deeds[2], unsigned end)
{
    if (snapshot->broker == TRACK_END_UNKNOWN)
        return TRACK_ROLE_UNKNOWN;
    if (snapshot->broker == end)
        return TRACK_ROLE_BROKER;
    if (snapshot->is_bridge)
        return TRACK_ROLE_BRIDGE;
    /* A Client that receives messages has subscribed, if only on an earlier connection of the session. */
    bool has_subscribed = deeds[end].has_subscribed || deeds[1 - end].has_published;
    if (deeds[end].has_published)
        return has_subscribed ? TRACK_ROLE_PUBLISHER_SUBSCRIBER : TRACK_ROLE_PUBLISHER;
    return has_subscribed ? TRACK_ROLE_SUBSCRIBER : TRACK_ROLE_CLIENT;
}

const char *track_role_name(enum track_role role)
{
    static const char *const names[] = {
        [TRACK_ROLE_UNKNOWN] = "unknown",       [TRACK_ROLE_BROKER] = "broker",
        [TRACK_ROLE_CLIENT] = "client",         [TRACK_ROLE_PUBLISHER] = "publisher",
        [TRACK_ROLE_SUBSCRIBER] = "subscriber", [TRACK_ROLE_PUBLISHER_SUBSCRIBER] = "publisher+subscriber",
        [TRACK_ROLE_BRIDGE] = "bridge",
    };
    return names[role];
}
