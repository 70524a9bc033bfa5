/* exports.h - the flow graph and the export of payloads.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_EXPORTS_H
#define MQTTSCOPE_TAP_EXPORTS_H

#include <epan/packet.h>

#include "record.h"

/** Registers the flow graph and the export of PUBLISH payloads; `proto` is our protocol. Each has a tap of its own, so
 *  that its cost is paid only where it is used. */
void tap_register_exports(int proto);

/** True where a flow graph is being drawn: the record needs its `line`. */
bool tap_flow_is_open(void);

/** True where payloads are being exported. */
bool tap_export_is_open(void);

/** Queues the record for whichever of the two is open. It is in the packet's pool. */
void tap_queue_exports(packet_info *pinfo, const struct tap_record *record);

/** Registers the flow graph; used by tap_register_exports(). Returns the id of its tap. */
int tap_register_flow(int proto);

/** Registers the export of payloads; used by tap_register_exports(). Returns the id of its tap. */
int tap_register_export(int proto);

#endif
