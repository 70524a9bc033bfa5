/* json_counts.c - what the objects about connections, topics and clients say, counted until the end of the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "delivery_row.h"
#include "json.h"
#include "sessions.h"

enum { TOPICS_MAX = 10000, CLIENTS_MAX = 5000, NANOSECONDS_OF_SECOND = 1000000000 };

struct counted_topic {
    char *name;
    uint32_t messages[4]; /**< by QoS */
    uint32_t retained;
    uint64_t bytes;
    uint32_t first_frame;
    char *hex; /**< its bytes, where the name is not what they are; else NULL */
};

struct counted_client {
    char *name;
    uint32_t packets[3]; /**< by enum tap_direction */
    uint32_t connections;
    uint32_t last_connection; /**< its number + 1 */
    uint32_t first_frame;
    uint32_t findings[CHECK_SEVERITIES];
};

/** A connection: what the table of connections has of it, and more. */
struct counted_connection {
    struct session_row *row;
    struct json_coverage *coverage;
    struct counted_client *client; /**< as its last packet had it; NULL: none */
    struct counted_topic *topic;   /**< of its last PUBLISH; NULL: none */
    uint32_t first_frame;
    uint32_t packets;
    uint64_t bytes;
    nstime_t start;
    nstime_t end;
    uint32_t findings[CHECK_SEVERITIES];
};

struct json_counts {
    struct json_statements *statements;
    struct delivery_book *deliveries;
    GPtrArray *connections;
    GPtrArray *by_number; /**< struct counted_connection by number; NULL where a number has none */
    GHashTable *streams;  /**< the TCP streams that they are */
    GHashTable *topics;   /**< struct counted_topic by name; TOPICS_MAX at most */
    GHashTable *clients;  /**< struct counted_client by name; CLIENTS_MAX at most */
    uint32_t further_topics;
    uint32_t further_clients; /**< packets whose topic or client is not among them */
    uint64_t packets;
    uint32_t findings[CHECK_SEVERITIES];
};

static void free_connection(void *given)
{
    struct counted_connection *counted = (struct counted_connection *)given;

    session_row_free(counted->row);
    json_coverage_free(counted->coverage);
    g_free(counted);
}

static void free_topic(void *given)
{
    struct counted_topic *counted = (struct counted_topic *)given;

    g_free(counted->name);
    g_free(counted->hex);
    g_free(counted);
}

static void free_client(void *given)
{
    struct counted_client *counted = (struct counted_client *)given;

    g_free(counted->name);
    g_free(counted);
}

struct json_counts *json_counts_new(void)
{
    struct json_counts *counts = g_new0(struct json_counts, 1);

    counts->statements = json_statements_new();
    counts->deliveries = delivery_book_new(JSON_TEXT_CHARACTERS, JSON_TEXT_CHARACTERS);
    counts->connections = g_ptr_array_new_with_free_func(free_connection);
    counts->by_number = g_ptr_array_new();
    counts->streams = g_hash_table_new(NULL, NULL);
    counts->topics = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_topic);
    counts->clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_client);
    return counts;
}

void json_counts_free(struct json_counts *counts)
{
    g_ptr_array_unref(counts->connections);
    json_statements_free(counts->statements);
    delivery_book_free(counts->deliveries);
    g_ptr_array_unref(counts->by_number);
    g_hash_table_destroy(counts->streams);
    g_hash_table_destroy(counts->topics);
    g_hash_table_destroy(counts->clients);
    g_free(counts);
}

static void add_findings(uint32_t counted[CHECK_SEVERITIES], const struct tap_record *record)
{
    const struct check_findings *findings = record->findings;

    for (unsigned i = 0; findings != NULL && i < findings->count; i++)
        counted[findings->list[i].severity] += 1 + findings->list[i].further;
}

static struct counted_connection *find_connection(struct json_counts *counts, const struct tap_record *record,
                                                  packet_info *pinfo)
{
    uint32_t number = record->facts.connection;

    if (number >= counts->by_number->len)
        g_ptr_array_set_size(counts->by_number, (int)number + 1);
    struct counted_connection *found = (struct counted_connection *)g_ptr_array_index(counts->by_number, number);
    if (found != NULL)
        return found;
    found = g_new0(struct counted_connection, 1);
    found->row = session_row_new(record, pinfo);
    found->coverage = json_coverage_new(counts->statements);
    found->first_frame = pinfo->num;
    found->start = found->end = pinfo->rel_ts;
    g_ptr_array_add(counts->connections, found);
    g_ptr_array_index(counts->by_number, number) = found;
    if (found->row->has_stream)
        g_hash_table_add(counts->streams, GUINT_TO_POINTER(found->row->stream));
    return found;
}

/** The topic of a PUBLISH; NULL where it would be one too many. */
static struct counted_topic *find_topic(struct json_counts *counts, const struct tap_record *record, packet_info *pinfo)
{
    char *name = tap_shorten(record->topic, JSON_TEXT_CHARACTERS);
    struct counted_topic *found = (struct counted_topic *)g_hash_table_lookup(counts->topics, name);

    if (found != NULL || g_hash_table_size(counts->topics) == TOPICS_MAX) {
        g_free(name);
        return found;
    }
    found = g_new0(struct counted_topic, 1);
    found->name = name;
    found->first_frame = pinfo->num;
    found->hex = json_topic_hex(record, name);
    g_hash_table_insert(counts->topics, name, found);
    return found;
}

static void count_topic(struct json_counts *counts, struct counted_connection *connection,
                        const struct tap_record *record, packet_info *pinfo)
{
    const struct mqtt_publish *publish = &record->packet.publish;

    if (connection->topic == NULL || strcmp(connection->topic->name, record->topic) != 0)
        connection->topic = find_topic(counts, record, pinfo);
    struct counted_topic *topic = connection->topic;
    if (topic == NULL) {
        counts->further_topics++;
        return;
    }
    topic->messages[publish->qos & 3]++;
    topic->retained += publish->retain;
    topic->bytes += publish->payload.length;
}

/** The client of that name; NULL where it would be one too many. */
static struct counted_client *find_counted_client(struct json_counts *counts, const char *name, packet_info *pinfo)
{
    char *shortened = tap_shorten(name, JSON_TEXT_CHARACTERS);
    struct counted_client *found = (struct counted_client *)g_hash_table_lookup(counts->clients, shortened);

    if (found != NULL || g_hash_table_size(counts->clients) == CLIENTS_MAX) {
        g_free(shortened);
        return found;
    }
    found = g_new0(struct counted_client, 1);
    found->name = shortened;
    found->first_frame = pinfo->num;
    g_hash_table_insert(counts->clients, shortened, found);
    return found;
}

static void count_client(struct json_counts *counts, struct counted_connection *connection,
                         const struct tap_record *record, packet_info *pinfo)
{
    const char *name = tap_client_of(record);

    if (name == NULL)
        return;
    if (connection->client == NULL || strcmp(connection->client->name, name) != 0)
        connection->client = find_counted_client(counts, name, pinfo);
    struct counted_client *client = connection->client;
    if (client == NULL) {
        counts->further_clients++;
        return;
    }
    if (client->last_connection != record->facts.connection + 1)
        client->connections++;
    client->last_connection = record->facts.connection + 1;
    if (record->subject == TAP_PACKET)
        client->packets[tap_direction_of(record)]++;
    add_findings(client->findings, record);
}

void json_count(struct json_counts *counts, const struct tap_record *record, packet_info *pinfo)
{
    struct counted_connection *connection = find_connection(counts, record, pinfo);
    nstime_t age;

    add_findings(connection->findings, record);
    add_findings(counts->findings, record);
    session_row_count(connection->row, record, pinfo);
    nstime_delta(&age, &pinfo->rel_ts, &connection->start);
    json_judge(counts->statements, connection->coverage, record, (int64_t)age.secs * NANOSECONDS_OF_SECOND + age.nsecs);
    count_client(counts, connection, record, pinfo);
    delivery_book_count(counts->deliveries, record);
    if (record->subject != TAP_PACKET)
        return;
    counts->packets++;
    connection->packets++;
    connection->bytes += record->packet.length;
    connection->end = pinfo->rel_ts;
    if (record->packet.type == MQTT_TYPE_PUBLISH && record->topic[0] != '\0')
        count_topic(counts, connection, record, pinfo);
}

bool json_has_stream(const struct json_counts *counts, uint32_t stream)
{
    return g_hash_table_contains(counts->streams, GUINT_TO_POINTER(stream));
}

/* --- Writing ---------------------------------------------------------------------------------------------------- */

static void write_publishes(struct json_writer *writer, const char *name, const uint32_t messages[4])
{
    json_begin_array(writer, name);
    for (unsigned qos = 0; qos < 4; qos++)
        json_element_unsigned(writer, messages[qos]);
    json_end_array(writer);
}

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
    const struct session_row *row = counted->row;
    GString *client = g_string_new(NULL);
    struct track_summary summary;

    track_summarise(row->connection, &summary);
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
    json_unsigned(writer, "frame", counted->first_frame);
    json_time(writer, "start", &counted->start);
    json_time(writer, "last", &counted->end);
    json_unsigned(writer, "packets", counted->packets);
    json_unsigned(writer, "bytes", counted->bytes);
    write_publishes(writer, "publishes_to_broker", row->publishes[1 - broker]);
    write_publishes(writer, "publishes_to_client", row->publishes[broker]);
    write_filters(writer, row);
    write_ending(writer, &summary);
    json_severities(writer, "findings", counted->findings);
    json_write_coverage(writer, counts->statements, counted->coverage);
    json_close(writer);
    g_string_free(client, TRUE);
}

static int compare_keys(gconstpointer one, gconstpointer other)
{
    return strcmp((const char *)one, (const char *)other);
}

static void write_topics(struct json_writer *writer, const struct json_counts *counts)
{
    GList *topics = g_list_sort(g_hash_table_get_keys(counts->topics), compare_keys);

    for (GList *each = topics; each != NULL; each = each->next) {
        const struct counted_topic *topic =
            (const struct counted_topic *)g_hash_table_lookup(counts->topics, each->data);
        json_open(writer, "topic");
        json_string(writer, "topic", (const char *)each->data);
        json_string(writer, "topic_hex", topic->hex);
        json_unsigned(writer, "frame", topic->first_frame);
        write_publishes(writer, "messages", topic->messages);
        json_unsigned(writer, "retained", topic->retained);
        json_unsigned(writer, "payload_bytes", topic->bytes);
        json_close(writer);
    }
    g_list_free(topics);
}

static void write_clients(struct json_writer *writer, const struct json_counts *counts)
{
    GList *clients = g_list_sort(g_hash_table_get_keys(counts->clients), compare_keys);

    for (GList *each = clients; each != NULL; each = each->next) {
        const struct counted_client *client =
            (const struct counted_client *)g_hash_table_lookup(counts->clients, each->data);
        json_open(writer, "client");
        json_string(writer, "client", (const char *)each->data);
        json_unsigned(writer, "frame", client->first_frame);
        json_unsigned(writer, "connections", client->connections);
        json_unsigned(writer, "packets_sent", client->packets[TAP_TO_BROKER]);
        json_unsigned(writer, "packets_received", client->packets[TAP_TO_CLIENT]);
        json_severities(writer, "findings", client->findings);
        json_close(writer);
    }
    g_list_free(clients);
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
        track_summarise(counted->row->connection, &summary);
        if (summary.snapshot->version != MQTT_VERSION_UNKNOWN)
            versions[summary.snapshot->version - MQTT_V31] = true;
        write_connection(writer, counts, counted);
    }
    write_topics(writer, counts);
    write_clients(writer, counts);
    write_deliveries(writer, counts->deliveries);
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
        track_summarise(counted->row->connection, &summary);
        without_connect += session_lacks_connect(summary.snapshot);
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
    json_unsigned(writer, "topics_not_listed", counts->further_topics);
    json_unsigned(writer, "clients_not_listed", counts->further_clients);
    json_severities(writer, "findings", counts->findings);
}
