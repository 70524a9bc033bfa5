/* report-anomaly.h - keeps what was found at a packet beyond its fields, for the rules to judge.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_EVIDENCE_REPORT_ANOMALY_H
#define MQTTSCOPE_MODEL_EVIDENCE_REPORT_ANOMALY_H

#include "../store/context.h"

/** Keeps an anomaly of the packet being tracked: `kind`, `doubt`, `lack`, `at`, `frame`, `value` and `other` are the caller's; which
 *  packet it is is filled in. */
void track_report_anomaly(struct track_context *tracking, struct track_anomaly anomaly);

/** The same for one of order or time, which is reported once a connection, and once as undecided. */
void track_report_anomaly_once(struct track_context *tracking, struct track_anomaly anomaly);

#endif
