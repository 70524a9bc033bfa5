/* protocol.c - our protocol: the owner of the preferences, the switch in Enabled Protocols, and the inferred fields.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/packet.h>

#include "mqttscope.h"

static int proto = -1;

int mqttscope_proto(void)
{
    return proto;
}

void protocol_register(void)
{
    proto = proto_register_protocol("MQTT Scope", "MQTT Scope", "mqttscope");
}

bool mqttscope_is_enabled(void)
{
    return proto_is_protocol_enabled(find_protocol_by_id(proto));
}
