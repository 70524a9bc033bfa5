/* missing-connect.h - remembers the brokers to which a Client connected whose CONNECT is not known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_EVIDENCE_MISSING_CONNECT_H
#define MQTTSCOPE_MODEL_EVIDENCE_MISSING_CONNECT_H

#include "../store/capture.h"

/** Remembers a connection to a broker of which it is not known what its CONNECT says: it was not captured, or not whole. */
void track_missing_connect_add(struct track_capture *capture, const struct track_endpoint *broker, uint32_t frame);

/** The same of a broker that is not known: it may be any. */
void track_missing_connect_anywhere(struct track_capture *capture, uint32_t frame);

/** The frame of the latest such connection to a broker; 0 where there was none. It may be of any Client, and have changed
 *  its session. */
uint32_t track_missing_connect_frame(const struct track_capture *capture, const struct track_endpoint *broker);

#endif
