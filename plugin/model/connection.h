/* connection.h - what is known about one MQTT connection, and the facts that hold for one of its packets.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two kinds of knowledge are kept apart. Slow facts (the version in force) change a few times in a connection's life:
 * each change appends an immutable epoch, and a later visit finds the epoch that held at its packet. What concerns one
 * packet only (the topic behind its alias) is handed out as a note, which the caller keeps for that packet. So the first
 * pass, the second and random access give the same answer, and a packet with nothing to remember costs no memory.
 */
#ifndef MQTTSCOPE_MODEL_CONNECTION_H
#define MQTTSCOPE_MODEL_CONNECTION_H

#include <glib.h>
#include <wsutil/wmem/wmem.h>

#include "../wire/packet.h"

/** Where the version in force is known from, weakest first. */
enum mqtt_version_source {
    MQTT_VERSION_FROM_NOTHING,
    MQTT_VERSION_FROM_PREFERENCE,
    MQTT_VERSION_FROM_PACKETS, /**< inferred: the packets admit no other */
    MQTT_VERSION_FROM_CONNECT,
};

/** A control packet's place in the file. */
struct mqtt_place {
    uint32_t frame; /**< number of the frame that completes the packet, from 1 */
    uint32_t pdu;   /**< number of the packet within that frame, from 1 */
};

/** A Topic Name kept for the file's life. */
struct mqtt_topic {
    uint32_t length;
    uint8_t bytes[]; /**< followed by a null byte that does not count */
};

/** What was learnt about one packet and is needed whenever it is shown again. File scope. */
struct mqtt_note {
    const struct mqtt_topic *topic; /**< PUBLISH with a Topic Alias and no Topic Name: what the alias stands for; NULL
                                         where it was never set */
    uint32_t alias_set_in;          /**< the frame that set that alias; 0 where none did */
};

/** The slow facts of a connection from one packet on. File scope, never changed. */
struct mqtt_epoch {
    struct mqtt_place from;
    enum mqtt_version version; /**< MQTT_VERSION_UNKNOWN where nothing tells it */
    enum mqtt_version_source version_source;
};

/** What may be known while one packet is checked and shown. */
struct mqtt_facts {
    uint32_t connection; /**< number of the MQTT connection in the file, from 0 */
    struct mqtt_place place;
    enum mqtt_version version;
    enum mqtt_version_source version_source;
    const struct mqtt_note *note; /**< NULL where nothing was noted about this packet */
};

/** One MQTT connection; written by mqtt_track() alone. File scope. */
struct mqtt_connection;

/** Makes the record of a connection that was just met. `scope` is the file's pool and owns the record and all that is
 *  later put into it; `number` counts connections from 0; `preferred` is the user's version for connections that do not
 *  tell theirs, or MQTT_VERSION_UNKNOWN. */
struct mqtt_connection *mqtt_connection_new(wmem_allocator_t *scope, uint32_t number, enum mqtt_version preferred);

/** The version by which to read a packet at first. */
enum mqtt_version mqtt_connection_version(const struct mqtt_connection *connection);

/** Takes in one packet, first visit only, in the order of the capture, and says what is known with it. `sender` is 0 or
 *  1 for the two ends. `packet` was read by mqtt_connection_version() and is read again where it settles another. Returns
 *  the note for this packet, in file scope and the caller's to keep for later visits; NULL where there is nothing to
 *  note. */
struct mqtt_note *mqtt_track(struct mqtt_connection *connection, unsigned sender, struct mqtt_place place,
                             struct mqtt_packet *packet, struct mqtt_facts *facts);

/** The facts of a packet that was tracked before: the epoch that held at `place`, and the note kept for it. Reads
 *  nothing that a later packet can change. */
void mqtt_recall(const struct mqtt_connection *connection, struct mqtt_place place, const struct mqtt_note *note,
                 struct mqtt_facts *facts);

#endif
