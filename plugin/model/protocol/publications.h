/* publications.h - the application messages of a capture, found by topic and payload.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A capture may have millions of messages and each stays known, so what is kept of one is 40 bytes, and a few more for the
 * table by contents. Indexes count from 0, and what holds one plus 1 says so: 0 is none there.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_PUBLICATIONS_H
#define MQTTSCOPE_MODEL_PROTOCOL_PUBLICATIONS_H

#include "../store/context.h"
#include "../store/pieces.h"

/** What is remarkable of a publication, as bits. */
enum track_publication_flag {
    TRACK_PUBLICATION_QOS = 0x03,
    TRACK_PUBLICATION_RETAIN = 0x04,
    TRACK_PUBLICATION_WILL = 0x08,      /**< it is the Will of a CONNECT */
    TRACK_PUBLICATION_REMOVED = 0x10,   /**< a Will that a DISCONNECT took away */
    TRACK_PUBLICATION_CONTINUES = 0x20, /**< it is an earlier one once more: `begun_or_origin` is its index */
    TRACK_PUBLICATION_SAMPLED = 0x40,   /**< of its payload only parts were compared */
    TRACK_PUBLICATION_BRIDGED = 0x100,  /**< it continues a journey that began at another broker */
    TRACK_PUBLICATION_SAME = 0x80,      /**< all before it of this content have its source and its QoS */
};

#define TRACK_BEGUN_UNKNOWN UINT32_MAX

/** A message that a Client hands to the Server. */
struct track_publication {
    uint32_t frame;
    uint16_t pdu;
    uint16_t flags;         /**< enum track_publication_flag */
    uint64_t content;       /**< hash of topic and payload */
    int64_t ns;             /**< when it was complete */
    uint32_t source;        /**< index of where it came from */
    uint32_t previous;      /**< index + 1 of the one before with this content */
    uint32_t last_delivery; /**< index + 1 of its latest delivery; journey.c */
    uint32_t
        begun_or_origin; /**< ns from its first byte until it was complete, or TRACK_BEGUN_UNKNOWN; see CONTINUES */
};

/** Where publications come from. File scope. */
struct track_publication_source {
    const struct track_connection *connection;
    const struct track_text *client_id; /**< as known then; NULL: none */
    unsigned end;                       /**< the end of the connection that published */
};

/** All publications of a capture. Written by publications.c. */
struct track_publications {
    struct track_file_memory *memory;
    struct track_pieces list;
    struct track_pieces sources;
    uint32_t *latest;        /**< by content: index + 1 of the latest, and a tag; a table with open addressing */
    uint32_t mask;           /**< slots of the table, less one; 0: there is none yet */
    uint32_t numbers;        /**< the bits of a slot that are an index + 1; the others are those of the content */
    uint32_t contents;       /**< slots in use */
    wmem_array_t *continued; /**< the indexes of those with CONTINUES, in their order */
};

/** Begins with none. */
void track_publications_begin(struct track_publications *publications, struct track_file_memory *memory);

/** Adds the packet being tracked; the caller fills in what is its own. NULL where the memory limit is reached. */
struct track_publication *track_publications_add(struct track_publications *publications, struct track_pdu_ref pdu,
                                                 uint64_t content, uint32_t source, uint16_t flags);

/** The publication of an index. */
struct track_publication *track_publication_at(const struct track_publications *publications, uint32_t index);

/** The source of a publication. */
const struct track_publication_source *track_publication_source_of(const struct track_publications *publications,
                                                                   const struct track_publication *publication);

/** Adds a source; its index + 1, or 0 where the memory limit is reached. */
uint32_t track_publications_add_source(struct track_publications *publications,
                                       const struct track_publication_source *source);

/** Makes the latest publication the continuation of the one at `origin`: it is that message once more, or, with BRIDGED in
 *  `how`, at another broker. */
void track_publications_continue(struct track_publications *publications, uint32_t origin, uint16_t how);

/** Index + 1 of the latest publication of a content; 0 where there is none. */
uint32_t track_publications_latest(const struct track_publications *publications, uint64_t content);

/** The index of the message's first publication at its broker. */
uint32_t track_publication_origin(const struct track_publications *publications, uint32_t index);

/** The number of the message, from 1. */
uint32_t track_publication_number(const struct track_publications *publications, uint32_t index);

/** Index + 1 of a packet's publication; 0 where it has none. */
uint32_t track_publications_find(const struct track_publications *publications, struct track_pdu_ref pdu);

/** A packet as a key by which lists are ordered. */
static inline uint64_t track_journey_key(uint32_t frame, uint32_t pdu)
{
    return (uint64_t)frame << 16 | pdu;
}

#endif
