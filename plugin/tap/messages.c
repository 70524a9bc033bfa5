/* messages.c - `mqttscope,messages`: the messages that took longest, and those that were not delivered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only deliveries whose publication is certain have a time. What is missing is known at the end of the capture only: until then
 * it may come.
 */
#include <string.h>

#include <epan/packet.h>
#include <epan/to_str.h>

#include "../compat.h"
#include "delivery_row.h"
#include "table.h"
#include "tap.h"

enum {
    SLOWEST_MOST = 100,
    MISSING_MOST = 1000, /**< further ones are counted */
    TOPIC_CHARACTERS = 40,
    NAME_CHARACTERS = 30,
};

enum message_column {
    COLUMN_WHY,
    COLUMN_MESSAGE,
    COLUMN_TOPIC,
    COLUMN_PUBLISHER,
    COLUMN_SUBSCRIBER,
    COLUMN_QOS,
    COLUMN_PUBLISHED_IN,
    COLUMN_DELIVERED_IN,
    COLUMN_BROKER_TIME,
    MESSAGE_COLUMNS,
};

static const struct tap_column column_list[MESSAGE_COLUMNS] = {
    [COLUMN_WHY] = {"Why", TABLE_ITEM_STRING},
    [COLUMN_MESSAGE] = {"Message", TABLE_ITEM_UINT},
    [COLUMN_TOPIC] = {"Topic", TABLE_ITEM_STRING},
    [COLUMN_PUBLISHER] = {"Publisher", TABLE_ITEM_STRING},
    [COLUMN_SUBSCRIBER] = {"Subscriber", TABLE_ITEM_STRING},
    [COLUMN_QOS] = {"QoS", TABLE_ITEM_UINT},
    [COLUMN_PUBLISHED_IN] = {"Published in", TABLE_ITEM_UINT},
    [COLUMN_DELIVERED_IN] = {"Delivered in", TABLE_ITEM_UINT},
    [COLUMN_BROKER_TIME] = {"Broker time", TABLE_ITEM_FLOAT},
};

/** A row of the table. The texts are its own. */
struct message_row {
    const char *why;
    char *topic;
    char *publisher;
    char *subscriber;
    uint32_t message;
    uint32_t published_in;
    uint32_t delivered_in; /**< 0: in none */
    int64_t broker_ns;
    uint8_t qos;
};

/* What is counted while the table is open. */
static struct {
    struct delivery_book *book;
    GArray *slowest; /* struct message_row, the slowest first */
    GArray *rows;    /* the same for all that was drawn last; the first is the total */
    uint64_t timed;  /* deliveries with a time */
} open_messages;

static struct tap_table messages_table;

static void clear_message_row(void *data)
{
    struct message_row *row = (struct message_row *)data;

    g_free(row->topic);
    g_free(row->publisher);
    g_free(row->subscriber);
}

static struct message_row *message_at(unsigned index)
{
    return &g_array_index(open_messages.rows, struct message_row, index);
}

static const char *message_cell_text(unsigned row, unsigned column)
{
    switch (column) {
    case COLUMN_WHY:
        return message_at(row)->why;
    case COLUMN_TOPIC:
        return message_at(row)->topic;
    case COLUMN_PUBLISHER:
        return message_at(row)->publisher;
    default:
        return message_at(row)->subscriber;
    }
}

static void fill_message_cells(unsigned index)
{
    const struct message_row *row = message_at(index);
    stat_tap_table_item_type cells[MESSAGE_COLUMNS];

    tap_table_begin_cells(&messages_table, index, cells);
    cells[COLUMN_MESSAGE].value.uint_value = row->message;
    cells[COLUMN_QOS].value.uint_value = row->qos;
    cells[COLUMN_PUBLISHED_IN].value.uint_value = row->published_in;
    cells[COLUMN_DELIVERED_IN].value.uint_value = row->delivered_in;
    cells[COLUMN_BROKER_TIME].value.float_value = (double)row->broker_ns / 1e9;
    tap_table_set_cells(&messages_table, index, cells);
}

/** The name of a delivery's publisher: its Client Identifier, or its address. The caller's, for g_free(). */
static char *publisher_of(const struct track_journey *journey)
{
    const struct track_text *name = journey->publisher_id;
    const struct track_endpoint *end = track_connection_end(journey->publisher, journey->publisher_end);
    address where = ADDRESS_INIT(end->length == 16 ? AT_IPv6 : AT_IPv4, end->length, end->address);

    if (name != NULL)
        return tap_client_name(name->bytes, name->length, NAME_CHARACTERS);
    char *text = address_to_str(NULL, &where);
    char *publisher = g_strdup_printf(end->length == 16 ? "[%s]:%u" : "%s:%u", text, end->port);
    wmem_free(NULL, text);
    return publisher;
}

/** Takes a delivery in if it is among the slowest. */
static void take_slow(const struct tap_record *record)
{
    const struct track_journey *journey = &record->facts.journey;
    GArray *slowest = open_messages.slowest;
    unsigned at = slowest->len;

    if (journey->part != TRACK_JOURNEY_DELIVERY || journey->broker_ns == TRACK_TIME_UNKNOWN)
        return;
    open_messages.timed++;
    while (at > 0 && g_array_index(slowest, struct message_row, at - 1).broker_ns < journey->broker_ns)
        at--;
    if (at == SLOWEST_MOST)
        return;
    struct message_row row = {
        .why = "slowest",
        .topic = tap_shorten(record->topic, TOPIC_CHARACTERS),
        .publisher = publisher_of(journey),
        .subscriber = tap_shorten(record->receiver_name, NAME_CHARACTERS),
        .message = journey->message,
        .published_in = journey->published_in,
        .delivered_in = record->facts.pdu.frame,
        .broker_ns = journey->broker_ns,
        .qos = record->packet.publish.qos,
    };
    g_array_insert_val(slowest, at, row);
    if (slowest->len > SLOWEST_MOST)
        g_array_set_size(slowest, SLOWEST_MOST);
}

/** Appends a row of the slowest to what is drawn. */
static void add_slow_row(const struct message_row *from)
{
    struct message_row row = *from;

    row.topic = g_strdup(from->topic);
    row.publisher = g_strdup(from->publisher);
    row.subscriber = g_strdup(from->subscriber);
    g_array_append_val(open_messages.rows, row);
}

/** Appends what a row of the deliveries lacks, as far as there is room. */
static void add_missing_rows(const struct delivery_row *from, unsigned *room)
{
    unsigned count = from->due != NULL ? MIN(from->due->len, *room) : 0;

    *room -= count;
    for (unsigned i = 0; i < count; i++) {
        const struct delivery_due *due = &g_array_index(from->due, struct delivery_due, i);
        struct message_row row = {
            .why = "missing (or withheld)",
            .topic = g_strdup(from->topic),
            .publisher = g_strdup(due->publisher),
            .subscriber = g_strdup(from->subscriber),
            .message = due->message,
            .published_in = due->frame,
            .qos = due->qos,
        };
        g_array_append_val(open_messages.rows, row);
    }
}

/** Makes the rows: the total, what is missing, and the slowest. */
static void make_message_rows(void)
{
    const struct delivery_book *book = open_messages.book;
    unsigned room = MISSING_MOST;
    uint64_t missing = 0;
    struct message_row total = {.why = "(all)"};

    g_array_set_size(open_messages.rows, 0);
    g_array_append_val(open_messages.rows, total);
    for (unsigned i = 1; i < book->rows->len; i++) {
        const struct delivery_row *row = (const struct delivery_row *)g_ptr_array_index(book->rows, i);
        missing += delivery_row_missing(row);
        add_missing_rows(row, &room);
    }
    unsigned listed = MISSING_MOST - room;
    for (unsigned i = 0; i < open_messages.slowest->len; i++)
        add_slow_row(&g_array_index(open_messages.slowest, struct message_row, i));
    uint64_t left_out = book->not_counted + book->left_out + book->subscriptions->not_followed;
    message_at(0)->topic = g_strdup_printf("%" G_GUINT64_FORMAT " missing, %u listed", missing, listed);
    message_at(0)->publisher =
        g_strdup_printf("%" G_GUINT64_FORMAT " timed, %u listed", open_messages.timed, open_messages.slowest->len);
    message_at(0)->subscriber =
        left_out > 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " not looked at", left_out) : g_strdup("(all)");
}

static void draw_messages(void)
{
    tap_table_clear(&messages_table);
    make_message_rows();
    for (unsigned i = 0; i < open_messages.rows->len; i++)
        fill_message_cells(i);
    tap_table_pad(&messages_table, open_messages.rows->len);
}

static bool add_to_messages(const struct tap_record *record, packet_info *pinfo _U_)
{
    delivery_book_count(open_messages.book, record);
    take_slow(record);
    return true;
}

static void end_message_rows(void)
{
    delivery_book_free(open_messages.book);
    open_messages.book = NULL;
    g_clear_pointer(&open_messages.slowest, g_array_unref);
    g_clear_pointer(&open_messages.rows, g_array_unref);
    open_messages.timed = 0;
}

static void begin_message_rows(void)
{
    open_messages.book = delivery_book_new(TOPIC_CHARACTERS, NAME_CHARACTERS);
    open_messages.slowest = g_array_new(FALSE, FALSE, sizeof(struct message_row));
    open_messages.rows = g_array_new(FALSE, FALSE, sizeof(struct message_row));
    g_array_set_clear_func(open_messages.slowest, clear_message_row);
    g_array_set_clear_func(open_messages.rows, clear_message_row);
}

static struct tap_table messages_table = {
    .title = "MQTT Messages",
    .menu = COMPAT_TABLE_MENU "Messages",
    .command = TAP_NAME ",messages",
    .columns = column_list,
    .column_count = MESSAGE_COLUMNS,
    .text = message_cell_text,
    .begin = begin_message_rows,
    .end = end_message_rows,
    .count = add_to_messages,
    .draw = draw_messages,
};

void tap_register_messages(int proto _U_)
{
    tap_table_register(&messages_table);
}
