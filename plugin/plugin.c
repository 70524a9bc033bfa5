/* plugin.c - the entry points by which Wireshark loads the plugin.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/packet.h>
#include <epan/proto.h>

#include "compat.h"
#include "mqttscope.h"
#include "tap/exports.h"
#include "tap/tap.h"

#define EXPORTED __attribute__((visibility("default")))

/** The interface that Wireshark looks up by name. */
EXPORTED extern const char plugin_version[];
EXPORTED extern const int plugin_want_major;
EXPORTED extern const int plugin_want_minor;
EXPORTED void plugin_register(void);
EXPORTED uint32_t plugin_describe(void);

const char plugin_version[] = MQTTSCOPE_VERSION;
const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

static int proto = -1;

int mqttscope_proto(void)
{
    return proto;
}

void mqttscope_register(void)
{
    proto = proto_register_protocol("MQTT Scope", "MQTT Scope", "mqttscope");
    show_register_fields(proto_get_id_by_filter_name("mqtt"), proto);
    dissect_register();
    websocket_register(proto);
    preferences_register(proto);
    tap_register_exports(proto);
    tap_register(proto);
    filters_register();
}

void mqttscope_handoff(void)
{
    takeover_register(proto);
    payload_handoff();
}

void plugin_register(void)
{
    static proto_plugin plugin = {mqttscope_register, mqttscope_handoff};
    proto_register_plugin(&plugin);
}

/** Says that this is a dissector (from Wireshark 4.4 on). */
uint32_t plugin_describe(void)
{
    return compat_plugin_is_dissector;
}
