/* inflight.h - which Packet Identifiers of a connection are in flight, and what each is used for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each end has Packet Identifiers of its own (MQTT 5.0 section 2.2.1): the Client's PUBLISH, SUBSCRIBE and UNSUBSCRIBE
 * share one space, the Server's PUBLISH have another. A table holds those of one end: an entry for each request that still
 * waits for its last response. An entry leaves when its transaction is complete.
 */
#ifndef MQTTSCOPE_MODEL_PROTOCOL_INFLIGHT_H
#define MQTTSCOPE_MODEL_PROTOCOL_INFLIGHT_H

#include "../facts/facts.h"
#include "../store/context.h"
#include "../store/id-table.h"

struct track_request_filters;

/** How far a transaction has come (MQTT 5.0 section 4.3). Legal steps: PUBLISHED (QoS 1) ends with PUBACK; PUBLISHED (QoS 2), RECEIVED with PUBREC,
 *  RELEASED with PUBREL, ends with PUBCOMP; REQUESTED ends with SUBACK or UNSUBACK. */
enum track_inflight_state {
    TRACK_INFLIGHT_REQUESTED, /**< SUBSCRIBE or UNSUBSCRIBE sent */
    TRACK_INFLIGHT_PUBLISHED, /**< PUBLISH sent */
    TRACK_INFLIGHT_RECEIVED,  /**< PUBREC came back */
    TRACK_INFLIGHT_RELEASED,  /**< PUBREL sent */
};

/** A packet that waits for its response. */
struct track_pending_packet {
    struct track_packet_record *record; /**< of the packet as last sent; NULL where none was kept */
    uint32_t first_frame;               /**< where it was sent first */
    uint32_t sent_to;                   /**< the sequence number after it there; 0: the transport does not count */
    int64_t sent_ns;                    /**< when it was last sent */
};

/** A transaction in flight. Owned by its table. */
struct track_inflight_entry {
    struct track_id_entry by_id; /**< its Packet Identifier */
    uint8_t qos;                 /**< PUBLISH only */
    uint8_t type;                /**< enum mqtt_packet_type of the request */
    uint8_t state;               /**< enum track_inflight_state */
    bool is_inherited;           /**< begun on an earlier connection of the session, and not re-sent on this one */
    bool
        may_be_over; /**< a response came late, on the connection that it was inherited from: it may have had its last one */
    uint32_t content_hash;                 /**< tells a re-sent packet from a new one under the same identifier */
    uint32_t subscription_id;              /**< the only one of a PUBLISH as last sent; 0: none, or several */
    uint32_t topic;                        /**< of a PUBLISH: its number in store/topic-numbers.h; 0: not known */
    int64_t begun_ns;                      /**< when the first PUBLISH was sent */
    struct track_exchange_message message; /**< journey.c: of a PUBLISH */
    struct track_pending_packet waiting;   /**< the packet that the next response is for */
    struct track_request_filters *filters; /**< protocol/subscriptions.c: what a SUBSCRIBE or UNSUBSCRIBE requests */
};

/** The transactions that one end began. Each connection has two tables, so they are kept small. Written by inflight.c. */
struct track_inflight {
    struct track_id_table entries; /**< struct track_inflight_entry */
    uint16_t publishes; /**< PUBLISHes among them, but for inherited ones: each connection has a send quota of
                                        its own (section 4.9) */
    uint16_t most;      /**< how many are followed at once; further ones are not followed */
    bool is_incomplete; /**< some are not followed: a response that fits none may be for one of them */
};

/** Makes an empty table that follows at most `most` transactions at once (and no more than there are
 *  identifiers). */
void track_inflight_begin(struct track_inflight *inflight, uint32_t most);

/** The transaction of a Packet Identifier; NULL where none is in flight. */
struct track_inflight_entry *track_inflight_find(const struct track_inflight *inflight, uint16_t packet_id);

/** Begins a transaction; the identifier must not be in flight. NULL where the table is full, or the memory limit reached: then
 *  the table is incomplete. */
struct track_inflight_entry *track_inflight_open(struct track_file_memory *memory, struct track_inflight *inflight,
                                                 uint16_t packet_id, enum mqtt_packet_type type, unsigned qos);

/** Ends a transaction and frees it. */
void track_inflight_close(struct track_file_memory *memory, struct track_inflight *inflight,
                          struct track_inflight_entry *entry);

/** True where no further transaction is followed. */
static inline bool track_inflight_is_full(const struct track_inflight *inflight)
{
    return inflight->entries.count >= inflight->most;
}

/** All transactions in flight, as pointers; the array is the caller's to destroy. */
wmem_array_t *track_inflight_entries(const struct track_inflight *inflight);

/** Sets whether a transaction was begun on an earlier connection; one whose PUBLISH is re-sent is this connection's. */
void track_inflight_set_inherited(struct track_inflight *inflight, struct track_inflight_entry *entry,
                                  bool is_inherited);

/** Ends all transactions; only those that were inherited, if `only_inherited`. */
void track_inflight_clear(struct track_file_memory *memory, struct track_inflight *inflight, bool only_inherited);

/** Moves all PUBLISH transactions of `from` into `to` as inherited ones, and ends the others (a SUBSCRIBE does not outlive
 *  its connection). What `to` has under the same identifier stays. False where there were too many: then they are
 *  not followed any more. */
bool track_inflight_inherit(struct track_file_memory *memory, struct track_inflight *to, struct track_inflight *from);

/** Another PUBLISH in flight, begun on an earlier connection, of the same content; NULL where there is none, or there
 *  are too many to search. */
const struct track_inflight_entry *track_inflight_find_twin(const struct track_inflight *inflight,
                                                            const struct track_inflight_entry *entry);

/** The oldest PUBLISH in flight whose latest packet was sent before a frame; NULL where there is none. */
const struct track_inflight_entry *track_inflight_find_older(const struct track_inflight *inflight, uint32_t frame);

#endif
