/* endpoint.c - equality and a hash of network addresses.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "endpoint.h"

#include <string.h>

#include <wsutil/wmem/wmem.h>

bool track_is_same_endpoint(const struct track_endpoint *one, const struct track_endpoint *other)
{
    return one->port == other->port && one->length == other->length &&
           memcmp(one->address, other->address, one->length) == 0;
}

guint track_hash_endpoint(const struct track_endpoint *endpoint)
{
    uint8_t key[sizeof endpoint->address + sizeof endpoint->port] = {0};

    /* Keyed: whoever chooses addresses and ports cannot foresee it. */
    memcpy(key, endpoint->address, endpoint->length);
    memcpy(key + sizeof endpoint->address, &endpoint->port, sizeof endpoint->port);
    return wmem_strong_hash(key, sizeof key);
}
