/* delivery_row.c - a row of the table of deliveries: what one subscriber got of one topic.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A row begins with the first message that is published while its subscriber's subscription is in force. Where the subscription
 * is not known (a capture that begins later, or a filter that leaves the SUBSCRIBE out), it begins with the first delivery.
 * Until the subscriber's connection ends, each message to the topic counts as published for it. What was stored or queued
 * before counts when it is delivered.
 */
#include "delivery_row.h"

#include <string.h>

#include "tap.h"

enum {
    WAITING_MOST = 100000,
    TOPICS_MOST = 20000,     /**< topics that are matched with subscriptions */
    PUBLISHERS_MOST = 20000, /**< whose names are kept */
    DUE_MOST = 256,          /**< messages under way that are known of a row */
};

/** What a row is found by: topic and subscriber, not shortened. */
struct row_names {
    const char *topic;
    const char *subscriber;
};

/** Whom the messages of a topic are for. */
struct topic_claims {
    GArray *claims; /**< struct topic_claim */
    unsigned seen;  /**< so many subscriptions were matched with the topic */
};

/** A row that counts what is published to its topic. */
struct topic_claim {
    struct delivery_row *row;
    const struct tap_subscription *subscription; /**< NULL: a delivery opened the row */
};

static void free_delivery_row(void *data)
{
    struct delivery_row *row = (struct delivery_row *)data;

    g_free(row->topic);
    g_free(row->subscriber);
    g_free(row->broker);
    g_free(row->end_to_end);
    if (row->due != NULL)
        g_array_unref(row->due);
    g_free(row);
}

static guint hash_row_names(gconstpointer given)
{
    const struct row_names *names = (const struct row_names *)given;

    return g_str_hash(names->topic) * 31 + g_str_hash(names->subscriber);
}

static gboolean are_same_row_names(gconstpointer one, gconstpointer other)
{
    const struct row_names *first = (const struct row_names *)one;
    const struct row_names *second = (const struct row_names *)other;

    return strcmp(first->subscriber, second->subscriber) == 0 && strcmp(first->topic, second->topic) == 0;
}

static void free_claims(void *data)
{
    struct topic_claims *claims = (struct topic_claims *)data;

    g_array_unref(claims->claims);
    g_free(claims);
}

static void free_row_list(void *list)
{
    g_ptr_array_unref((GPtrArray *)list);
}

static struct delivery_row *make_row(struct delivery_book *book, const char *topic, const char *subscriber)
{
    struct delivery_row *row = g_new0(struct delivery_row, 1);

    row->topic = tap_shorten(topic, book->topic_characters);
    row->subscriber = tap_shorten(subscriber, book->name_characters);
    g_ptr_array_add(book->rows, row);
    return row;
}

struct delivery_book *delivery_book_new(unsigned topic_characters, unsigned name_characters)
{
    struct delivery_book *book = g_new0(struct delivery_book, 1);

    book->rows = g_ptr_array_new_with_free_func(free_delivery_row);
    book->by_names = g_hash_table_new_full(hash_row_names, are_same_row_names, g_free, NULL);
    book->names = g_string_chunk_new(4096);
    book->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_claims);
    book->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    book->of_client = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_row_list);
    book->topic_characters = topic_characters;
    book->name_characters = name_characters;
    book->publishers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    book->subscriptions = tap_subscriptions_new();
    book->key = g_string_new(NULL);
    make_row(book, "(all)", "(all)");
    return book;
}

void delivery_book_free(struct delivery_book *book)
{
    if (book == NULL)
        return;
    g_hash_table_destroy(book->by_names);
    g_string_chunk_free(book->names);
    g_hash_table_destroy(book->topics);
    g_hash_table_destroy(book->waiting);
    g_hash_table_destroy(book->of_client);
    g_hash_table_destroy(book->publishers);
    tap_subscriptions_free(book->subscriptions);
    g_string_free(book->key, TRUE);
    g_ptr_array_unref(book->rows);
    g_free(book);
}

/** The row of a topic and subscriber; NULL where it would be one too many. */
static struct delivery_row *find_row(struct delivery_book *book, const char *topic, const char *subscriber)
{
    const struct row_names names = {topic, subscriber};
    struct delivery_row *row = (struct delivery_row *)g_hash_table_lookup(book->by_names, &names);

    if (row != NULL || book->rows->len > DELIVERY_ROWS_MOST)
        return row;
    row = make_row(book, topic, subscriber);
    struct row_names *kept = g_new(struct row_names, 1);
    kept->topic = g_string_chunk_insert_const(book->names, topic);
    kept->subscriber = g_string_chunk_insert_const(book->names, subscriber);
    g_hash_table_insert(book->by_names, kept, row);
    return row;
}

/** The claims on the topic of a packet at its broker; made where there are none. NULL where they would be too many. */
static struct topic_claims *claims_of(struct delivery_book *book, const struct tap_record *record)
{
    g_string_assign(book->key, record->topic);
    g_string_append_unichar(book->key, track_journey_broker(record->connection) + 1);
    struct topic_claims *claims = (struct topic_claims *)g_hash_table_lookup(book->topics, book->key->str);

    if (claims != NULL || g_hash_table_size(book->topics) == TOPICS_MOST)
        return claims;
    claims = g_new0(struct topic_claims, 1);
    claims->claims = g_array_new(FALSE, FALSE, sizeof(struct topic_claim));
    g_hash_table_insert(book->topics, g_strdup(book->key->str), claims);
    return claims;
}

/** The bytes of a PUBLISH's topic. */
static const uint8_t *topic_bytes(const struct tap_record *record, uint32_t *length)
{
    const struct track_text *alias = track_alias_topic(&record->facts);
    struct mqtt_span topic = record->packet.publish.topic;

    *length = alias != NULL ? alias->length : topic.length;
    return alias != NULL ? alias->bytes : record->packet.bytes + topic.at;
}

/** Matches a topic with the subscriptions that it was not matched with yet. */
static void match_topic(struct delivery_book *book, struct topic_claims *claims, const struct tap_record *record)
{
    const GPtrArray *all = book->subscriptions->all;
    uint32_t broker = track_journey_broker(record->connection);
    uint32_t length;
    const uint8_t *bytes = topic_bytes(record, &length);

    for (; claims->seen < all->len; claims->seen++) {
        const struct tap_subscription *each = (const struct tap_subscription *)g_ptr_array_index(all, claims->seen);
        if (!each->is_open || each->broker != broker || !track_filter_matches(each->filter, bytes, length))
            continue;
        struct topic_claim claim = {find_row(book, record->topic, each->subscriber), each};
        if (claim.row != NULL)
            g_array_append_val(claims->claims, claim);
        else
            book->left_out++;
    }
}

/** A publisher's name, kept once. */
static const char *keep_name(struct delivery_book *book, const char *name)
{
    const char *known = (const char *)g_hash_table_lookup(book->publishers, name);

    if (known != NULL)
        return known;
    if (g_hash_table_size(book->publishers) == PUBLISHERS_MOST)
        return "...";
    char *kept = tap_shorten(name, book->name_characters);
    g_hash_table_insert(book->publishers, g_strdup(name), kept);
    return kept;
}

/** A message is published for a row. */
static void add_due(struct delivery_book *book, const struct topic_claim *claim, const struct tap_record *record)
{
    struct delivery_row *row = claim->row;
    const struct track_journey *journey = &record->facts.journey;
    uint8_t granted = claim->subscription != NULL ? claim->subscription->granted : 2;
    struct delivery_due due = {
        .content = journey->content,
        .message = journey->message,
        .frame = record->facts.pdu.frame,
        .publisher = keep_name(book, record->sender_name),
        .qos = MIN(record->packet.publish.qos, granted),
    };

    if (row->counted == journey->message) /* another subscription of the same Client */
        return;
    row->counted = journey->message;
    row->published++;
    if (row->due == NULL)
        row->due = g_array_new(FALSE, FALSE, sizeof(struct delivery_due));
    if (row->due->len == DUE_MOST) {
        row->dropped_to = g_array_index(row->due, struct delivery_due, 0).frame;
        g_array_remove_index(row->due, 0);
    }
    g_array_append_val(row->due, due);
}

/** A message is published: it is for each that is subscribed. */
static void count_publication(struct delivery_book *book, const struct tap_record *record)
{
    const struct track_packet_record *packet_record = record->facts.record;
    struct topic_claims *claims = claims_of(book, record);

    if (packet_record != NULL && packet_record->first_sent_in != 0)
        return;
    if (claims == NULL) {
        book->left_out++;
        return;
    }
    match_topic(book, claims, record);
    for (unsigned i = claims->claims->len; i > 0; i--) {
        const struct topic_claim *claim = &g_array_index(claims->claims, struct topic_claim, i - 1);
        const struct tap_subscription *subscription = claim->subscription;
        if (subscription != NULL ? !subscription->is_open : !claim->row->is_open) {
            g_array_remove_index_fast(claims->claims, i - 1);
            continue;
        }
        bool is_own =
            subscription != NULL && subscription->has_no_local && subscription->connection == record->facts.connection;
        if (!is_own)
            add_due(book, claim, record);
    }
}

/** True where a message was delivered to the row a moment ago. */
static bool is_recent(const struct delivery_row *row, uint32_t message)
{
    for (unsigned i = 0; i < DELIVERY_RECENT; i++)
        if (row->recent[i] == message)
            return true;
    return false;
}

static void add_time_to(struct histogram **histogram, int64_t ns)
{
    if (ns == TRACK_TIME_UNKNOWN)
        return;
    if (*histogram == NULL)
        *histogram = g_new0(struct histogram, 1);
    histogram_add(*histogram, ns);
}

static uint64_t delivery_key(const struct tap_record *record)
{
    return (uint64_t)record->facts.connection << 16 | record->packet.packet_id;
}

/** Begins to count what is published to the topic, where no subscription did. */
static void open_row(struct delivery_book *book, struct delivery_row *row, const struct tap_record *record)
{
    void *key = GUINT_TO_POINTER(record->facts.connection);
    struct topic_claim opened = {.row = row};

    if (row->is_open || record->facts.journey.kind == TRACK_JOURNEY_SHARED ||
        g_hash_table_lookup(book->subscriptions->of_connection, key) != NULL)
        return;
    struct topic_claims *claims = claims_of(book, record);
    if (claims == NULL)
        return;
    for (unsigned i = 0; i < claims->claims->len; i++)
        if (g_array_index(claims->claims, struct topic_claim, i).row == row)
            return;
    row->is_open = true;
    g_array_append_val(claims->claims, opened);
    GPtrArray *list = (GPtrArray *)g_hash_table_lookup(book->of_client, key);
    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(book->of_client, key, list);
    }
    g_ptr_array_add(list, row);
}

/** Takes a delivery from what is due; of equal messages, where it is not certain which one came, the oldest. False where it
 *  was not due. */
static bool take_due(struct delivery_row *row, const struct track_journey *journey)
{
    unsigned found = 0;

    if (row->due == NULL)
        return false;
    while (found < row->due->len && g_array_index(row->due, struct delivery_due, found).message != journey->message)
        found++;
    if (found == row->due->len && !journey->is_certain)
        for (found = 0; found < row->due->len; found++)
            if (g_array_index(row->due, struct delivery_due, found).content == journey->content)
                break;
    if (found == row->due->len)
        return false;
    g_array_remove_index(row->due, found);
    return true;
}

/** Counts a delivery as one that was due, as one more of the same, or as one of what was published before. */
static void add_delivery(struct delivery_row *row, const struct track_journey *journey)
{
    bool was_due = take_due(row, journey);

    if (!was_due && is_recent(row, journey->message)) {
        row->twice++;
        return;
    }
    row->delivered++;
    row->published += !was_due && journey->published_in > row->dropped_to;
    row->disordered += journey->is_certain && journey->message < row->latest && journey->publisher == row->latest_from;
}

static void count_delivery(struct delivery_book *book, const struct tap_record *record)
{
    const struct track_journey *journey = &record->facts.journey;
    struct delivery_row *row = find_row(book, record->topic, record->receiver_name);

    if (row == NULL) {
        book->not_counted++;
        return;
    }
    if (record->packet.publish.dup)
        return;
    add_delivery(row, journey);
    open_row(book, row, record);
    row->certain += journey->is_certain;
    row->recent[row->next_recent++ % DELIVERY_RECENT] = journey->message;
    if (journey->message > row->latest) {
        row->latest = journey->message;
        row->latest_from = journey->publisher;
    }
    add_time_to(&row->broker, journey->broker_ns);
    add_time_to(&row->end_to_end, journey->end_to_end_ns);
    if (record->packet.publish.qos > 0 && g_hash_table_size(book->waiting) < WAITING_MOST) {
        uint64_t *key = g_new(uint64_t, 1);
        *key = delivery_key(record);
        g_hash_table_replace(book->waiting, key, row);
    }
}

/** A delivery is complete. */
static void count_completion(struct delivery_book *book, const struct tap_record *record)
{
    uint64_t key = delivery_key(record);
    struct delivery_row *row = (struct delivery_row *)g_hash_table_lookup(book->waiting, &key);

    if (row == NULL)
        return;
    add_time_to(&row->end_to_end, record->facts.journey.end_to_end_ns);
    if (record->packet.type != MQTT_TYPE_PUBREC)
        g_hash_table_remove(book->waiting, &key);
}

/** A subscriber's connection ends: what is published from here on is not for it. */
static void close_rows(struct delivery_book *book, uint32_t connection)
{
    const GPtrArray *rows = (const GPtrArray *)g_hash_table_lookup(book->of_client, GUINT_TO_POINTER(connection));

    for (unsigned i = 0; rows != NULL && i < rows->len; i++)
        ((struct delivery_row *)g_ptr_array_index(rows, i))->is_open = false;
    g_hash_table_remove(book->of_client, GUINT_TO_POINTER(connection));
}

void delivery_book_count(struct delivery_book *book, const struct tap_record *record)
{
    enum track_journey_part part = (enum track_journey_part)record->facts.journey.part;
    tap_subscriptions_follow(book->subscriptions, record);
    bool is_end = record->subject == TAP_CLOSING || record->packet.type == MQTT_TYPE_DISCONNECT ||
                  record->packet.type == MQTT_TYPE_UNSUBSCRIBE;

    if (is_end)
        close_rows(book, record->facts.connection);
    else if (part == TRACK_JOURNEY_PUBLICATION && record->packet.type == MQTT_TYPE_PUBLISH)
        count_publication(book, record);
    else if (part == TRACK_JOURNEY_DELIVERY)
        count_delivery(book, record);
    else if (part == TRACK_JOURNEY_ACKNOWLEDGEMENT && tap_direction_of(record) == TAP_TO_BROKER)
        count_completion(book, record);
}
