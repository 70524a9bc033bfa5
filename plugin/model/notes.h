/* notes.h - keeps what was learnt about single packets, in the order of the capture.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture has millions of packets, so what is kept for one has to be small: the notes of all connections share one
 * list of large pieces, without an allocation, a key or a link of their own. They are added in the order of their places
 * and found again by binary search.
 *
 * A segment may hold hundreds of packets of two bytes, so that a hostile file could ask for far more memory than it is
 * long: beyond the user's limit there is room only in proportion to the frames.
 */
#ifndef MQTTSCOPE_MODEL_NOTES_H
#define MQTTSCOPE_MODEL_NOTES_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "facts.h"

/** The notes of a file. */
struct mqtt_notes;

/** Makes an empty list in `scope`, which owns all of it; `most` is the user's limit in bytes, 0 for none. */
struct mqtt_notes *mqtt_notes_new(wmem_allocator_t *scope, uint64_t most);

/** Adds an empty note; NULL where the limit is reached. Places have to come in the order of the capture, each once. The
 *  note stays where it is. */
struct mqtt_note *mqtt_notes_add(struct mqtt_notes *notes, struct mqtt_place place);

/** The same without heed to the limit: for the note that says that it is reached. */
struct mqtt_note *mqtt_notes_add_always(struct mqtt_notes *notes, struct mqtt_place place);

/** The note of a place; NULL where there is none. */
const struct mqtt_note *mqtt_notes_find(const struct mqtt_notes *notes, struct mqtt_place place);

/** Keeps how long a client had been silent before the packet at `place`, or that it is not known: MQTT_TIME_UNKNOWN. `note`
 *  is the packet's, where it has one and all else is in it. Places have to come in the order of the capture. False where
 *  the limit is reached: that is as MQTT_TIME_UNKNOWN. */
bool mqtt_notes_add_idle(struct mqtt_notes *notes, struct mqtt_place place, struct mqtt_note *note, int64_t idle_ns);

/** How long the client had been silent before its packet at `place`: what mqtt_notes_add_idle() was given with the same
 *  note. */
int64_t mqtt_notes_idle(const struct mqtt_notes *notes, struct mqtt_place place, const struct mqtt_note *note);

/** Keeps what was noticed at a packet; its place is in it. Places have to come in the order of the capture; a place may
 *  come several times. What it returns stays where it is; NULL where the limit is reached. */
const struct mqtt_observation *mqtt_notes_add_observation(struct mqtt_notes *notes,
                                                          const struct mqtt_observation *observation);

/** What was noticed at the packet at `place`: fills `list` in the order of its making and returns how many there are, no
 *  more than MQTT_OBSERVATIONS_MAX. */
unsigned mqtt_notes_observations(const struct mqtt_notes *notes, struct mqtt_place place,
                                 const struct mqtt_observation **list);

#endif
