/* delivery_row.h - a row of the table of deliveries: what one subscriber got of one topic.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_DELIVERY_ROW_H
#define MQTTSCOPE_TAP_DELIVERY_ROW_H

#include "histogram.h"
#include "record.h"

enum { DELIVERY_ROWS_MOST = 2000, DELIVERY_RECENT = 16 };

/** A row. Owned by the book that it is in. */
struct delivery_row {
    char *topic;      /**< printable and short */
    char *subscriber; /**< likewise */
    uint64_t published;
    uint64_t delivered;
    uint64_t twice;
    uint64_t disordered;
    uint64_t certain;
    struct histogram *broker;     /**< NULL while there are no times */
    struct histogram *end_to_end; /**< likewise */
    bool is_open;                 /**< the subscriber is connected: what is published to the topic is for it */
    uint32_t counted_from;        /**< messages from this number on were counted in `published` when they came */
    uint32_t latest;              /**< the highest number delivered */
    const struct track_connection *latest_from; /**< and its publisher's connection; good while the file is open */
    uint32_t recent[DELIVERY_RECENT];           /**< the numbers delivered last */
    unsigned next_recent;
};

/** All rows of a capture. */
struct delivery_book {
    GPtrArray *rows;           /**< struct delivery_row, in the order of the table; the first is the total */
    GHashTable *by_names;      /**< "TOPIC\\nSUBSCRIBER" to a row */
    GHashTable *topics;        /**< a topic to a GPtrArray of its rows */
    GHashTable *waiting;       /**< connection and Packet Identifier of a QoS 1 or 2 delivery to its row */
    GHashTable *of_client;     /**< connection number to a GPtrArray of the rows that it opened */
    uint32_t latest;           /**< the highest message number that was published */
    uint64_t not_counted;      /**< deliveries for which there is no row any more */
    unsigned topic_characters; /**< longer topics are shortened */
    unsigned name_characters;  /**< likewise names */
};

/** Makes an empty book whose rows have topics and names of so many characters at most; frees one. */
struct delivery_book *delivery_book_new(unsigned topic_characters, unsigned name_characters);
void delivery_book_free(struct delivery_book *book);

/** Counts a packet. */
void delivery_book_count(struct delivery_book *book, const struct tap_record *record);

#endif
