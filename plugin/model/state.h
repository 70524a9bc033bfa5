/* state.h - the model's own records; for the files that make up mqtt_track() alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STATE_H
#define MQTTSCOPE_MODEL_STATE_H

#include "connection.h"
#include "ledger.h"
#include "notes.h"

struct mqtt_book;
struct mqtt_kept_filters;
struct mqtt_traffic;
struct mqtt_will;
struct mqtt_wills;

/** What outlives a connection for one Client Identifier at one broker (MQTT 5.0 section 4.1). File scope. */
struct mqtt_session {
    const struct mqtt_endpoint *broker; /**< as a connection has it */
    const struct mqtt_text *client_id;
    struct mqtt_connection *last;            /**< the connection that used it last */
    struct mqtt_subscription *subscriptions; /**< a list; the world's map finds one by its filter */
    uint32_t hash;                           /**< of the two that it is found by */
};

struct mqtt_world {
    wmem_allocator_t *scope;
    struct mqtt_tracking_options options;
    uint64_t memory;   /**< bytes that mqtt_keep() has handed out */
    wmem_map_t *texts; /**< kept text to itself: each is kept once */
    struct mqtt_notes *notes;
    struct mqtt_note unkept;   /**< of the packet being tracked, where the limit allows it no note */
    wmem_map_t *sessions;      /**< struct mqtt_session to itself */
    wmem_map_t *subscriptions; /**< struct mqtt_subscription, by session and filter, to itself */
    uint32_t connections;
    wmem_map_t *strangers; /**< struct mqtt_stranger, by its broker, to itself; NULL until there is one */
    uint32_t stranger_in;  /**< as in those, of one for which there was no memory */
    struct mqtt_traffic *
        *brokers; /**< what was published lately, at each of the first brokers; NULL until something was */
    uint32_t broker_count;
    struct mqtt_wills *wills;             /**< NULL until a CONNECT has a Will */
    const struct mqtt_greeting *greeting; /**< the latest new one: most Clients say the same */
};

/** Where a Topic Alias points (section 3.3.2.3.4). */
struct mqtt_alias {
    uint32_t number;
    uint32_t room;                 /**< bytes that `latest` has room for */
    struct mqtt_text *latest;      /**< the topic; overwritten when the alias is set anew */
    const struct mqtt_text *topic; /**< the same, kept; NULL until the alias is used */
    uint32_t set_in;
    uint32_t life; /**< which of the direction's lives it was set in */
};

/** The Topic Aliases of one end. Made for the first one. File scope. */
struct mqtt_aliases {
    wmem_map_t *by_number; /**< to struct mqtt_alias; NULL until there is one */
    uint32_t life;         /**< aliases of earlier lives are not set any more: a CONNECT begins a new one */
    bool is_incomplete;    /**< there was no memory for some */
};

/** A request without a Packet Identifier that waits for its answer: CONNECT, PINGREQ or AUTH. */
struct mqtt_request {
    struct mqtt_request *next;
    enum mqtt_packet_type type;
    struct mqtt_step waiting;
};

/** What belongs to the packets of one end. The two ends' identifiers and aliases are separate spaces. */
struct mqtt_end {
    struct mqtt_ledger ledger;
    struct mqtt_aliases *aliases;  /**< NULL until one is set or used */
    struct mqtt_alias *last_alias; /**< what was asked for last, and mostly is next; NULL until one is set */
    struct mqtt_request *requests; /**< a list: of each type the latest that is not yet answered */
    uint32_t seen_to;              /**< the sequence number behind this end's latest packet; good where `has_seen_to` */
    bool has_seen_to;
    bool acks_unseen; /**< its latest packet acknowledges bytes that were not captured, or not yet */
};

/** Where a packet stands in its sender's bytes; tells whether the other end had it when it sent something. */
struct mqtt_mark {
    uint32_t frame;   /**< 0: there is no such packet */
    uint32_t sent_to; /**< 0: the transport does not count */
    int64_t ns;
};

/** The first packet that is malformed, after which a connection should end. Made when there is one. File scope. */
struct mqtt_bad_packet {
    struct mqtt_mark mark;
    uint8_t sender;
    bool has_bad_flags; /**< it is malformed by its flags */
};

/** What is remembered of the order in which a connection's packets came; used only where rules are wanted. */
struct mqtt_conduct {
    struct mqtt_bad_packet *bad; /**< NULL until there is one */
    struct mqtt_mark goodbye;    /**< the first DISCONNECT that could be read */
    uint64_t told;               /**< bit for each kind of observation that is made once a connection and was made */
    uint32_t connect_got_to;     /**< what the Client had received when it sent its CONNECT */
    bool has_sent[2];            /**< the end has sent a packet */
    bool has_disconnected[2];    /**< the end has sent a DISCONNECT */
    bool is_disconnect_error[2];
    uint8_t goodbye_by;
    uint8_t unknown_level; /**< the protocol level of the CONNECT if no specification has it, else 0 */
    bool has_connect_got_to : 1;
    bool has_connack : 1;         /**< a CONNACK was met, be it readable or not */
    bool connects_again : 1;      /**< a second CONNECT was met */
    bool is_connect_bad : 1;      /**< the CONNECT cannot be read */
    bool server_asked : 1;        /**< the Server's AUTH 0x18 waits for the Client's answer */
    bool is_reauthenticating : 1; /**< the Client's AUTH 0x19 waits for the Server's word */
};

/* What each packet asks for stands together; there may be 100,000 connections, so none of it is idle room. */
struct mqtt_connection {
    struct mqtt_world *world;
    struct mqtt_epoch latest;   /**< what is known by now */
    struct mqtt_epoch *earlier; /**< what was known before, in the order of their places */
    uint32_t earlier_count;
    uint32_t number;
    int64_t last_client_ns; /**< when the client's latest packet was sent; MQTT_TIME_UNKNOWN before the first */
    bool has_packets;       /**< the first packet was tracked */
    bool may_lose;          /**< packets may go by unseen */
    bool is_watched;        /**< rules are wanted and the CONNECT was captured: exchanges can be called wrong */
    bool is_unsure;         /**< but one went by unseen: nothing can be called wrong in them any more */
    bool clean_start;       /**< what the CONNECT said */
    bool connack_seen;      /**< the three that follow are good */
    bool session_present;   /**< what the first CONNACK said */
    uint8_t connack_code;
    uint32_t user_hash;       /**< of the User Name; 0: none */
    struct mqtt_mark connack; /**< the first CONNACK */
    struct mqtt_watch *watch; /**< what the observers of exchanges remember; NULL while there is nothing */
    struct mqtt_book *book;   /**< what the Client asked for; NULL until it asked, or while nothing is observed */
    struct mqtt_end ends[2];
    struct mqtt_conduct order;
    struct mqtt_transport transport;
    struct mqtt_session *session;   /**< NULL while unknown */
    struct mqtt_connection *before; /**< the one that used the session before; NULL where none did */
    struct mqtt_will *will;         /**< the latest that it had; its place may have been taken */
    int64_t disconnected_ns;        /**< when the first DISCONNECT was sent */
    uint32_t expiry_s; /**< how long the session outlives it, where `is_expiry_known`; UINT32_MAX: for ever */
    bool takes_over;   /**< `before` was alive then */
    bool taken_over;
    bool goes_on; /**< it was said that it goes on though taken over */
    bool disconnected;
    uint8_t disconnected_by;
    uint8_t disconnect_reason;
    bool is_expiry_known;
    bool is_reviewed;    /**< it was told what went unanswered on it */
    bool memory_noted;   /**< a note says that the memory is used up */
    bool is_stranger;    /**< it is not known what its CONNECT said */
    bool duties_seen[2]; /**< each end: what it had to send again was looked for */
};

/** One packet on its way through mqtt_track(). */
struct mqtt_tracking {
    struct mqtt_connection *connection;
    unsigned sender;
    struct mqtt_place place;
    int64_t now_ns;
    const struct mqtt_arrival *arrival;
    const struct mqtt_packet *packet;
    struct mqtt_epoch epoch; /**< the epoch in the making; appended if it differs from the latest */
    struct mqtt_note *note;  /**< NULL until somebody has something to note */
    uint32_t content;        /**< a hash of a PUBLISH's topic and payload, where `has_content` */
    bool has_content;
    struct mqtt_facts *facts; /**< the facts in the making; only the observations are good yet */
};

/** Whether the sender of a packet had got an earlier one of the other end by then. */
enum mqtt_awareness {
    MQTT_AWARE,
    MQTT_UNAWARE,
    MQTT_MAYBE_AWARE, /**< the transport does not tell, and they came close together */
};

/** The note of the packet; made on first use. Where the limit allows none it is good only while the packet is tracked. */
struct mqtt_note *mqtt_tracking_note(struct mqtt_tracking *tracking);

/** The same to be pointed to later; NULL where the limit allows none. */
struct mqtt_note *mqtt_tracking_kept_note(struct mqtt_tracking *tracking);

/** About what a map takes for one entry: to be counted with what is kept in one. */
enum { MQTT_MAP_ENTRY = 32 };

/** Zeroed memory for the file's life; NULL where the user's limit is reached. */
void *mqtt_keep(struct mqtt_world *world, size_t size);

/** Gives memory of mqtt_keep() back. */
void mqtt_keep_no_longer(struct mqtt_world *world, void *memory, size_t size);

/** Text of the packet; the caller's, to be given to wmem_free() with a NULL allocator. */
struct mqtt_text *mqtt_copy_text(const struct mqtt_packet *packet, struct mqtt_span span);

/** Keeps text of the packet for the file's life, the same text once; NULL where there is no memory for it. */
const struct mqtt_text *mqtt_keep_text(struct mqtt_world *world, const struct mqtt_packet *packet,
                                       struct mqtt_span span);

/** Keeps a copy of some text. */
const struct mqtt_text *mqtt_keep_copy(struct mqtt_world *world, const struct mqtt_text *text);

/** Notes, once for each connection, that the packet says something that could not be kept. */
void mqtt_note_no_memory(struct mqtt_tracking *tracking);

/** True where a span of the packet is all there. */
static inline bool mqtt_has_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    return span.at != 0 && span.at + span.length <= packet->captured && span.at + span.length <= packet->read_to;
}

/** True where the packet was read at least to the end of its properties: what it may say in one and does not, it leaves to
 *  the default. */
static inline bool mqtt_has_all_properties(const struct mqtt_packet *packet)
{
    const struct mqtt_properties *properties = &packet->properties;
    bool is_whole = properties->length_at.at != 0 && properties->block.length == properties->announced;

    return packet->fault.kind == MQTT_FAULT_NONE || (is_whole && mqtt_has_span(packet, properties->block));
}

/** Marks the packet being tracked. */
struct mqtt_mark mqtt_mark_of(const struct mqtt_tracking *tracking);

/** Whether the sender of the packet being tracked had got the other end's packet at `mark` when it sent this one. */
enum mqtt_awareness mqtt_sender_awareness(const struct mqtt_tracking *tracking, const struct mqtt_mark *mark);

/** Keeps something noticed at the packet being tracked: `kind`, `doubt`, `at`, `frame`, `value` and `other` are the
 *  caller's; the place is filled in. Nothing is kept where the user wants no rules. */
void mqtt_observe(struct mqtt_tracking *tracking, struct mqtt_observation observation);

/** How the connection's transport stands now. */
struct mqtt_transport_state mqtt_transport_state_of(const struct mqtt_connection *connection);

/** Weighs what the packet says about who is the broker, and what the client has become. */
void mqtt_track_roles(struct mqtt_tracking *tracking);

/** Takes in CONNECT, CONNACK and DISCONNECT: identity, limits, the session taken up or begun. */
void mqtt_track_session(struct mqtt_tracking *tracking);

/** Keeps what a CONNECT says, if it is the connection's first. */
void mqtt_track_greeting(struct mqtt_tracking *tracking);

/** Notices what is out of order in the life of a connection: before the packet changes anything. */
void mqtt_track_order(struct mqtt_tracking *tracking);

/** What is known of a connection by now. */
static inline const struct mqtt_epoch *mqtt_latest_epoch(const struct mqtt_connection *connection)
{
    return &connection->latest;
}

/** Takes note of a connection, once, where what its CONNECT says is not known: it was not captured, or not whole. */
void mqtt_track_stranger(struct mqtt_connection *connection, const struct mqtt_epoch *epoch, struct mqtt_place place);

/** The frame in which the latest such connection to a broker was met; 0 where there was none. It may be of any Client, and
 *  have changed its session. */
uint32_t mqtt_stranger_in(const struct mqtt_world *world, const struct mqtt_endpoint *broker);

/** How far both ends' bytes were read, the sum of their sequence numbers: a transport's state does not say which end is which. */
static inline uint32_t mqtt_seen_to(const struct mqtt_connection *connection)
{
    return connection->ends[0].seen_to + connection->ends[1].seen_to;
}

/** The sender of the packet being tracked had received more of the other end than was captured by then: that is missing
 *  from the capture, or on its way into it. */
bool mqtt_has_got_unseen(const struct mqtt_tracking *tracking);

/** Keeps how far each end's bytes were read, and whether exchanges can be judged; after mqtt_observe_unanswered(). */
void mqtt_track_watch(struct mqtt_tracking *tracking);

/** Notices what does not fit in the exchanges of the connection: before the packet changes anything in them. */
void mqtt_observe_flows(struct mqtt_tracking *tracking);

/** Notices at a CONNECT what was never answered on the Client's connection before, `old`, which has ended, or on this same
 *  one: before its exchanges are handed on. */
void mqtt_observe_unanswered(struct mqtt_tracking *tracking, struct mqtt_connection *old);

/** True where the last packets of a connection may not have been captured: its transport counts more bytes than were read,
 *  or does not count. */
bool mqtt_lacks_end(const struct mqtt_connection *connection);

/** Notices Topic Aliases that were never set, and what the other end makes of them; after mqtt_track_alias(). */
void mqtt_observe_alias(struct mqtt_tracking *tracking);

/** A hash of what a PUBLISH carries, its topic and the beginning of its payload, or of all that a request holds. */
uint32_t mqtt_content_hash(const struct mqtt_packet *packet);

/** The only Subscription Identifier of a packet; 0 where it has none, or several. */
uint32_t mqtt_subscription_id_of(const struct mqtt_packet *packet);

/** Its parts: who does not stop, the steps of enhanced authentication, silence and waiting. */
void mqtt_track_endings(struct mqtt_tracking *tracking);
void mqtt_track_authentication(struct mqtt_tracking *tracking);
void mqtt_track_liveness(struct mqtt_tracking *tracking);

/** Notices something about order or time that is worth telling once a connection. */
void mqtt_observe_once(struct mqtt_tracking *tracking, struct mqtt_observation observation);

/** Everything that the connection's ends sent was captured, from the CONNECT on. */
static inline bool mqtt_has_history(const struct mqtt_tracking *tracking)
{
    return tracking->epoch.connect_seen && !tracking->epoch.has_gap;
}

/** The packet comes from the Client, or from the Server. */
static inline bool mqtt_is_clients(const struct mqtt_tracking *tracking)
{
    return tracking->epoch.broker == 1 - tracking->sender;
}
static inline bool mqtt_is_servers(const struct mqtt_tracking *tracking)
{
    return tracking->epoch.broker == tracking->sender;
}

/** A Server may deny a session that it kept, with the messages and subscriptions in it: of the connection before, or of
 *  one that was not captured. */
static inline bool mqtt_may_keep_session(const struct mqtt_tracking *tracking)
{
    return !tracking->connection->clean_start;
}

/** The latest CONNECT, PINGREQ or AUTH of an end that waits for its answer; NULL where none does. */
const struct mqtt_step *mqtt_waiting_request(struct mqtt_end *end, enum mqtt_packet_type type);

/** Follows the exchanges that the packet begins, continues or completes. */
void mqtt_track_exchange(struct mqtt_tracking *tracking);

/** Follows the Topic Aliases of the sender. */
void mqtt_track_alias(struct mqtt_tracking *tracking);

/** Keeps the filters of a SUBSCRIBE or UNSUBSCRIBE with its exchange, and puts them in force when it is answered. */
void mqtt_keep_filters(struct mqtt_tracking *tracking, struct mqtt_flow *flow);
void mqtt_apply_filters(struct mqtt_tracking *tracking, const struct mqtt_flow *flow);

/** Enters in the connection's book a request's filters, the same request sent again, one that another took the identifier
 *  of, and the answer; notices what is wrong with the answer. `kept` is what the request keeps. */
void mqtt_note_request(struct mqtt_tracking *tracking, const struct mqtt_kept_filters *kept);
void mqtt_note_request_again(struct mqtt_tracking *tracking, struct mqtt_flow *flow);
void mqtt_note_request_lost(struct mqtt_tracking *tracking);
void mqtt_note_answer(struct mqtt_tracking *tracking, struct mqtt_kept_filters *kept);

/** A SUBACK or UNSUBACK whose identifier no request has: notices where the request had its answer before. */
void mqtt_note_stray_answer(struct mqtt_tracking *tracking);

/** The SUBACK or UNSUBACK repeats one that answered a request: it is told of as that, and not as an answer to nothing. */
bool mqtt_was_answered_before(struct mqtt_tracking *tracking);

/** Holds the connection against the one that its Client had before. */
void mqtt_track_takeup(struct mqtt_tracking *tracking);

/** Follows what becomes of the connection's Will. */
void mqtt_track_will(struct mqtt_tracking *tracking);

/** Holds a PUBLISH of the Server against what the Client asked for. */
void mqtt_track_delivery(struct mqtt_tracking *tracking);

/** Makes the maps by which subscriptions are found. */
void mqtt_subscriptions_begin(struct mqtt_world *world);

/** Ends all subscriptions of a session. */
void mqtt_subscriptions_clear(struct mqtt_world *world, struct mqtt_session *session);

/** Equality and a hash of endpoints. */
bool mqtt_is_same_endpoint(const struct mqtt_endpoint *one, const struct mqtt_endpoint *other);
guint mqtt_hash_endpoint(const struct mqtt_endpoint *endpoint);

/** A hash of bytes, to know them again by; who makes them up on purpose can have two alike. */
uint32_t mqtt_hash_bytes(const uint8_t *bytes, uint32_t length);

/** Equality and a hash of kept text. */
bool mqtt_is_same_text(const struct mqtt_text *one, const struct mqtt_text *other);
guint mqtt_hash_text(guint seed, const struct mqtt_text *text);
guint mqtt_hash_of_text(gconstpointer text);
gboolean mqtt_is_equal_text(gconstpointer one, gconstpointer other);

#endif
