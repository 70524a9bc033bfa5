/* endpoint.h - equality and a hash of network addresses, and whether two are of one host.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_ENDPOINT_H
#define MQTTSCOPE_MODEL_STORE_ENDPOINT_H

#include <glib.h>

#include "../facts/transport.h"

/** True where two ends have the same address and port. */
bool track_is_same_endpoint(const struct track_endpoint *one, const struct track_endpoint *other);

/** True where two ends are on one host: both are loopback addresses, or the address is the same. */
bool track_is_same_host(const struct track_endpoint *one, const struct track_endpoint *other);

/** A hash of address and port. */
guint track_hash_endpoint(const struct track_endpoint *endpoint);

#endif
