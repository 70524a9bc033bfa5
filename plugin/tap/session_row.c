/* session_row.c - one connection as a row of the table of connections.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <epan/conversation.h>
#include <epan/dissectors/packet-tcp.h>
#include <epan/to_str.h>

#include "sessions.h"

enum {
    MAX_CLIENT_CHARACTERS = 64,
    MAX_USER_CHARACTERS = 40,
    MAX_FILTER_CHARACTERS = 40,
    FILTERS_TOLD_APART = 1000, /**< of a connection; more are counted as often as they are asked for */
};

static char *endpoint_text(packet_info *pinfo, const address *where, uint32_t port)
{
    const char *text = address_to_str(pinfo->pool, where);

    return g_strdup_printf(strchr(text, ':') != NULL ? "[%s]:%u" : "%s:%u", text, port);
}

bool session_stream(packet_info *pinfo, uint32_t *stream)
{
    const struct tcp_analysis *tcp = pinfo->ptype == PT_TCP ? get_tcp_conversation_data(NULL, pinfo) : NULL;

    *stream = tcp != NULL ? tcp->stream : 0;
    return tcp != NULL;
}

static int64_t time_of(const nstime_t *time)
{
    return (int64_t)time->secs * 1000000000 + time->nsecs;
}

struct session_row *session_row_new(const struct tap_record *record, packet_info *pinfo)
{
    struct session_row *row = g_new0(struct session_row, 1);
    unsigned sender = record->facts.sender;

    row->connection = record->connection;
    row->number = record->facts.connection;
    row->ends[sender] = endpoint_text(pinfo, &pinfo->src, pinfo->srcport);
    row->ends[1 - sender] = endpoint_text(pinfo, &pinfo->dst, pinfo->destport);
    row->start_s = row->end_s = nstime_to_sec(&pinfo->rel_ts);
    row->first_ns = time_of(&pinfo->abs_ts);
    row->broker = TRACK_END_UNKNOWN;
    row->has_stream = session_stream(pinfo, &row->stream);
    return row;
}

void session_row_free(struct session_row *row)
{
    for (unsigned end = 0; end < 2; end++)
        g_free(row->ends[end]);
    for (unsigned i = 0; row->filters != NULL && i < SESSION_FILTERS_SHOWN; i++) {
        g_free(row->filters[i].text);
        g_free(row->filters[i].hex);
        g_free(row->filters[i].key);
    }
    if (row->other_filters != NULL)
        g_hash_table_destroy(row->other_filters);
    g_free(row->filters);
    g_free(row->user_name);
    g_free(row->user_name_hex);
    g_free(row->texts);
    g_free(row);
}

bool session_row_has_packets(const struct session_row *row)
{
    struct track_summary summary;

    track_summarise(row->connection, &summary);
    return summary.has_packets;
}

uint32_t session_row_publishes(const struct session_row *row, bool delivered)
{
    const uint32_t *counts =
        row->publishes[delivered ? session_broker_end(row->broker) : 1 - session_broker_end(row->broker)];
    return counts[0] + counts[1] + counts[2] + counts[3];
}

/** The filter of a key: the one that is kept, a free place for it, or NULL where it is only counted. */
static struct session_filter *find_filter(struct session_row *row, char *key)
{
    unsigned kept = MIN(row->filters_asked, (unsigned)SESSION_FILTERS_SHOWN);

    if (row->filters == NULL)
        row->filters = g_new0(struct session_filter, SESSION_FILTERS_SHOWN);
    for (unsigned i = 0; i < kept; i++)
        if (strcmp(row->filters[i].key, key) == 0)
            return &row->filters[i];
    if (kept < SESSION_FILTERS_SHOWN)
        return &row->filters[row->filters_asked++];
    if (row->other_filters == NULL)
        row->other_filters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_contains(row->other_filters, key))
        return NULL;
    if (g_hash_table_size(row->other_filters) < FILTERS_TOLD_APART)
        g_hash_table_add(row->other_filters, g_strdup(key));
    row->filters_asked++;
    return NULL;
}

static void note_filters(struct session_row *row, const struct mqtt_packet *packet)
{
    struct mqtt_filter filter;
    uint32_t at = 0;

    for (uint32_t index = 0; mqtt_filters_next(packet, &at, &filter); index++) {
        if (filter.text.at + filter.text.length > packet->captured)
            break;
        const uint8_t *bytes = packet->bytes + filter.text.at;
        char *key = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, filter.text.length);
        struct session_filter *noted = find_filter(row, key);
        if (noted != NULL && noted->key == NULL) {
            noted->text = tap_printable(bytes, filter.text.length, MAX_FILTER_CHARACTERS);
            noted->hex = tap_hex_unless_text(bytes, filter.text.length, noted->text);
            noted->key = g_strdup(key);
        }
        g_free(key);
        if (noted == NULL)
            continue;
        noted->packet_id = packet->packet_id;
        noted->index = index;
        noted->is_waiting = true;
    }
}

static void note_granted(struct session_row *row, const struct mqtt_packet *packet)
{
    unsigned kept = MIN(row->filters_asked, (unsigned)SESSION_FILTERS_SHOWN);

    for (unsigned i = 0; i < kept; i++) {
        struct session_filter *filter = &row->filters[i];
        if (!filter->is_waiting || filter->packet_id != packet->packet_id || filter->index >= packet->list.length ||
            packet->list.at + filter->index >= packet->captured)
            continue;
        filter->is_waiting = false;
        filter->is_answered = true;
        filter->code = packet->bytes[packet->list.at + filter->index];
    }
}

/** Counts the broken rules that are warnings or errors. */
static void count_problems(struct session_row *row, const struct check_findings *findings)
{
    for (unsigned i = 0; findings != NULL && i < findings->count; i++)
        if (findings->list[i].severity >= CHECK_WARNING)
            row->problems += 1 + findings->list[i].further;
}

/** The User Name of a CONNECT, as far as it was captured. */
static void note_user(struct session_row *row, const struct mqtt_packet *packet)
{
    struct mqtt_span user = packet->connect.user_name;

    if (user.at == 0 || user.at + user.length > packet->captured)
        return;
    g_free(row->user_name);
    g_free(row->user_name_hex);
    row->user_name = tap_printable(packet->bytes + user.at, user.length, MAX_USER_CHARACTERS);
    row->user_name_hex = tap_hex_unless_text(packet->bytes + user.at, user.length, row->user_name);
}

/** What happened, and how often. */
static void append_events(GString *text, const unsigned events[TRACK_EVENT_KINDS])
{
    const char *separator = "";

    for (unsigned kind = 0; kind < TRACK_EVENT_KINDS; kind++) {
        if (events[kind] == 0)
            continue;
        g_string_append(text, separator);
        g_string_append(text, track_event_info((enum track_event_kind)kind)->name);
        if (events[kind] > 1)
            g_string_append_printf(text, " (%u)", events[kind]);
        separator = ", ";
    }
}

char *session_events_text(const unsigned events[TRACK_EVENT_KINDS])
{
    GString *text = g_string_new(NULL);

    append_events(text, events);
    return g_string_free(text, FALSE);
}

static void count_events(struct session_row *row, const struct tap_record *record)
{
    for (unsigned i = 0; i < record->events.count; i++)
        row->events[record->events.list[i].event->kind]++;
}

void session_row_count(struct session_row *row, const struct tap_record *record, packet_info *pinfo)
{
    const struct mqtt_packet *packet = &record->packet;

    count_problems(row, record->findings);
    count_events(row, record);
    if (record->subject != TAP_PACKET)
        return;
    row->end_s = nstime_to_sec(&pinfo->rel_ts);
    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        note_user(row, packet);
        break;
    case MQTT_TYPE_PUBLISH:
        row->publishes[record->facts.sender][packet->publish.qos & 3]++;
        break;
    case MQTT_TYPE_SUBSCRIBE:
        note_filters(row, packet);
        break;
    case MQTT_TYPE_SUBACK:
        note_granted(row, packet);
        break;
    default:
        break;
    }
}

/* --- The texts ---------------------------------------------------------------------------------------------------- */

void session_append_client(GString *text, const struct session_row *row, const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    const struct track_text *client_id = snapshot->client_id;
    unsigned client = 1 - session_broker_end(snapshot->broker);

    if (client_id != NULL && client_id->length > 0 && snapshot->broker != TRACK_END_UNKNOWN) {
        char *name = tap_client_name(client_id->bytes, client_id->length, MAX_CLIENT_CHARACTERS);
        g_string_append(text, name);
        g_free(name);
    } else if (snapshot->is_local && snapshot->broker != TRACK_END_UNKNOWN) {
        g_string_append_printf(text, "client:%u", track_connection_end(row->connection, client)->port);
    } else {
        g_string_append(text, row->ends[client]);
    }
}

const char *session_role(const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    return track_role_name(track_role_of(snapshot, summary->deeds, 1 - session_broker_end(snapshot->broker)));
}

/** How the connection ended, in a sentence. */
static void append_ending(GString *text, const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    char ending[TRACK_EVENT_TEXT_SIZE];

    if (snapshot->is_copy) {
        g_string_append(text, "captured twice");
    } else if (summary->end != NULL) {
        track_end_text(summary->end, snapshot->broker, snapshot->version, ending);
        g_string_append(text, ending);
    } else if (summary->closing.is_closed) { /* without any whole packet: no frame of MQTT's tells its end */
        const struct track_event end = {.by = (uint8_t)(summary->closing.by & 1),
                                        .how = summary->closing.is_reset ? TRACK_ENDED_BY_RST : TRACK_ENDED_BY_FIN,
                                        .ns = TRACK_TIME_UNKNOWN};
        track_end_text(&end, snapshot->broker, snapshot->version, ending);
        g_string_append(text, ending);
    } else if (summary->taken_over && summary->taken_over_in != 0) {
        g_string_append_printf(text, "taken over by the CONNECT in frame %u, not closed", summary->taken_over_in);
    } else if (summary->transport.last_ns != TRACK_TIME_UNKNOWN) {
        g_string_append(text, "still open");
    }
}

void session_append_end(GString *text, const struct track_summary *summary)
{
    const gsize begin = text->len;

    append_ending(text, summary);
    for (unsigned i = 0; i < summary->unfinished_count; i++) {
        char unfinished[TRACK_UNFINISHED_TEXT_SIZE];
        track_unfinished_text(&summary->unfinished[i], summary->snapshot->broker, unfinished, sizeof unfinished);
        g_string_append_printf(text, "%s%s", text->len > begin ? ", " : "", unfinished);
    }
}

static void append_subscriptions(GString *text, const struct session_row *row)
{
    unsigned kept = MIN(row->filters_asked, (unsigned)SESSION_FILTERS_SHOWN);

    for (unsigned i = 0; i < kept; i++) {
        const struct session_filter *filter = &row->filters[i];
        g_string_append_printf(text, "%s%s ", i > 0 ? ", " : "", filter->text);
        if (!filter->is_answered)
            g_string_append(text, "unanswered");
        else if (filter->code <= 2)
            g_string_append_printf(text, "QoS %u", filter->code);
        else
            g_string_append(text, "refused");
    }
    if (row->filters_asked > kept)
        g_string_append_printf(text, ", and %u more", row->filters_asked - kept);
}

/** `1/0/2`: PUBLISH packets by QoS; a fourth number counts the invalid QoS 3. */
static void append_publishes(GString *text, const uint32_t counts[4])
{
    g_string_append_printf(text, "%u/%u/%u", counts[0], counts[1], counts[2]);
    if (counts[3] != 0)
        g_string_append_printf(text, "/%u", counts[3]);
}

/** A number that need not be known. It is as wide as any, so that texts sort as the numbers do: tshark ends a row at a cell without a
 *  value. */
static void append_number(GString *text, bool is_known, uint32_t number)
{
    if (is_known)
        g_string_append_printf(text, "%5u", number);
}

/** What the CONNACK said: a reason by its name, or by its number where the table has none. */
static void append_connack(GString *text, const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    bool is_missing = summary->has_packets || summary->end == NULL; /* else it ended before there was any MQTT */
    const char *name;

    if (!summary->connack_seen) {
        g_string_append(text, is_missing && !session_is_whole(snapshot) ? "not captured" : "none");
        return;
    }
    /* A Server of an older version answers in its form (MQTT 5.0 section 4.13). */
    name = mqtt_reason_name(summary->connack_version, MQTT_TYPE_CONNACK, summary->connack_code);
    if (name != NULL)
        g_string_append(text, name);
    else
        g_string_append_printf(text, "0x%02x", summary->connack_code);
}

/** Writes what a column says behind `words`, where it has words of its own; else returns the text. */
static const char *column_text(GString *words, enum session_column column, const struct session_row *row,
                               const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    unsigned broker = session_broker_end(snapshot->broker);

    switch (column) {
    case COLUMN_CLIENT:
        session_append_client(words, row, summary);
        return NULL;
    case COLUMN_END:
        session_append_end(words, summary);
        return NULL;
    case COLUMN_EVENTS:
        append_events(words, row->events);
        return NULL;
    case COLUMN_CONNACK:
        append_connack(words, summary);
        return NULL;
    case COLUMN_ROLE:
        return session_role(summary);
    case COLUMN_VERSION:
        return tap_version_name(snapshot->version);
    case COLUMN_ADDRESS:
        return row->ends[1 - broker];
    case COLUMN_USER_NAME:
        g_string_append(words, row->user_name != NULL ? row->user_name : "");
        return NULL;
    case COLUMN_BROKER:
        return row->ends[broker];
    case COLUMN_STREAM:
        append_number(words, row->has_stream, row->stream);
        return NULL;
    case COLUMN_KEEP_ALIVE:
        append_number(words, snapshot->has_keep_alive, snapshot->keep_alive_s);
        return NULL;
    case COLUMN_CLEAN_START:
        return !snapshot->connect_seen ? "" : summary->clean_start ? "yes" : "no";
    case COLUMN_SESSION_PRESENT:
        if (!summary->connack_seen || snapshot->version == MQTT_V31)
            return "";
        return summary->session_present ? "yes" : "no";
    case COLUMN_SUBSCRIPTIONS:
        append_subscriptions(words, row);
        return NULL;
    case COLUMN_TO_BROKER:
        append_publishes(words, row->publishes[1 - broker]);
        return NULL;
    case COLUMN_TO_CLIENT:
        append_publishes(words, row->publishes[broker]);
        return NULL;
    default:
        return "";
    }
}

/** Puts all columns into words, which are one block with the list of them. */
static struct session_texts *make_texts(const struct session_row *row, const struct track_summary *summary)
{
    GString *words = g_string_sized_new(256);
    const char *texts[SESSION_COLUMNS];
    gsize places[SESSION_COLUMNS];

    for (unsigned column = 0; column < SESSION_COLUMNS; column++) {
        places[column] = words->len;
        texts[column] = column_text(words, (enum session_column)column, row, summary);
        if (texts[column] == NULL)
            g_string_append_c(words, '\0');
    }
    struct session_texts *out = (struct session_texts *)g_malloc(sizeof *out + words->len);
    memcpy(out->words, words->str, words->len);
    for (unsigned column = 0; column < SESSION_COLUMNS; column++)
        out->columns[column] = texts[column] != NULL ? texts[column] : out->words + places[column];
    g_string_free(words, TRUE);
    return out;
}

/** The connection's life, where its transport knows it: from the handshake to the last segment. */
static void set_life(struct session_row *row, const struct track_summary *summary)
{
    const double ns = 1e-9;

    if (summary->begun_ns != TRACK_TIME_UNKNOWN && summary->begun_ns < row->first_ns) {
        row->start_s -= (double)(row->first_ns - summary->begun_ns) * ns;
        row->first_ns = summary->begun_ns;
    }
    if (summary->ended_ns != TRACK_TIME_UNKNOWN)
        row->end_s = MAX(row->end_s, row->start_s + (double)(summary->ended_ns - row->first_ns) * ns);
}

void session_row_summarise(struct session_row *row)
{
    struct track_summary summary;

    if (row->connection == NULL)
        return;
    track_summarise(row->connection, &summary);
    row->broker = summary.snapshot->broker;
    row->is_refused = summary.connack_seen && summary.connack_code != 0;
    set_life(row, &summary);
    g_free(row->texts);
    row->texts = make_texts(row, &summary);
}
