/* report-event.h - keeps what happened at a packet without any rule being broken, for people to see.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_EVIDENCE_REPORT_EVENT_H
#define MQTTSCOPE_MODEL_EVIDENCE_REPORT_EVENT_H

#include "../store/context.h"

/** Keeps an event of the packet being tracked; which packet it is is filled in. What is in the capture twice happened once:
 *  of a copy nothing is kept. NULL where that is so, or there is no memory for it. */
const struct track_event *track_report_event(struct track_context *tracking, struct track_event event);

/** The same for what is reported once a connection. */
void track_report_event_once(struct track_context *tracking, struct track_event event);

#endif
