/* json_counts.c - what the objects about connections, deliveries and statements say, counted until the end of the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "delivery_row.h"
#include "json.h"
#include "sessions.h"

enum { NANOSECONDS_OF_SECOND = 1000000000 };

/** What is written of a connection: what the table of connections has of it, and more. */
struct described_connection {
    struct session_row *row;
    struct json_coverage *coverage;
    struct json_latest latest;
    uint32_t first_frame;
    uint64_t bytes;
    nstime_t end;
    uint32_t findings[CHECK_SEVERITIES];
};

struct counted_connection {
    const struct track_connection *connection;
    nstime_t start;
    uint32_t packets;
    struct described_connection *described; /**< NULL in JSON_VERDICT */
};

struct json_counts {
    struct json_statements *statements;
    struct json_names *names;         /**< NULL in JSON_VERDICT */
    struct delivery_book *deliveries; /**< likewise */
    GPtrArray *connections;
    GPtrArray *by_number; /**< struct counted_connection by number; NULL where a number has none */
    GHashTable *streams;  /**< the TCP streams that they are */
    uint64_t packets;
    uint32_t findings[CHECK_SEVERITIES];
};

static void free_connection(void *given)
{
    struct counted_connection *counted = (struct counted_connection *)given;

    if (counted->described != NULL) {
        session_row_free(counted->described->row);
        json_coverage_free(counted->described->coverage);
    }
    g_free(counted->described);
    g_free(counted);
}

struct json_counts *json_counts_new(enum json_extent extent)
{
    struct json_counts *counts = g_new0(struct json_counts, 1);

    counts->statements = json_statements_new();
    if (extent == JSON_ALL) {
        counts->names = json_names_new();
        counts->deliveries = delivery_book_new(JSON_TEXT_CHARACTERS, JSON_TEXT_CHARACTERS);
    }
    counts->connections = g_ptr_array_new_with_free_func(free_connection);
    counts->by_number = g_ptr_array_new();
    counts->streams = g_hash_table_new(NULL, NULL);
    return counts;
}

void json_counts_free(struct json_counts *counts)
{
    g_ptr_array_unref(counts->connections);
    json_statements_free(counts->statements);
    delivery_book_free(counts->deliveries);
    g_ptr_array_unref(counts->by_number);
    g_hash_table_destroy(counts->streams);
    json_names_free(counts->names);
    g_free(counts);
}

static struct described_connection *describe_connection(const struct json_counts *counts,
                                                        const struct tap_record *record, packet_info *pinfo)
{
    struct described_connection *described = g_new0(struct described_connection, 1);

    described->row = session_row_new(record, pinfo);
    described->coverage = json_coverage_new(counts->statements);
    described->first_frame = pinfo->num;
    described->end = pinfo->rel_ts;
    return described;
}

static struct counted_connection *find_connection(struct json_counts *counts, const struct tap_record *record,
                                                  packet_info *pinfo)
{
    uint32_t number = record->facts.connection;
    uint32_t stream;

    if (number >= counts->by_number->len)
        g_ptr_array_set_size(counts->by_number, (int)number + 1);
    struct counted_connection *found = (struct counted_connection *)g_ptr_array_index(counts->by_number, number);
    if (found != NULL)
        return found;
    found = g_new0(struct counted_connection, 1);
    found->connection = record->connection;
    found->start = pinfo->rel_ts;
    if (counts->names != NULL)
        found->described = describe_connection(counts, record, pinfo);
    g_ptr_array_add(counts->connections, found);
    g_ptr_array_index(counts->by_number, number) = found;
    if (session_stream(pinfo, &stream))
        g_hash_table_add(counts->streams, GUINT_TO_POINTER(stream));
    return found;
}

/** Counts what is written of connections, topics, clients and deliveries one by one. */
static void count_each(struct json_counts *counts, struct described_connection *connection,
                       const struct tap_record *record, packet_info *pinfo)
{
    json_add_findings(connection->findings, record);
    session_row_count(connection->row, record, pinfo);
    json_count_names(counts->names, &connection->latest, record, pinfo);
    delivery_book_count(counts->deliveries, record);
    if (record->subject != TAP_PACKET)
        return;
    connection->bytes += record->packet.length;
    connection->end = pinfo->rel_ts;
}

void json_count(struct json_counts *counts, const struct tap_record *record, packet_info *pinfo)
{
    struct counted_connection *connection = find_connection(counts, record, pinfo);
    nstime_t age;

    json_add_findings(counts->findings, record);
    nstime_delta(&age, &pinfo->rel_ts, &connection->start);
    json_judge(counts->statements, connection->described != NULL ? connection->described->coverage : NULL, record,
               (int64_t)age.secs * NANOSECONDS_OF_SECOND + age.nsecs);
    counts->packets += record->subject == TAP_PACKET;
    connection->packets += record->subject == TAP_PACKET;
    if (connection->described != NULL)
        count_each(counts, connection->described, record, pinfo);
}

bool json_has_stream(const struct json_counts *counts, uint32_t stream)
{
    return g_hash_table_contains(counts->streams, GUINT_TO_POINTER(stream));
}

/* --- Writing ---------------------------------------------------------------------------------------------------- */

/** The filters that were asked for, as far as they are kept, and what was granted. */
static void write_filters(struct json_writer *writer, const struct session_row *row)
{
    json_unsigned(writer, "subscriptions_total", row->filters_asked);
    json_begin_array(writer, "subscriptions");
    for (unsigned i = 0; i < MIN(row->filters_asked, (unsigned)SESSION_FILTERS_SHOWN); i++) {
        json_begin_member(writer, NULL);
        json_string(writer, "filter", row->filters[i].text);
        json_string(writer, "filter_hex", row->filters[i].hex);
        if (row->filters[i].is_answered)
            json_unsigned(writer, "code", row->filters[i].code);
        json_end_member(writer);
    }
    json_end_array(writer);
}

/** What the CONNECT and the CONNACK said. */
static void write_greeting(struct json_writer *writer, const struct track_summary *summary)
{
    const struct track_snapshot *snapshot = summary->snapshot;
    bool has_id = snapshot->client_id != NULL && snapshot->client_id->length > 0;

    if (has_id)
        json_wire_text(writer, "client_id", snapshot->client_id->bytes, snapshot->client_id->length);
    json_string(writer, "version", tap_version_name(snapshot->version));
    json_bool(writer, "connect_seen", snapshot->connect_seen);
    json_bool(writer, "connect_left_out", snapshot->lacks_connect);
    json_bool(writer, "bridge", snapshot->is_bridge);
    if (snapshot->has_keep_alive)
        json_unsigned(writer, "keep_alive", snapshot->keep_alive_s);
    if (snapshot->connect_seen)
        json_bool(writer, "clean_start", summary->clean_start);
    if (!summary->connack_seen)
        return;
    json_unsigned(writer, "connack_code", summary->connack_code);
    json_string(writer, "connack",
                mqtt_reason_name((enum mqtt_version)snapshot->version, MQTT_TYPE_CONNACK, summary->connack_code));
    if (snapshot->version != MQTT_V31)
        json_bool(writer, "session_present", summary->session_present);
}

/** How the connection ended. */
static void write_ending(struct json_writer *writer, const struct track_summary *summary)
{
    unsigned broker = summary->snapshot->broker;
    GString *end = g_string_new(NULL);

    session_append_end(end, summary);
    json_string(writer, "ended", end->str);
    g_string_free(end, TRUE);
    if (summary->disconnected) {
        json_string(writer, "disconnect_by",
                    broker == TRACK_END_UNKNOWN          ? "unknown"
                    : broker == summary->disconnected_by ? "broker"
                                                         : "client");
        json_unsigned(writer, "disconnect_code", summary->disconnect_reason);
    }
    json_bool(writer, "fin", summary->transport.is_finished);
    json_bool(writer, "reset", summary->transport.is_reset);
    json_bool(writer, "taken_over", summary->taken_over);
    json_unsigned(writer, "unfinished", summary->unfinished_count);
    json_bool(writer, "gap", summary->snapshot->has_gap);
    json_bool(writer, "complete", session_is_whole(summary->snapshot));
}

static void write_connection(struct json_writer *writer, const struct json_counts *counts,
                             const struct counted_connection *counted)
{
    const struct described_connection *described = counted->described;
    const struct session_row *row = described->row;
    GString *client = g_string_new(NULL);
    struct track_summary summary;

    track_summarise(counted->connection, &summary);
    unsigned broker = session_broker_end(summary.snapshot->broker);
    session_append_client(client, row, &summary);
    json_open(writer, "connection");
    json_unsigned(writer, "connection", row->number);
    if (row->has_stream)
        json_unsigned(writer, "stream", row->stream);
    json_string(writer, "client", client->str);
    json_string(writer, "role", session_role(&summary));
    json_bool(writer, "broker_known", summary.snapshot->broker != TRACK_END_UNKNOWN);
    json_string(writer, "client_address", row->ends[1 - broker]);
    json_string(writer, "broker_address", row->ends[broker]);
    write_greeting(writer, &summary);
    json_string(writer, "user_name", row->user_name);
    json_string(writer, "user_name_hex", row->user_name_hex);
    json_unsigned(writer, "frame", described->first_frame);
    json_time(writer, "start", &counted->start);
    json_time(writer, "last", &described->end);
    json_unsigned(writer, "packets", counted->packets);
    json_unsigned(writer, "bytes", described->bytes);
    json_by_qos(writer, "publishes_to_broker", row->publishes[1 - broker]);
    json_by_qos(writer, "publishes_to_client", row->publishes[broker]);
    write_filters(writer, row);
    write_ending(writer, &summary);
    json_severities(writer, "findings", described->findings);
    json_write_coverage(writer, counts->statements, described->coverage);
    json_close(writer);
    g_string_free(client, TRUE);
}

static void write_times(struct json_writer *writer, const char *name, const struct histogram *times)
{
    if (times == NULL || times->count == 0)
        return;
    json_begin_member(writer, name);
    json_unsigned(writer, "count", times->count);
    json_unsigned(writer, "median_us", (uint64_t)(histogram_percentile(times, 50) * 1e6));
    json_unsigned(writer, "most_us", (uint64_t)(times->most_ns / 1000));
    json_end_member(writer);
}

/** The rows of the table of deliveries, but for its total. */
static void write_deliveries(struct json_writer *writer, const struct delivery_book *book)
{
    for (unsigned i = 1; i < book->rows->len; i++) {
        const struct delivery_row *row = (const struct delivery_row *)g_ptr_array_index(book->rows, i);
        json_open(writer, "delivery");
        json_string(writer, "topic", row->topic);
        json_string(writer, "subscriber", row->subscriber);
        json_unsigned(writer, "published", row->published);
        json_unsigned(writer, "delivered", row->delivered);
        json_unsigned(writer, "twice", row->twice);
        json_unsigned(writer, "disordered", row->disordered);
        json_unsigned(writer, "certain", row->certain);
        write_times(writer, "broker_time", row->broker);
        write_times(writer, "end_to_end", row->end_to_end);
        json_close(writer);
    }
}

void json_write_counts(struct json_writer *writer, struct json_counts *counts)
{
    bool versions[CHECK_COLUMNS] = {false};

    for (unsigned i = 0; i < counts->connections->len; i++) {
        const struct counted_connection *counted =
            (const struct counted_connection *)g_ptr_array_index(counts->connections, i);
        struct track_summary summary;
        track_summarise(counted->connection, &summary);
        if (summary.snapshot->version != MQTT_VERSION_UNKNOWN)
            versions[summary.snapshot->version - MQTT_V31] = true;
        if (counted->described != NULL)
            write_connection(writer, counts, counted);
    }
    if (counts->names != NULL) {
        json_write_names(writer, counts->names);
        write_deliveries(writer, counts->deliveries);
    }
    json_write_statements(writer, counts->statements, versions);
}

void json_summarise_counts(struct json_writer *writer, const struct json_counts *counts)
{
    unsigned without_connect = 0;
    unsigned gaps = 0;
    unsigned versions[MQTT_V50 + 1] = {0};

    for (unsigned i = 0; i < counts->connections->len; i++) {
        const struct counted_connection *counted =
            (const struct counted_connection *)g_ptr_array_index(counts->connections, i);
        struct track_summary summary;
        track_summarise(counted->connection, &summary);
        without_connect += counted->packets > 0 && session_lacks_connect(summary.snapshot);
        gaps += summary.snapshot->has_gap;
        if (summary.snapshot->version <= MQTT_V50)
            versions[summary.snapshot->version]++;
    }
    json_unsigned(writer, "mqtt_packets", counts->packets);
    json_unsigned(writer, "connections", counts->connections->len);
    json_unsigned(writer, "connections_without_connect", without_connect);
    json_unsigned(writer, "connections_with_gap", gaps);
    json_begin_member(writer, "versions");
    for (unsigned version = MQTT_V31; version <= MQTT_V50; version++)
        json_unsigned(writer, tap_version_name(version), versions[version]);
    json_unsigned(writer, "unknown", versions[MQTT_VERSION_UNKNOWN]);
    json_end_member(writer);
    if (counts->names != NULL)
        json_summarise_names(writer, counts->names);
    json_severities(writer, "findings", counts->findings);
}
