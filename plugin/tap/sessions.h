/* sessions.h - one row of the table of connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef MQTTSCOPE_TAP_SESSIONS_H
#define MQTTSCOPE_TAP_SESSIONS_H

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "tap.h"

/** The columns. */
enum session_column {
    COLUMN_NUMBER,
    COLUMN_CLIENT,
    COLUMN_END,
    COLUMN_PROBLEMS,
    COLUMN_EVENTS,
    COLUMN_CONNACK,
    COLUMN_ROLE,
    COLUMN_VERSION,
    COLUMN_ADDRESS,
    COLUMN_USER_NAME,
    COLUMN_BROKER,
    COLUMN_STREAM,
    COLUMN_START,
    COLUMN_DURATION,
    COLUMN_KEEP_ALIVE,
    COLUMN_CLEAN_START,
    COLUMN_SESSION_PRESENT,
    COLUMN_SUBSCRIPTIONS,
    COLUMN_PUBLISHED,
    COLUMN_DELIVERED,
    COLUMN_TO_BROKER,
    COLUMN_TO_CLIENT,
    SESSION_COLUMNS,
};

enum { SESSION_FILTERS_SHOWN = 8 };

/** A topic filter that the client asked for, and what came of it last. */
struct session_filter {
    char *text; /**< printable, shortened */
    char *hex;  /**< its bytes, where `text` is not what they are; else NULL */
    char *key;  /**< all its bytes, as text that tells filters apart */
    uint16_t packet_id;
    uint32_t index;  /**< its place in the latest SUBSCRIBE */
    bool is_waiting; /**< that has no answer yet */
    bool is_answered;
    uint8_t code; /**< the latest code of a SUBACK */
};

/** What the columns of a row say: never NULL, and "" for those that are numbers. It is in `words`, in the row or in what lasts. */
struct session_texts {
    const char *columns[SESSION_COLUMNS];
    char words[];
};

/** What is counted of a connection, and the texts of its row. */
struct session_row {
    const struct track_connection *connection; /**< NULL once its file is closed */
    uint32_t number;
    bool has_stream;
    bool is_refused;   /**< by its CONNACK */
    uint32_t stream;   /**< the number of the TCP stream, where it has one */
    uint32_t problems; /**< broken rules, warnings and errors */
    char *ends[2];     /**< `address:port` of each end */
    double start_s;
    double end_s;     /**< both relative to the capture's first frame: the handshake and the last segment where the
                                   transport knows them, else the first and the last packet */
    int64_t first_ns; /**< when the frame of `start_s` came */
    uint32_t publishes[2][4];           /**< by the end that sent them, and QoS */
    unsigned broker;                    /**< the end that is the broker as far as is known, or TRACK_END_UNKNOWN */
    unsigned events[TRACK_EVENT_KINDS]; /**< how often each happened */
    unsigned filters_asked;             /**< different ones, of which the first SESSION_FILTERS_SHOWN are kept */
    GHashTable *other_filters;      /**< keys of those that are not kept, FILTERS_TOLD_APART at most; NULL for none */
    struct session_filter *filters; /**< room for SESSION_FILTERS_SHOWN; NULL where none was asked for */
    char *user_name;                /**< printable; NULL for none */
    char *user_name_hex;            /**< its bytes, where `user_name` is not what they are; else NULL */
    struct session_texts *texts;    /**< as of the last session_row_summarise(); NULL before the first */
};

/** Makes the row of the connection that a record belongs to. */
struct session_row *session_row_new(const struct tap_record *record, packet_info *pinfo);

void session_row_free(struct session_row *row);

/** The number of the TCP stream that a packet is of; false, and 0, where it is of none. */
bool session_stream(packet_info *pinfo, uint32_t *stream);

/** True where a packet of the row's connection was tracked by now. */
bool session_row_has_packets(const struct session_row *row);

/** Counts a packet; session_row_summarise() renews the columns that hang on it. */
void session_row_count(struct session_row *row, const struct tap_record *record, packet_info *pinfo);

/** What happened, and how often: `reconnected_while_open (2), taken_over`; the caller's, for g_free(). */
char *session_events_text(const unsigned events[TRACK_EVENT_KINDS]);

/** How many PUBLISHes the Client sent, or were `delivered` to it. Where nobody knows the broker, the second end counts as one. */
uint32_t session_row_publishes(const struct session_row *row, bool delivered);

/** Renews what is known of the connection as a whole, and the texts; only while its file is open. */
void session_row_summarise(struct session_row *row);

/** The text of a column; "" where there is none. */
static inline const char *session_row_text(const struct session_row *row, unsigned column)
{
    return row->texts != NULL ? row->texts->columns[column] : "";
}

/** The end that counts as the broker: where nobody knows it, the second. */
static inline unsigned session_broker_end(unsigned broker)
{
    return broker == TRACK_END_UNKNOWN ? 1 : broker;
}

/** The CONNECT was not captured; a Client that began with another packet sent none. */
static inline bool session_lacks_connect(const struct track_snapshot *snapshot)
{
    return !snapshot->connect_seen && !snapshot->lacks_connect;
}

/** Nothing is known to be missing of the connection. */
static inline bool session_is_whole(const struct track_snapshot *snapshot)
{
    return !session_lacks_connect(snapshot) && !snapshot->has_gap;
}

/** The client's name; how the connection ended, in a sentence, and what was not completed on it. Both are appended. */
void session_append_client(GString *text, const struct session_row *row, const struct track_summary *summary);
void session_append_end(GString *text, const struct track_summary *summary);

/** What the client did, in words. */
const char *session_role(const struct track_summary *summary);

#endif
