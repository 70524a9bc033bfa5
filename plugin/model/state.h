/* state.h - the model's own records; for the files that make up track() alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STATE_H
#define MQTTSCOPE_MODEL_STATE_H

#include "protocol/inflight.h"
#include "store/packet-records.h"
#include "tracker.h"

struct track_subscription_history;
struct track_request_filters;
struct track_broker_history;
struct track_will;
struct track_wills;

/** What outlives a connection for one Client Identifier at one broker (MQTT 5.0 section 4.1). File scope. */
struct track_session {
    const struct track_endpoint *broker; /**< as a connection has it */
    const struct track_text *client_id;
    struct track_connection *last;            /**< the connection that used it last */
    struct track_subscription *subscriptions; /**< a list; the capture's map finds one by its filter */
    uint32_t hash;                            /**< of the two that it is found by */
};

struct track_capture {
    wmem_allocator_t *scope;
    struct track_options options;
    uint64_t memory;   /**< bytes that track_file_alloc() has handed out */
    wmem_map_t *texts; /**< kept text to itself: each is kept once */
    struct track_packet_records *records;
    struct track_packet_record unkept; /**< of the packet being tracked, where the limit allows it no record */
    wmem_map_t *sessions;              /**< struct track_session to itself */
    wmem_map_t *subscriptions;         /**< struct track_subscription, by session and filter, to itself */
    uint32_t connections;
    wmem_map_t
        *missing_connects;       /**< struct track_missing_connect, by its broker, to itself; NULL until there is one */
    uint32_t missing_connect_in; /**< as in those, of one for which there was no memory */
    struct track_broker_history *
        *brokers; /**< what was published lately, at each of the first brokers; NULL until something was */
    uint32_t broker_count;
    struct track_wills *wills;                     /**< NULL until a CONNECT has a Will */
    const struct track_connect_info *connect_info; /**< the latest new one: most Clients say the same */
};

/** Where a Topic Alias points (section 3.3.2.3.4). */
struct track_alias {
    uint32_t number;
    uint32_t room;                  /**< bytes that `latest` has room for */
    struct track_text *latest;      /**< the topic; overwritten when the alias is set anew */
    const struct track_text *topic; /**< the same, kept; NULL until the alias is used */
    uint32_t set_in;
    uint32_t life; /**< which of the direction's lives it was set in */
};

/** The Topic Aliases of one end. Made for the first one. File scope. */
struct track_aliases {
    wmem_map_t *by_number; /**< to struct track_alias; NULL until there is one */
    uint32_t life;         /**< aliases of earlier lives are not set any more: a CONNECT begins a new one */
    bool is_incomplete;    /**< there was no memory for some */
};

/** A request without a Packet Identifier that waits for its answer: CONNECT, PINGREQ or AUTH. */
struct track_pending_request {
    struct track_pending_request *next;
    enum mqtt_packet_type type;
    struct track_pending_packet waiting;
};

/** What belongs to the packets of one end. The two ends' identifiers and aliases are separate spaces. */
struct track_end {
    struct track_inflight inflight;
    struct track_aliases *aliases;          /**< NULL until one is set or used */
    struct track_alias *last_alias;         /**< what was asked for last, and mostly is next; NULL until one is set */
    struct track_pending_request *requests; /**< a list: of each type the latest that is not yet answered */
    uint32_t seen_to; /**< the sequence number behind this end's latest packet; good where `has_seen_to` */
    bool has_seen_to;
    bool acks_unseen; /**< its latest packet acknowledges bytes that were not captured, or not yet */
};

/** Where a packet stands in its sender's bytes; tells whether the other end had it when it sent something. */
struct track_stream_position {
    uint32_t frame;   /**< 0: there is no such packet */
    uint32_t sent_to; /**< 0: the transport does not count */
    int64_t ns;
};

/** The first packet that is malformed, after which a connection should end. Made when there is one. File scope. */
struct track_malformed_packet {
    struct track_stream_position mark;
    uint8_t sender;
    bool has_bad_flags; /**< it is malformed by its flags */
};

/** What is remembered of the order in which a connection's packets came; used only where rules are wanted. */
struct track_connection_order {
    struct track_malformed_packet *bad;                 /**< NULL until there is one */
    struct track_stream_position first_disconnect;      /**< the first DISCONNECT that could be read */
    uint64_t reported[(TRACK_ANOMALY_KINDS + 63) / 64]; /**< a bit for each kind that is reported once a connection */
    uint32_t connect_got_to;                            /**< what the Client had received when it sent its CONNECT */
    bool has_sent[2];                                   /**< the end has sent a packet */
    bool has_disconnected[2];                           /**< the end has sent a DISCONNECT */
    bool is_disconnect_error[2];
    uint8_t first_disconnect_by;
    uint8_t unknown_level; /**< the protocol level of the CONNECT if no specification has it, else 0 */
    bool has_connect_got_to : 1;
    bool has_connack : 1;         /**< a CONNACK was met, be it readable or not */
    bool connects_again : 1;      /**< a second CONNECT was met */
    bool is_connect_bad : 1;      /**< the CONNECT cannot be read */
    bool server_asked : 1;        /**< the Server's AUTH 0x18 waits for the Client's answer */
    bool is_reauthenticating : 1; /**< the Client's AUTH 0x19 waits for the Server's word */
};

/* What each packet asks for stands together; there may be 100,000 connections, so none of it is idle room. */
struct track_connection {
    struct track_capture *capture;
    struct track_snapshot latest;   /**< what is known by now */
    struct track_snapshot *earlier; /**< what was known before, in the order of their places */
    uint32_t earlier_count;
    uint32_t number;
    int64_t last_client_ns; /**< when the client's latest packet was sent; TRACK_TIME_UNKNOWN before the first */
    bool has_packets;       /**< the first packet was tracked */
    bool may_lose;          /**< packets may go by unseen */
    bool is_watched;        /**< rules are wanted and the CONNECT was captured: exchanges can be called wrong */
    bool is_unsure;         /**< but one went by unseen: nothing can be called wrong in them any more */
    bool clean_start;       /**< what the CONNECT said */
    bool connack_seen;      /**< the three that follow are good */
    bool session_present;   /**< what the first CONNACK said */
    uint8_t connack_code;
    uint32_t user_hash;                   /**< of the User Name; 0: none */
    struct track_stream_position connack; /**< the first CONNACK */
    struct track_packet_id_state
        *packet_ids; /**< what the observers of exchanges remember; NULL while there is nothing */
    struct track_subscription_history
        *history; /**< what the Client asked for; NULL until it asked, or while nothing is observed */
    struct track_end ends[2];
    struct track_connection_order order;
    struct track_transport transport;
    struct track_session *session;     /**< NULL while unknown */
    struct track_connection *previous; /**< the one that used the session before; NULL where none did */
    struct track_will *will;           /**< the latest that it had; its place may have been taken */
    int64_t disconnected_ns;           /**< when the first DISCONNECT was sent */
    uint32_t expiry_s; /**< how long the session outlives it, where `is_expiry_known`; UINT32_MAX: for ever */
    bool takes_over;   /**< `previous` was alive then */
    bool taken_over;
    bool goes_on; /**< it was said that it goes on though taken over */
    bool disconnected;
    uint8_t disconnected_by;
    uint8_t disconnect_reason;
    bool is_expiry_known;
    bool is_reviewed;            /**< it was told what went unanswered on it */
    bool is_memory_reported;     /**< a record says that the memory is used up */
    bool is_connect_missing;     /**< it is not known what its CONNECT said */
    bool has_checked_resends[2]; /**< each end: what it had to send again was looked for */
};

/** One packet on its way through track(). */
struct track_context {
    struct track_connection *connection;
    unsigned sender;
    struct track_pdu_ref pdu;
    int64_t now_ns;
    const struct track_arrival *arrival;
    const struct mqtt_packet *packet;
    struct track_snapshot snapshot;     /**< the snapshot in the making; appended if it differs from the latest */
    struct track_packet_record *record; /**< NULL until somebody has something to record */
    uint32_t content;                   /**< a hash of a PUBLISH's topic and payload, where `has_content` */
    bool has_content;
    struct track_facts *facts; /**< the facts in the making; only the anomalies are good yet */
};

/** Whether the sender of a packet had got an earlier one of the other end by then. */
enum track_receipt {
    TRACK_RECEIVED,
    TRACK_NOT_RECEIVED,
    TRACK_MAYBE_RECEIVED, /**< the transport does not tell, and they came close together */
};

/** The record of the packet; made on first use. Where the limit allows none it is good only while the packet is tracked. */
struct track_packet_record *track_record_of(struct track_context *tracking);

/** The same to be pointed to later; NULL where the limit allows none. */
struct track_packet_record *track_kept_record_of(struct track_context *tracking);

/** About what a map takes for one entry: to be counted with what is kept in one. */
enum { TRACK_MAP_ENTRY_SIZE = 32 };

/** Zeroed memory for the file's life; NULL where the user's limit is reached. */
void *track_file_alloc(struct track_capture *capture, size_t size);

/** Gives memory of track_file_alloc() back. */
void track_file_free(struct track_capture *capture, void *memory, size_t size);

/** Text of the packet; the caller's, to be given to wmem_free() with a NULL allocator. */
struct track_text *track_copy_span(const struct mqtt_packet *packet, struct mqtt_span span);

/** Keeps text of the packet for the file's life, the same text once; NULL where there is no memory for it. */
const struct track_text *track_intern_span(struct track_capture *capture, const struct mqtt_packet *packet,
                                           struct mqtt_span span);

/** Keeps a copy of some text. */
const struct track_text *track_intern_text(struct track_capture *capture, const struct track_text *text);

/** Records, once for each connection, that the packet says something that could not be kept. */
void track_report_memory_limit(struct track_context *tracking);

/** True where a span of the packet is all there. */
static inline bool track_has_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    return span.at != 0 && span.at + span.length <= packet->captured && span.at + span.length <= packet->read_to;
}

/** True where the packet was read at least to the end of its properties: what it may say in one and does not, it leaves to
 *  the default. */
static inline bool track_has_all_properties(const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    bool is_whole = properties->length_at.at != 0 && properties->block.length == properties->announced;

    return packet->fault.kind == MQTT_FAULT_NONE || (is_whole && track_has_span(packet, properties->block));
}

/** Marks the packet being tracked. */
struct track_stream_position track_stream_position_of(const struct track_context *tracking);

/** Whether the sender of the packet being tracked had got the other end's packet at `mark` when it sent this one. */
enum track_receipt track_sender_had_received(const struct track_context *tracking,
                                             const struct track_stream_position *mark);

/** Keeps something noticed at the packet being tracked: `kind`, `doubt`, `at`, `frame`, `value` and `other` are the
 *  caller's; the place is filled in. Nothing is kept where the user wants no rules. */
void track_report_anomaly(struct track_context *tracking, struct track_anomaly anomaly);

/** How the connection's transport stands now. */
struct track_transport_state track_transport_state_of(const struct track_connection *connection);

/** Weighs what the packet says about who is the broker, and what the client has become. */
void track_update_roles(struct track_context *tracking);

/** Takes in CONNECT, CONNACK and DISCONNECT: identity, limits, the session taken up or begun. */
void track_update_session(struct track_context *tracking);

/** Keeps what a CONNECT says, if it is the connection's first. */
void track_update_connect_info(struct track_context *tracking);

/** Notices what is out of order in the life of a connection: before the packet changes anything. */
void track_check_order(struct track_context *tracking);

/** What is known of a connection by now. */
static inline const struct track_snapshot *track_latest_snapshot(const struct track_connection *connection)
{
    return &connection->latest;
}

/** Takes record of a connection, once, where what its CONNECT says is not known: it was not captured, or not whole. */
void track_missing_connect_add(struct track_connection *connection, const struct track_snapshot *snapshot,
                               struct track_pdu_ref pdu);

/** The frame in which the latest such connection to a broker was met; 0 where there was none. It may be of any Client, and
 *  have changed its session. */
uint32_t track_missing_connect_frame(const struct track_capture *capture, const struct track_endpoint *broker);

/** How far both ends' bytes were read, the sum of their sequence numbers: a transport's state does not say which end is which. */
static inline uint32_t track_seen_to(const struct track_connection *connection)
{
    return connection->ends[0].seen_to + connection->ends[1].seen_to;
}

/** The sender of the packet being tracked had received more of the other end than was captured by then: that is missing
 *  from the capture, or on its way into it. */
bool track_sender_received_uncaptured(const struct track_context *tracking);

/** Keeps how far each end's bytes were read, and whether exchanges can be judged; after track_check_unanswered(). */
void track_update_packet_id_state(struct track_context *tracking);

/** Notices what does not fit in the exchanges of the connection: before the packet changes anything in them. */
void track_check_packet_ids(struct track_context *tracking);

/** Notices at a CONNECT what was never answered on the Client's connection before, `old`, which has ended, or on this same
 *  one: before its exchanges are handed on. */
void track_check_unanswered(struct track_context *tracking, struct track_connection *old);

/** True where the last packets of a connection may not have been captured: its transport counts more bytes than were read,
 *  or does not count. */
bool track_lacks_end(const struct track_connection *connection);

/** Notices Topic Aliases that were never set, and what the other end makes of them; after track_update_aliases(). */
void track_check_alias(struct track_context *tracking);

/** A hash of what a PUBLISH carries, its topic and the beginning of its payload, or of all that a request holds. */
uint32_t track_content_hash(const struct mqtt_packet *packet);

/** The only Subscription Identifier of a packet; 0 where it has none, or several. */
uint32_t track_subscription_id_of(const struct mqtt_packet *packet);

/** Its parts: who does not stop, the steps of enhanced authentication, silence and waiting. */
void track_check_after_disconnect(struct track_context *tracking);
void track_check_authentication(struct track_context *tracking);
void track_check_keep_alive(struct track_context *tracking);

/** Notices something about order or time that is worth telling once a connection. */
void track_report_anomaly_once(struct track_context *tracking, struct track_anomaly anomaly);

/** Everything that the connection's ends sent was captured, from the CONNECT on. */
static inline bool track_has_history(const struct track_context *tracking)
{
    return tracking->snapshot.connect_seen && !tracking->snapshot.has_gap;
}

/** The packet comes from the Client, or from the Server. */
static inline bool track_is_from_client(const struct track_context *tracking)
{
    return tracking->snapshot.broker == 1 - tracking->sender;
}
static inline bool track_is_from_server(const struct track_context *tracking)
{
    return tracking->snapshot.broker == tracking->sender;
}

/** A Server may deny a session that it kept, with the messages and subscriptions in it: of the connection before, or of
 *  one that was not captured. */
static inline bool track_may_keep_session(const struct track_context *tracking)
{
    return !tracking->connection->clean_start;
}

/** The latest CONNECT, PINGREQ or AUTH of an end that waits for its answer; NULL where none does. */
const struct track_pending_packet *track_find_pending_request(struct track_end *end, enum mqtt_packet_type type);

/** Follows the exchanges that the packet begins, continues or completes. */
void track_update_transactions(struct track_context *tracking);

/** Follows the Topic Aliases of the sender. */
void track_update_aliases(struct track_context *tracking);

/** Keeps the filters of a SUBSCRIBE or UNSUBSCRIBE with its exchange, and puts them in force when it is answered. */
void track_request_filters_keep(struct track_context *tracking, struct track_inflight_entry *entry);
void track_request_filters_apply(struct track_context *tracking, const struct track_inflight_entry *entry);

/** Enters in the connection's history a request's filters, the same request sent again, one that another took the identifier
 *  of, and the answer; notices what is wrong with the answer. `kept` is what the request keeps. */
void track_subscription_history_request(struct track_context *tracking, const struct track_request_filters *kept);
void track_subscription_history_request_again(struct track_context *tracking, struct track_inflight_entry *entry);
void track_subscription_history_request_lost(struct track_context *tracking);
void track_subscription_history_response(struct track_context *tracking, struct track_request_filters *kept);

/** A SUBACK or UNSUBACK whose identifier no request has: notices where the request had its answer before. */
void track_subscription_history_stray_response(struct track_context *tracking);

/** The SUBACK or UNSUBACK repeats one that answered a request: it is told of as that, and not as an answer to nothing. */
bool track_subscription_history_had_response(struct track_context *tracking);

/** Holds the connection against the one that its Client had before. */
void track_check_resumption(struct track_context *tracking);

/** Follows what becomes of the connection's Will. */
void track_update_will(struct track_context *tracking);

/** Holds a PUBLISH of the Server against what the Client asked for. */
void track_check_delivery(struct track_context *tracking);

/** Makes the maps by which subscriptions are found. */
void track_subscriptions_begin(struct track_capture *capture);

/** Ends all subscriptions of a session. */
void track_subscriptions_clear(struct track_capture *capture, struct track_session *session);

/** Equality and a hash of endpoints. */
bool track_is_same_endpoint(const struct track_endpoint *one, const struct track_endpoint *other);
guint track_hash_endpoint(const struct track_endpoint *endpoint);

/** A hash of bytes, to know them again by; who makes them up on purpose can have two alike. */
uint32_t track_hash_bytes(const uint8_t *bytes, uint32_t length);

/** Equality and a hash of kept text. */
bool track_is_same_text(const struct track_text *one, const struct track_text *other);
guint track_hash_text(guint seed, const struct track_text *text);
guint track_hash_of_text(gconstpointer text);
gboolean track_is_equal_text(gconstpointer one, gconstpointer other);

#endif
