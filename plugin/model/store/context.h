/* context.h - one packet on its way through track(): what each part is given and adds to.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STORE_CONTEXT_H
#define MQTTSCOPE_MODEL_STORE_CONTEXT_H

#include "../facts/facts.h"
#include "../facts/transport.h"
#include "capture.h"

struct track_connection;
struct track_connection_checks;
struct track_inflight_entry;
struct track_progress;

/** What is reported once a connection, and was. */
struct track_reports {
    uint64_t *anomalies;     /**< evidence/report-anomaly.c: kinds found, and undecided; NULL until one is reported */
    uint32_t events;         /**< evidence/report-event.c: likewise */
    bool is_version_unknown; /**< tracker.c: a record says that nothing tells the version */
    bool is_memory_limit;    /**< context.c: a record says that the memory limit is reached */
};

/** The message of a QoS 1 or 2 delivery. */
struct track_exchange_message {
    uint32_t publication; /**< index + 1; 0: not known */
    uint8_t kind;         /**< enum track_journey_kind */
    bool is_certain;      /**< exactly this one can be it */
    bool is_timed;        /**< and it is known when it was published */
};

/** The packet being tracked. */
struct track_context {
    struct track_capture *capture;
    struct track_connection *connection;
    struct track_connection_checks *checks; /**< of the connection; NULL where no rules are wanted */
    struct track_progress *progress;        /**< of the connection */
    struct track_reports *reports;          /**< of the connection */
    unsigned sender;
    struct track_pdu_ref pdu;
    int64_t now_ns;
    int64_t begun_ns; /**< when the packet's first byte came; TRACK_TIME_UNKNOWN where that is not known */
    const struct track_arrival *arrival;
    const struct mqtt_packet *packet;
    struct track_snapshot snapshot;     /**< in the making; appended if it differs from the latest */
    struct track_packet_record *record; /**< NULL until there is something to keep */
    struct track_facts *facts;          /**< in the making; only the anomalies are good yet */
    struct track_connection *joined;    /**< protocol/session.c: the Client's connection before, whose session it takes
                                             up with this packet; NULL where it takes none up */
    struct track_connection
        *ended; /**< protocol/session-state.c: the Client's connection before, if it has ended and its
                                             session ends with this packet; else NULL */
    const uint8_t
        *topic; /**< protocol/message.c: a PUBLISH's, where `has_topic`, aliases resolved; NULL where it is not
                               known, or is no topic */
    uint32_t topic_length;
    bool has_topic;
    uint32_t topic_hash; /**< protocol/message.c: of that topic, where `has_topic_hash` */
    bool has_topic_hash;
    uint32_t content_hash; /**< protocol/message.c: of a PUBLISH's topic and payload, where `has_content` */
    bool has_content;
    uint64_t payload_hash; /**< protocol/message.c: of a PUBLISH's or a Will's payload, where `has_payload` */
    bool has_payload;
    struct track_inflight_entry *exchange; /**< protocol/transactions.c: that a PUBLISH is part of; NULL: none */
    bool is_resent;                        /**< protocol/transactions.c: it was sent in that before */
    struct track_exchange_message message; /**< protocol/transactions.c: what the packet re-sends or acknowledges */
};

/** The record of the packet; made on first use. Where the limit allows none it is good only while the packet is tracked. */
struct track_packet_record *track_record_of(struct track_context *tracking);

/** The same to be pointed to later; NULL where the limit allows none. */
struct track_packet_record *track_kept_record_of(struct track_context *tracking);

/** Zeroed memory for the file's life; NULL where the memory limit is reached, and that is recorded. */
void *track_alloc(struct track_context *tracking, size_t size);

/** The same for what is never given back (store/file-memory.h). */
void *track_keep(struct track_context *tracking, size_t size);

/** Records, once for each connection, that the packet says something that could not be kept. */
void track_report_memory_limit(struct track_context *tracking);

/** The packet comes from the Client, or from the Server; both are false while it is not known which end is which. */
static inline bool track_is_from_client(const struct track_context *tracking)
{
    return tracking->snapshot.broker == 1 - tracking->sender;
}
static inline bool track_is_from_server(const struct track_context *tracking)
{
    return tracking->snapshot.broker == tracking->sender;
}

/** What is missing of all that the connection's ends sent, from the CONNECT on. */
static inline enum track_lack track_history_lack(const struct track_context *tracking)
{
    return !tracking->snapshot.connect_seen ? TRACK_LACK_CONNECT
           : tracking->snapshot.has_gap     ? TRACK_LACK_BYTES
                                            : TRACK_LACK_NOTHING;
}

/** Everything that the connection's ends sent was captured, from the CONNECT on. */
static inline bool track_has_history(const struct track_context *tracking)
{
    return tracking->snapshot.connect_seen && !tracking->snapshot.has_gap;
}

#endif
