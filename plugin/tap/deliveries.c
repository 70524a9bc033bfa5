/* deliveries.c - `mqttscope,deliveries`: who got what is published to each topic, and how long it took.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Percentiles are worked out when the table is drawn.
 */
#include <string.h>

#include <epan/packet.h>

#include "../compat.h"
#include "delivery_row.h"
#include "table.h"
#include "tap.h"

enum { TOPIC_CHARACTERS = 40, NAME_CHARACTERS = 30 };

enum delivery_column {
    COLUMN_TOPIC,
    COLUMN_SUBSCRIBER,
    COLUMN_PUBLISHED,
    COLUMN_DELIVERED,
    COLUMN_MISSING,
    COLUMN_TWICE,
    COLUMN_DISORDERED,
    COLUMN_CERTAIN,
    COLUMN_BROKER_LEAST,
    COLUMN_BROKER_MEDIAN,
    COLUMN_BROKER_95,
    COLUMN_BROKER_99,
    COLUMN_BROKER_MOST,
    COLUMN_END_MEDIAN,
    COLUMN_END_99,
    COLUMN_END_MOST,
    DELIVERY_COLUMNS,
    TIME_COLUMNS = DELIVERY_COLUMNS - COLUMN_BROKER_LEAST,
};

/** The times of a row. They are texts, since there may be none; all are as wide, so that they sort as the numbers do. */
struct delivery_times {
    char columns[TIME_COLUMNS][24];
};

static const struct tap_column column_list[DELIVERY_COLUMNS] = {
    [COLUMN_TOPIC] = {"Topic", TABLE_ITEM_STRING},
    [COLUMN_SUBSCRIBER] = {"Subscriber", TABLE_ITEM_STRING},
    [COLUMN_PUBLISHED] = {"Published", TABLE_ITEM_UINT},
    [COLUMN_DELIVERED] = {"Delivered", TABLE_ITEM_UINT},
    [COLUMN_MISSING] = {"Missing (or withheld)", TABLE_ITEM_UINT},
    [COLUMN_TWICE] = {"Twice", TABLE_ITEM_UINT},
    [COLUMN_DISORDERED] = {"Out of order", TABLE_ITEM_UINT},
    [COLUMN_CERTAIN] = {"Certain", TABLE_ITEM_UINT},
    [COLUMN_BROKER_LEAST] = {"Broker time min", TABLE_ITEM_STRING},
    [COLUMN_BROKER_MEDIAN] = {"median +-6%", TABLE_ITEM_STRING},
    [COLUMN_BROKER_95] = {"p95 +-6%", TABLE_ITEM_STRING},
    [COLUMN_BROKER_99] = {"p99 +-6%", TABLE_ITEM_STRING},
    [COLUMN_BROKER_MOST] = {"max", TABLE_ITEM_STRING},
    [COLUMN_END_MEDIAN] = {"End-to-end median +-6%", TABLE_ITEM_STRING},
    [COLUMN_END_99] = {"p99 +-6%", TABLE_ITEM_STRING},
    [COLUMN_END_MOST] = {"max", TABLE_ITEM_STRING},
};

static struct delivery_book *deliveries; /* NULL while no table is open */
static GArray *delivery_times; /* of struct delivery_times by row, as of the last draw; NULL while no table is open */

static struct tap_table deliveries_table;

static const struct delivery_row *row_at(unsigned index)
{
    return (const struct delivery_row *)g_ptr_array_index(deliveries->rows, index);
}

static const char *delivery_cell_text(unsigned row, unsigned column)
{
    if (column >= COLUMN_BROKER_LEAST)
        return g_array_index(delivery_times, struct delivery_times, row).columns[column - COLUMN_BROKER_LEAST];
    return column == COLUMN_TOPIC ? row_at(row)->topic : row_at(row)->subscriber;
}

static void put_time(struct delivery_times *times, enum delivery_column column, double time_s)
{
    char *text = times->columns[column - COLUMN_BROKER_LEAST];
    snprintf(text, sizeof times->columns[0], "%12.6f", time_s);
}

/** Puts the times of a row into words, as far as there are any. */
static void fill_times(unsigned index)
{
    struct delivery_times *times = &g_array_index(delivery_times, struct delivery_times, index);
    const struct histogram *broker = row_at(index)->broker;
    const struct histogram *end_to_end = row_at(index)->end_to_end;

    memset(times, 0, sizeof *times);
    if (broker != NULL) {
        put_time(times, COLUMN_BROKER_LEAST, (double)broker->least_ns / 1e9);
        put_time(times, COLUMN_BROKER_MEDIAN, histogram_percentile(broker, 50));
        put_time(times, COLUMN_BROKER_95, histogram_percentile(broker, 95));
        put_time(times, COLUMN_BROKER_99, histogram_percentile(broker, 99));
        put_time(times, COLUMN_BROKER_MOST, (double)broker->most_ns / 1e9);
    }
    if (end_to_end != NULL) {
        put_time(times, COLUMN_END_MEDIAN, histogram_percentile(end_to_end, 50));
        put_time(times, COLUMN_END_99, histogram_percentile(end_to_end, 99));
        put_time(times, COLUMN_END_MOST, (double)end_to_end->most_ns / 1e9);
    }
}

static void fill_delivery_cells(unsigned index)
{
    const struct delivery_row *row = row_at(index);
    stat_tap_table_item_type cells[DELIVERY_COLUMNS];
    uint64_t missing = delivery_row_missing(row);

    tap_table_begin_cells(&deliveries_table, index, cells);
    cells[COLUMN_PUBLISHED].value.uint_value = (unsigned)row->published;
    cells[COLUMN_DELIVERED].value.uint_value = (unsigned)row->delivered;
    cells[COLUMN_MISSING].value.uint_value = (unsigned)missing;
    cells[COLUMN_TWICE].value.uint_value = (unsigned)row->twice;
    cells[COLUMN_DISORDERED].value.uint_value = (unsigned)row->disordered;
    cells[COLUMN_CERTAIN].value.uint_value = (unsigned)row->certain;
    tap_table_set_cells(&deliveries_table, index, cells);
}

static void add_histogram(struct histogram **total, const struct histogram *one)
{
    if (one == NULL)
        return;
    if (*total == NULL)
        *total = g_new0(struct histogram, 1);
    (*total)->least_ns = (*total)->count == 0 ? one->least_ns : MIN((*total)->least_ns, one->least_ns);
    (*total)->most_ns = MAX((*total)->most_ns, one->most_ns);
    (*total)->count += one->count;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        (*total)->buckets[i] += one->buckets[i];
}

/** Works out the first row: the sum of the others, and the deliveries that there was no row for. */
static void add_up(void)
{
    struct delivery_row *total = (struct delivery_row *)g_ptr_array_index(deliveries->rows, 0);

    total->published = total->delivered = deliveries->not_counted;
    total->twice = total->disordered = total->certain = 0;
    g_clear_pointer(&total->broker, g_free);
    g_clear_pointer(&total->end_to_end, g_free);
    for (unsigned i = 1; i < deliveries->rows->len; i++) {
        const struct delivery_row *row = row_at(i);
        total->published += MAX(row->published, row->delivered);
        total->delivered += row->delivered;
        total->twice += row->twice;
        total->disordered += row->disordered;
        total->certain += row->certain;
        add_histogram(&total->broker, row->broker);
        add_histogram(&total->end_to_end, row->end_to_end);
    }
    uint64_t left_out = deliveries->left_out + deliveries->subscriptions->not_followed;
    g_free(total->subscriber);
    if (deliveries->not_counted > 0 || left_out > 0)
        total->subscriber = g_strdup_printf("(all; %" G_GUINT64_FORMAT " deliveries have no row, %" G_GUINT64_FORMAT
                                            " topics or subscriptions left out)",
                                            deliveries->not_counted, left_out);
    else
        total->subscriber = g_strdup("(all)");
}

static void draw_deliveries(void)
{
    add_up();
    g_array_set_size(delivery_times, deliveries->rows->len);
    for (unsigned i = 0; i < deliveries->rows->len; i++)
        fill_times(i);
    for (unsigned i = 0; i < deliveries->rows->len; i++)
        fill_delivery_cells(i);
    tap_table_pad(&deliveries_table, deliveries->rows->len);
}

static bool add_to_deliveries(const struct tap_record *record, packet_info *pinfo _U_)
{
    delivery_book_count(deliveries, record);
    return true;
}

static void begin_delivery_rows(void)
{
    deliveries = delivery_book_new(TOPIC_CHARACTERS, NAME_CHARACTERS);
    delivery_times = g_array_new(FALSE, FALSE, sizeof(struct delivery_times));
}

static void end_delivery_rows(void)
{
    delivery_book_free(deliveries);
    deliveries = NULL;
    if (delivery_times != NULL)
        g_array_free(delivery_times, TRUE);
    delivery_times = NULL;
}

static struct tap_table deliveries_table = {
    .title = "MQTT Deliveries",
    .menu = COMPAT_TABLE_MENU "Deliveries",
    .command = TAP_NAME ",deliveries",
    .columns = column_list,
    .column_count = DELIVERY_COLUMNS,
    .text = delivery_cell_text,
    .begin = begin_delivery_rows,
    .end = end_delivery_rows,
    .count = add_to_deliveries,
    .draw = draw_deliveries,
};

void tap_register_deliveries(int proto _U_)
{
    tap_table_register(&deliveries_table);
}
