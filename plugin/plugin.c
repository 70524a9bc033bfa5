/* plugin.c - the entry points by which Wireshark loads the plugin.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/packet.h>
#include <epan/proto.h>

#include "compat.h"
#include "framing.h"
#include "mqttscope.h"
#include "tap/exports.h"
#include "tap/tap.h"

/** The interface that Wireshark looks up by name. */
WS_DLL_PUBLIC const char plugin_version[];
WS_DLL_PUBLIC const int plugin_want_major;
WS_DLL_PUBLIC const int plugin_want_minor;
WS_DLL_PUBLIC void plugin_register(void);
WS_DLL_PUBLIC uint32_t plugin_describe(void);

WS_DLL_PUBLIC_DEF const char plugin_version[] = MQTTSCOPE_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;

static void register_all(void)
{
    protocol_register();
    int proto = mqttscope_proto();
    show_register(proto_get_id_by_filter_name("mqtt"), proto);
    dissect_register();
    tls_offer_register();
    websocket_register(proto);
    preferences_register(proto);
    tap_register_exports(proto);
    tap_register(proto);
    filters_register();
    report_menu_register(proto);
}

static void hand_off(void)
{
    framing_register();
    takeover_register();
    payload_handoff();
}

void plugin_register(void)
{
    static proto_plugin plugin = {register_all, hand_off};
    proto_register_plugin(&plugin);
}

/** Says that this is a dissector (from Wireshark 4.4 on). */
uint32_t plugin_describe(void)
{
    return compat_plugin_is_dissector;
}
