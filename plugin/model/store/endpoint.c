/* endpoint.c - equality and a hash of network addresses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "endpoint.h"

#include <string.h>

bool track_is_same_endpoint(const struct track_endpoint *one, const struct track_endpoint *other)
{
    return one->port == other->port && one->length == other->length &&
           memcmp(one->address, other->address, one->length) == 0;
}

guint track_hash_endpoint(const struct track_endpoint *endpoint)
{
    guint hash = 2166136261u ^ endpoint->port;

    for (unsigned i = 0; i < endpoint->length; i++)
        hash = (hash ^ endpoint->address[i]) * 16777619u;
    return hash;
}
