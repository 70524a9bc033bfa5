/* text.h - text of the packets: kept once for the file's life, compared, hashed.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_TEXT_H
#define MQTTSCOPE_MODEL_STORE_TEXT_H

#include <glib.h>

#include "../facts/facts.h"
#include "capture.h"

/** Text of the packet; the caller's, to be given to wmem_free() with a NULL allocator. */
struct track_text *track_copy_span(const struct mqtt_packet *packet, struct mqtt_span span);

/** Keeps text of the packet for the file's life, the same text once; NULL where the memory limit is reached. */
const struct track_text *track_intern_span(struct track_capture *capture, const struct mqtt_packet *packet,
                                           struct mqtt_span span);

/** Keeps a copy of some text. */
const struct track_text *track_intern_text(struct track_capture *capture, const struct track_text *text);

/** A hash of bytes, to recognise them by. It is not keyed: a hostile peer can make two alike. */
uint32_t track_hash_bytes(const uint8_t *bytes, uint32_t length);

/** A hash of bytes under a key that a peer does not know. */
uint64_t track_hash_keyed(uint64_t key, const uint8_t *bytes, uint32_t length);

/** Equality and a hash of text. */
bool track_is_same_text(const struct track_text *one, const struct track_text *other);
guint track_hash_text(guint seed, const struct track_text *text);

#endif
