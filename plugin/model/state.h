/* state.h - the model's own records; for the files that make up mqtt_track() alone.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_MODEL_STATE_H
#define MQTTSCOPE_MODEL_STATE_H

#include "connection.h"
#include "ledger.h"
#include "notes.h"

/** What outlives a connection for one Client Identifier at one broker (MQTT 5.0 section 4.1). File scope. */
struct mqtt_session {
    struct mqtt_endpoint broker;
    const struct mqtt_text *client_id;
    struct mqtt_connection *last;            /**< the connection that used it last */
    struct mqtt_subscription *subscriptions; /**< a list; the world's map finds one by its filter */
};

struct mqtt_world {
    wmem_allocator_t *scope;
    struct mqtt_tracking_options options;
    struct mqtt_notes *notes;
    wmem_map_t *sessions;      /**< struct mqtt_session to itself */
    wmem_map_t *subscriptions; /**< struct mqtt_subscription, by session and filter, to itself */
    uint32_t connections;
    const struct mqtt_greeting *greeting; /**< the latest new one: most Clients say the same */
};

/** Where a Topic Alias points (section 3.3.2.3.4). */
struct mqtt_alias {
    const struct mqtt_text *topic;
    uint32_t set_in;
};

/** What belongs to the packets of one end. The two ends' identifiers and aliases are separate spaces. */
struct mqtt_end {
    struct mqtt_ledger ledger;
    wmem_map_t *aliases;      /**< Topic Alias to struct mqtt_alias; NULL until the first is set */
    struct mqtt_step connect; /**< the CONNECT not yet answered, if `note` is set */
    struct mqtt_step ping;    /**< the latest PINGREQ not yet answered */
    struct mqtt_step auth;    /**< the latest AUTH not yet answered */
};

/** Where a packet stands in its sender's bytes; tells whether the other end had it when it sent something. */
struct mqtt_mark {
    uint32_t frame; /**< 0: there is no such packet */
    bool has_numbers;
    uint32_t sent_to;
    int64_t ns;
};

struct mqtt_connection {
    struct mqtt_world *world;
    uint32_t number;
    struct mqtt_transport transport;
    wmem_array_t *epochs; /**< struct mqtt_epoch, in the order of their places; never empty */
    struct mqtt_end ends[2];
    struct mqtt_session *session;   /**< NULL while unknown */
    struct mqtt_connection *before; /**< the one that used the session before; NULL where none did */
    bool takes_over;                /**< `before` was alive then */
    bool has_packets;               /**< the first packet was tracked */
    uint32_t last_client_frame;
    int64_t last_client_ns; /**< when the client's latest packet was sent; MQTT_TIME_UNKNOWN before the first */
    bool clean_start;
    bool connack_seen;
    bool session_present;
    uint8_t connack_code;
    struct mqtt_mark connack; /**< the first CONNACK */
    bool disconnected;
    uint8_t disconnected_by;
    uint8_t disconnect_reason;
    bool taken_over;
};

/** One packet on its way through mqtt_track(). */
struct mqtt_tracking {
    struct mqtt_connection *connection;
    unsigned sender;
    struct mqtt_place place;
    int64_t now_ns;
    const struct mqtt_arrival *arrival;
    const struct mqtt_packet *packet;
    struct mqtt_epoch epoch;  /**< the epoch in the making; appended if it differs from the latest */
    struct mqtt_note *note;   /**< NULL until somebody has something to note */
    struct mqtt_facts *facts; /**< the facts in the making; only the observations are good yet */
};

/** Whether the sender of a packet had got an earlier one of the other end by then. */
enum mqtt_awareness {
    MQTT_AWARE,
    MQTT_UNAWARE,
    MQTT_MAYBE_AWARE, /**< the transport does not tell, and they came close together */
};

/** The note of the packet; made on first use. */
struct mqtt_note *mqtt_tracking_note(struct mqtt_tracking *tracking);

/** Keeps text of the packet for the file's life. */
const struct mqtt_text *mqtt_keep_text(struct mqtt_world *world, const struct mqtt_packet *packet,
                                       struct mqtt_span span);

/** True where a span of the packet is all there. */
static inline bool mqtt_has_span(const struct mqtt_packet *packet, struct mqtt_span span)
{
    return span.at != 0 && span.at + span.length <= packet->captured && span.at + span.length <= packet->read_to;
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

/** Follows the exchanges that the packet begins, continues or completes. */
void mqtt_track_exchange(struct mqtt_tracking *tracking);

/** Follows the Topic Aliases of the sender. */
void mqtt_track_alias(struct mqtt_tracking *tracking);

/** Keeps the filters of a SUBSCRIBE or UNSUBSCRIBE with its exchange, and puts them in force when it is answered. */
void mqtt_keep_filters(struct mqtt_tracking *tracking, struct mqtt_flow *flow);
void mqtt_apply_filters(struct mqtt_tracking *tracking, const struct mqtt_flow *flow);

/** Makes the maps by which subscriptions are found. */
void mqtt_subscriptions_begin(struct mqtt_world *world);

/** Ends all subscriptions of a session. */
void mqtt_subscriptions_clear(struct mqtt_world *world, struct mqtt_session *session);

/** Equality and a hash of kept text. */
bool mqtt_is_same_text(const struct mqtt_text *one, const struct mqtt_text *other);
guint mqtt_hash_text(guint seed, const struct mqtt_text *text);

#endif
