/* message-fingerprint.h - hashes of a few messages, to recognise one when it comes again.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_MESSAGE_FINGERPRINT_H
#define MQTTSCOPE_MODEL_STORE_MESSAGE_FINGERPRINT_H

#include <stdint.h>

#include "file-memory.h"

enum { TRACK_FINGERPRINTS_MAX = 8 };

/** What is kept of a message to recognise it. */
struct track_message_fingerprint {
    uint32_t hash;
    uint32_t frame; /**< 0: none */
    int64_t ns;
};

/** Remembers a message in place of the oldest; `list` is made for the first one. */
void track_message_fingerprint_add(struct track_file_memory *memory, struct track_message_fingerprint **list,
                                   struct track_message_fingerprint message);

/** Finds a message; NULL where it is not remembered. */
const struct track_message_fingerprint *track_message_fingerprint_find(const struct track_message_fingerprint *list,
                                                                       uint32_t hash);

#endif
