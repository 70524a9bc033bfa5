/* json_names.c - what the objects about topics and clients say, counted by name until the end of the file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "json.h"

enum { TOPICS_MAX = 10000, CLIENTS_MAX = 5000 };

struct json_topic {
    char *name;
    uint32_t messages[4]; /**< by QoS */
    uint32_t retained;
    uint64_t bytes;
    uint32_t first_frame;
    char *hex; /**< its bytes, where the name is not what they are; else NULL */
};

struct json_client {
    char *name;
    uint32_t packets[3]; /**< by enum tap_direction */
    uint32_t connections;
    uint32_t last_connection; /**< its number + 1 */
    uint32_t first_frame;
    uint32_t findings[CHECK_SEVERITIES];
};

struct json_names {
    GHashTable *topics;  /**< struct json_topic by name; TOPICS_MAX at most */
    GHashTable *clients; /**< struct json_client by name; CLIENTS_MAX at most */
    uint32_t further_topics;
    uint32_t further_clients; /**< packets whose topic or client is not among them */
};

static void free_named_topic(void *given)
{
    struct json_topic *counted = (struct json_topic *)given;

    g_free(counted->name);
    g_free(counted->hex);
    g_free(counted);
}

static void free_named_client(void *given)
{
    struct json_client *counted = (struct json_client *)given;

    g_free(counted->name);
    g_free(counted);
}

struct json_names *json_names_new(void)
{
    struct json_names *names = g_new0(struct json_names, 1);

    names->topics = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_named_topic);
    names->clients = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_named_client);
    return names;
}

void json_names_free(struct json_names *names)
{
    if (names == NULL)
        return;
    g_hash_table_destroy(names->topics);
    g_hash_table_destroy(names->clients);
    g_free(names);
}

/** The topic of a PUBLISH; NULL where it would be one too many. */
static struct json_topic *find_named_topic(struct json_names *names, const struct tap_record *record,
                                           packet_info *pinfo)
{
    char *name = tap_shorten(record->topic, JSON_TEXT_CHARACTERS);
    struct json_topic *found = (struct json_topic *)g_hash_table_lookup(names->topics, name);

    if (found != NULL || g_hash_table_size(names->topics) == TOPICS_MAX) {
        g_free(name);
        return found;
    }
    found = g_new0(struct json_topic, 1);
    found->name = name;
    found->first_frame = pinfo->num;
    found->hex = json_topic_hex(record, name);
    g_hash_table_insert(names->topics, name, found);
    return found;
}

static void count_topic(struct json_names *names, struct json_latest *latest, const struct tap_record *record,
                        packet_info *pinfo)
{
    const struct mqtt_publish *publish = &record->packet.publish;

    if (latest->topic == NULL || strcmp(latest->topic->name, record->topic) != 0)
        latest->topic = find_named_topic(names, record, pinfo);
    struct json_topic *topic = latest->topic;
    if (topic == NULL) {
        names->further_topics++;
        return;
    }
    topic->messages[publish->qos & 3]++;
    topic->retained += publish->retain;
    topic->bytes += publish->payload.length;
}

/** The client of that name; NULL where it would be one too many. */
static struct json_client *find_named_client(struct json_names *names, const char *name, packet_info *pinfo)
{
    char *shortened = tap_shorten(name, JSON_TEXT_CHARACTERS);
    struct json_client *found = (struct json_client *)g_hash_table_lookup(names->clients, shortened);

    if (found != NULL || g_hash_table_size(names->clients) == CLIENTS_MAX) {
        g_free(shortened);
        return found;
    }
    found = g_new0(struct json_client, 1);
    found->name = shortened;
    found->first_frame = pinfo->num;
    g_hash_table_insert(names->clients, shortened, found);
    return found;
}

static void count_client(struct json_names *names, struct json_latest *latest, const struct tap_record *record,
                         packet_info *pinfo)
{
    const char *name = tap_client_of(record);

    if (name == NULL)
        return;
    if (latest->client == NULL || strcmp(latest->client->name, name) != 0)
        latest->client = find_named_client(names, name, pinfo);
    struct json_client *client = latest->client;
    if (client == NULL) {
        names->further_clients++;
        return;
    }
    if (client->last_connection != record->facts.connection + 1)
        client->connections++;
    client->last_connection = record->facts.connection + 1;
    if (record->subject == TAP_PACKET)
        client->packets[tap_direction_of(record)]++;
    json_add_findings(client->findings, record);
}

void json_count_names(struct json_names *names, struct json_latest *latest, const struct tap_record *record,
                      packet_info *pinfo)
{
    count_client(names, latest, record, pinfo);
    if (record->subject == TAP_PACKET && record->packet.type == MQTT_TYPE_PUBLISH && record->topic[0] != '\0')
        count_topic(names, latest, record, pinfo);
}

static int compare_keys(gconstpointer one, gconstpointer other)
{
    return strcmp((const char *)one, (const char *)other);
}

static void write_topics(struct json_writer *writer, const struct json_names *names)
{
    GList *topics = g_list_sort(g_hash_table_get_keys(names->topics), compare_keys);

    for (GList *each = topics; each != NULL; each = each->next) {
        const struct json_topic *topic = (const struct json_topic *)g_hash_table_lookup(names->topics, each->data);
        json_open(writer, "topic");
        json_string(writer, "topic", (const char *)each->data);
        json_string(writer, "topic_hex", topic->hex);
        json_unsigned(writer, "frame", topic->first_frame);
        json_by_qos(writer, "messages", topic->messages);
        json_unsigned(writer, "retained", topic->retained);
        json_unsigned(writer, "payload_bytes", topic->bytes);
        json_close(writer);
    }
    g_list_free(topics);
}

static void write_clients(struct json_writer *writer, const struct json_names *names)
{
    GList *clients = g_list_sort(g_hash_table_get_keys(names->clients), compare_keys);

    for (GList *each = clients; each != NULL; each = each->next) {
        const struct json_client *client = (const struct json_client *)g_hash_table_lookup(names->clients, each->data);
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

void json_write_names(struct json_writer *writer, const struct json_names *names)
{
    write_topics(writer, names);
    write_clients(writer, names);
}

void json_summarise_names(struct json_writer *writer, const struct json_names *names)
{
    json_unsigned(writer, "topics_not_listed", names->further_topics);
    json_unsigned(writer, "clients_not_listed", names->further_clients);
}
