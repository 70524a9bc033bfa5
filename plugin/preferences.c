/* preferences.c - the user's settings.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/prefs.h>

#include <epan/prefs-int.h>

#include "compat.h"
#include "mqttscope.h"

static ws_bool reassembles = true;
static ws_bool names_ends = true;
static ws_bool exports_copies = false;
static ws_bool follows_messages = true;
static ws_bool is_closed_world = false;
static unsigned delivery_deadline_s = 10;
static int default_version = MQTT_VERSION_UNKNOWN;
static unsigned max_inflight = 65535;
static unsigned max_memory_mib = 512;

bool mqttscope_reassembles(void)
{
    return reassembles;
}

bool mqttscope_names_ends(void)
{
    return names_ends;
}

bool mqttscope_exports_copies(void)
{
    return exports_copies;
}

bool mqttscope_follows_messages(void)
{
    return follows_messages;
}

bool mqttscope_is_closed_world(void)
{
    return is_closed_world;
}

int64_t mqttscope_delivery_deadline_ns(void)
{
    return delivery_deadline_s * INT64_C(1000000000);
}

/** The version that the user has set for Wireshark's own dissector, so that profiles made for it keep working. */
static int builtin_default_version(void)
{
    module_t *module = prefs_find_module("mqtt");
    pref_t *preference = module != NULL ? prefs_find_preference(module, "default_version") : NULL;
    return preference != NULL ? prefs_get_enum_value(preference, pref_current) : MQTT_VERSION_UNKNOWN;
}

enum mqtt_version mqttscope_default_version(void)
{
    int version = default_version != MQTT_VERSION_UNKNOWN ? default_version : builtin_default_version();
    return (enum mqtt_version)version;
}

uint32_t mqttscope_max_inflight(void)
{
    return max_inflight;
}

uint64_t mqttscope_max_memory(void)
{
    return (uint64_t)max_memory_mib << 20;
}

void preferences_register(int proto)
{
    static const enum_val_t versions[] = {
        {"none", "None", MQTT_VERSION_UNKNOWN},
        {"3", "MQTT 3.1", MQTT_V31},
        {"4", "MQTT 3.1.1", MQTT_V311},
        {"5", "MQTT 5.0", MQTT_V50},
        {NULL, NULL, -1},
    };
    module_t *module = prefs_register_protocol(proto, NULL);

    prefs_register_bool_preference(module, "reassemble", "Reassemble MQTT packets that span segments",
                                   "Whether packets that span TCP segments, TLS records or WebSocket messages are "
                                   "reassembled. TCP's own reassembly has to be enabled as well.",
                                   &reassembles);
    prefs_register_bool_preference(
        module, "info_names", "Names of the ends in the Info column",
        "Whether the Info column begins with the names of sender and receiver. Columns of their own, as the "
        "profile MQTT has them, say the same.",
        &names_ends);
    prefs_register_bool_preference(
        module, "export_copies", "Export each copy of a message",
        "Whether the export of objects has a file for each PUBLISH. Without it a message that "
        "was published is not exported again where it is delivered or re-sent.",
        &exports_copies);
    prefs_register_bool_preference(module, "follow_messages", "Follow messages from publisher to subscribers",
                                   "Whether each delivery is linked to the PUBLISH that it stems from.",
                                   &follows_messages);
    prefs_register_bool_preference(
        module, "closed_world", "The broker withholds nothing",
        "Whether a QoS 1 or 2 message that a subscriber does not get is a fault of the Server. For labs and test "
        "runs where no access rule and no limit of the broker withholds messages, and all clients are captured.",
        &is_closed_world);
    prefs_register_uint_preference(module, "delivery_deadline", "Seconds until a delivery is missing",
                                   "For how long the delivery of a message may be due where the broker withholds "
                                   "nothing.",
                                   10, &delivery_deadline_s);
    prefs_register_enum_preference(module, "default_version", "Version of connections without a captured CONNECT",
                                   "The protocol version to assume where the CONNECT was not captured and the packets "
                                   "do not show by themselves which version they are.",
                                   &default_version, versions, FALSE);
    prefs_register_uint_preference(module, "max_inflight_tracked", "Unanswered requests tracked",
                                   "How many unanswered packets are tracked in each direction of a connection; further "
                                   "ones get no links and no times.",
                                   10, &max_inflight);
    prefs_register_uint_preference(module, "max_memory", "Memory for connections and sessions (MiB)",
                                   "How much memory the connections of a file may take: sessions, subscriptions, "
                                   "packets in flight, Topic Aliases. Links and times take another 64 bytes for each "
                                   "packet. Over the limit nothing new is tracked. 0: no limit.",
                                   10, &max_memory_mib);
    policy_register(module);
}
