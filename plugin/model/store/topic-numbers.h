/* topic-numbers.h - numbers for topics, so that a packet's record can name one in four bytes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_TOPIC_NUMBERS_H
#define MQTTSCOPE_MODEL_STORE_TOPIC_NUMBERS_H

#include "capture.h"

/** The number of a topic, from 1; where many topics are alike in their hash, one may have several. 0 where the memory limit is reached. `hash` is
 *  track_hash_bytes() of it. */
uint32_t track_number_topic(struct track_capture *capture, const uint8_t *bytes, uint32_t length, uint32_t hash);

/** The topic of a number, for the file's life. */
const struct track_text *track_numbered_topic(const struct track_capture *capture, uint32_t number);

#endif
