/* endpoint.c - equality and a hash of network addresses, and whether two are of one host.
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

/** True for 127.0.0.0/8 and ::1, and for the former as IPv6 writes it. */
static bool is_loopback(const struct track_endpoint *endpoint)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const uint8_t loopback[16] = {[15] = 1};

    if (endpoint->length == 4)
        return endpoint->address[0] == 127;
    if (endpoint->length != sizeof loopback)
        return false;
    return memcmp(endpoint->address, loopback, sizeof loopback) == 0 ||
           (memcmp(endpoint->address, mapped, sizeof mapped) == 0 && endpoint->address[sizeof mapped] == 127);
}

bool track_is_same_host(const struct track_endpoint *one, const struct track_endpoint *other)
{
    if (one->length == 0 || one->length != other->length)
        return false;
    return (is_loopback(one) && is_loopback(other)) || memcmp(one->address, other->address, one->length) == 0;
}

guint track_hash_endpoint(const struct track_endpoint *endpoint)
{
    uint8_t key[sizeof endpoint->address + sizeof endpoint->port] = {0};

    /* Keyed: whoever chooses addresses and ports cannot foresee it. */
    memcpy(key, endpoint->address, endpoint->length);
    memcpy(key + sizeof endpoint->address, &endpoint->port, sizeof endpoint->port);
    return wmem_strong_hash(key, sizeof key);
}
