/* exports.c - brings each control packet to the flow graph and to the export of payloads.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "exports.h"

#include <epan/tap.h>

static int flow_tap = -1;
static int export_tap = -1;

void tap_register_exports(int proto)
{
    flow_tap = tap_register_flow(proto);
    export_tap = tap_register_export(proto);
}

bool tap_flow_is_open(void)
{
    return have_tap_listener(flow_tap);
}

bool tap_export_is_open(void)
{
    return have_tap_listener(export_tap);
}

void tap_queue_exports(packet_info *pinfo, const struct tap_record *record)
{
    if (tap_flow_is_open())
        tap_queue_packet(flow_tap, pinfo, record);
    if (tap_export_is_open() && record->packet.type == MQTT_TYPE_PUBLISH)
        tap_queue_packet(export_tap, pinfo, record);
}
