/* delivery_row.h - a row of the table of deliveries: what one subscriber got of one topic.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_DELIVERY_ROW_H
#define MQTTSCOPE_TAP_DELIVERY_ROW_H

#include "histogram.h"
#include "record.h"
#include "subscriptions.h"

enum { DELIVERY_ROWS_MOST = 2000, DELIVERY_RECENT = 16 };

/** A message that was published for a row and has not been delivered yet. */
struct delivery_due {
    uint64_t content; /**< hash of topic and payload */
    uint32_t message; /**< its number */
    uint32_t frame;   /**< where it was published */
    const char *publisher;
    uint8_t qos; /**< of the delivery that is due */
};

/** A row. Owned by the book that it is in. */
struct delivery_row {
    char *topic;      /**< printable and short */
    char *subscriber; /**< likewise */
    uint64_t published;
    uint64_t delivered;
    uint64_t twice;
    uint64_t disordered;
    uint64_t certain;
    struct histogram *broker;                   /**< NULL while there are no times */
    struct histogram *end_to_end;               /**< likewise */
    GArray *due;                                /**< struct delivery_due, the latest of them, as they were published */
    uint32_t dropped_to;                        /**< frame up to which some are not in it any more */
    uint32_t counted;                           /**< number of the message that was counted last in `published` */
    bool is_open;                               /**< a delivery opened it, since the subscription is not known */
    uint32_t latest;                            /**< the highest number delivered */
    const struct track_connection *latest_from; /**< and its publisher's connection; good while the file is open */
    uint32_t recent[DELIVERY_RECENT];           /**< the numbers delivered last */
    unsigned next_recent;
};

/** All rows of a capture. */
struct delivery_book {
    GPtrArray *rows;      /**< struct delivery_row, in the order of the table; the first is the total */
    GHashTable *by_names; /**< topic and subscriber to a row */
    GStringChunk *names;  /**< these */
    GHashTable *topics;  /**< a topic, and behind it the broker's number as a character, to whom its messages are for */
    GHashTable *waiting; /**< connection and Packet Identifier of a QoS 1 or 2 delivery to its row */
    GHashTable *of_client;  /**< connection number to a GPtrArray of the rows that its deliveries opened */
    GHashTable *publishers; /**< the names of publishers, to them shortened */
    struct tap_subscriptions *subscriptions;
    GString *key;              /**< for lookups, so that none is allocated */
    uint64_t not_counted;      /**< deliveries for which there is no row any more */
    uint64_t left_out;         /**< publications of topics, and subscriptions, that are too many to count by */
    unsigned topic_characters; /**< longer topics are shortened */
    unsigned name_characters;  /**< likewise names */
};

/** Makes an empty book whose rows have topics and names of so many characters at most; frees one. */
struct delivery_book *delivery_book_new(unsigned topic_characters, unsigned name_characters);
void delivery_book_free(struct delivery_book *book);

/** Counts a packet. */
void delivery_book_count(struct delivery_book *book, const struct tap_record *record);

/** Messages that were published for a row and not delivered. */
static inline uint64_t delivery_row_missing(const struct delivery_row *row)
{
    return row->published > row->delivered ? row->published - row->delivered : 0;
}

#endif
