/* delivery_row.c - a row of the table of deliveries: what one subscriber got of one topic.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A row begins with the first delivery. From there on, until the subscriber's connection ends, each message to the topic
 * counts as published for it. What was stored or queued before counts when it is delivered.
 */
#include "delivery_row.h"

#include "tap.h"

enum { WAITING_MOST = 100000 };

static void free_delivery_row(void *data)
{
    struct delivery_row *row = (struct delivery_row *)data;

    g_free(row->topic);
    g_free(row->subscriber);
    g_free(row->broker);
    g_free(row->end_to_end);
    g_free(row);
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
    book->by_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    book->topics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_row_list);
    book->waiting = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    book->of_client = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_row_list);
    book->topic_characters = topic_characters;
    book->name_characters = name_characters;
    make_row(book, "(all)", "(all)");
    return book;
}

void delivery_book_free(struct delivery_book *book)
{
    if (book == NULL)
        return;
    g_hash_table_destroy(book->by_names);
    g_hash_table_destroy(book->topics);
    g_hash_table_destroy(book->waiting);
    g_hash_table_destroy(book->of_client);
    g_ptr_array_unref(book->rows);
    g_free(book);
}

/** The list of a key; made where there is none. */
static GPtrArray *rows_of(GHashTable *lists, void *key, bool is_text)
{
    GPtrArray *list = (GPtrArray *)g_hash_table_lookup(lists, key);

    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(lists, is_text ? g_strdup((const char *)key) : key, list);
    }
    return list;
}

/** The row of a delivery; NULL where it would be one too many. */
static struct delivery_row *find_row(struct delivery_book *book, const struct tap_record *record)
{
    const char *subscriber = record->receiver_name;
    char *names = g_strdup_printf("%s\n%s", record->topic, subscriber);
    struct delivery_row *row = (struct delivery_row *)g_hash_table_lookup(book->by_names, names);

    if (row != NULL || book->rows->len > DELIVERY_ROWS_MOST) {
        g_free(names);
        return row;
    }
    row = make_row(book, record->topic, subscriber);
    g_hash_table_insert(book->by_names, names, row);
    g_ptr_array_add(rows_of(book->topics, (void *)(uintptr_t)record->topic, true), row);
    return row;
}

/** A message is published: it is for each that is subscribed. */
static void count_publication(struct delivery_book *book, const struct tap_record *record)
{
    const GPtrArray *rows = (const GPtrArray *)g_hash_table_lookup(book->topics, record->topic);
    const struct track_packet_record *packet_record = record->facts.record;

    book->latest = MAX(book->latest, record->facts.journey.message);
    if (rows == NULL || (packet_record != NULL && packet_record->first_sent_in != 0))
        return;
    for (unsigned i = 0; i < rows->len; i++) {
        struct delivery_row *row = (struct delivery_row *)g_ptr_array_index(rows, i);
        row->published += row->is_open;
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

/** Begins to count what is published to the topic. */
static void open_row(struct delivery_book *book, struct delivery_row *row, const struct tap_record *record)
{
    if (row->is_open || record->facts.journey.kind == TRACK_JOURNEY_SHARED)
        return;
    row->is_open = true;
    row->counted_from = book->latest + 1;
    g_ptr_array_add(rows_of(book->of_client, GUINT_TO_POINTER(record->facts.connection), false), row);
}

static void count_delivery(struct delivery_book *book, const struct tap_record *record)
{
    const struct track_journey *journey = &record->facts.journey;
    struct delivery_row *row = find_row(book, record);

    if (row == NULL) {
        book->not_counted++;
        return;
    }
    if (record->packet.publish.dup)
        return;
    open_row(book, row, record);
    if (is_recent(row, journey->message)) {
        row->twice++;
    } else {
        row->delivered++;
        row->published += journey->message < row->counted_from || !row->is_open || journey->kind == TRACK_JOURNEY_WILL;
        row->disordered +=
            journey->is_certain && journey->message < row->latest && journey->publisher == row->latest_from;
    }
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
