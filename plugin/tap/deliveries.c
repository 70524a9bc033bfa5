/* deliveries.c - `mqttscope,deliveries`: who got what is published to each topic, and how long it took.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Percentiles are worked out when the table is drawn. Wireshark says nothing before it draws such a table; a second listener of
 * the tap, registered with the first packet, has its turn before (sessions.c).
 */
#include <string.h>

#include <epan/packet.h>

#include <epan/stat_tap_ui.h>

#include "../compat.h"
#include "delivery_row.h"
#include "table.h"
#include "tap.h"

#define TITLE "MQTT Deliveries"

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
    [COLUMN_BROKER_LEAST] = {"Broker time min", TABLE_ITEM_FLOAT},
    [COLUMN_BROKER_MEDIAN] = {"median +-6%", TABLE_ITEM_FLOAT},
    [COLUMN_BROKER_95] = {"p95 +-6%", TABLE_ITEM_FLOAT},
    [COLUMN_BROKER_99] = {"p99 +-6%", TABLE_ITEM_FLOAT},
    [COLUMN_BROKER_MOST] = {"max", TABLE_ITEM_FLOAT},
    [COLUMN_END_MEDIAN] = {"End-to-end median +-6%", TABLE_ITEM_FLOAT},
    [COLUMN_END_99] = {"p99 +-6%", TABLE_ITEM_FLOAT},
    [COLUMN_END_MOST] = {"max", TABLE_ITEM_FLOAT},
};

static stat_tap_table_item fields[DELIVERY_COLUMNS];
static char *padded_names[DELIVERY_COLUMNS];
static char *padded_formats[DELIVERY_COLUMNS];
static struct tap_columns columns = {column_list, DELIVERY_COLUMNS, fields, padded_names, padded_formats};

/* The table that is open. Wireshark keeps one for each kind of statistics. */
static struct {
    stat_tap_table *table; /* NULL while there is none */
    struct delivery_book *book;
    bool has_completer;
} open_deliveries;

static const struct delivery_row *row_at(unsigned index)
{
    return (const struct delivery_row *)g_ptr_array_index(open_deliveries.book->rows, index);
}

static const char *delivery_cell_text(unsigned row, unsigned column)
{
    return column == COLUMN_TOPIC ? row_at(row)->topic : row_at(row)->subscriber;
}

/** The times of a row, in the columns from `first` on. */
static void fill_times(stat_tap_table_item_type *cells, const struct delivery_row *row)
{
    static const struct histogram none;
    const struct histogram *broker = row->broker != NULL ? row->broker : &none;
    const struct histogram *end_to_end = row->end_to_end != NULL ? row->end_to_end : &none;

    cells[COLUMN_BROKER_LEAST].value.float_value = (double)broker->least_ns / 1e9;
    cells[COLUMN_BROKER_MEDIAN].value.float_value = histogram_percentile(broker, 50);
    cells[COLUMN_BROKER_95].value.float_value = histogram_percentile(broker, 95);
    cells[COLUMN_BROKER_99].value.float_value = histogram_percentile(broker, 99);
    cells[COLUMN_BROKER_MOST].value.float_value = (double)broker->most_ns / 1e9;
    cells[COLUMN_END_MEDIAN].value.float_value = histogram_percentile(end_to_end, 50);
    cells[COLUMN_END_99].value.float_value = histogram_percentile(end_to_end, 99);
    cells[COLUMN_END_MOST].value.float_value = (double)end_to_end->most_ns / 1e9;
}

static void fill_delivery_cells(unsigned index)
{
    const struct delivery_row *row = row_at(index);
    stat_tap_table_item_type cells[DELIVERY_COLUMNS];
    uint64_t missing = delivery_row_missing(row);

    memset(cells, 0, sizeof cells);
    for (unsigned column = 0; column < DELIVERY_COLUMNS; column++)
        cells[column].type = column_list[column].type;
    cells[COLUMN_TOPIC].value.string_value = row->topic;
    cells[COLUMN_SUBSCRIBER].value.string_value = row->subscriber;
    cells[COLUMN_PUBLISHED].value.uint_value = (unsigned)row->published;
    cells[COLUMN_DELIVERED].value.uint_value = (unsigned)row->delivered;
    cells[COLUMN_MISSING].value.uint_value = (unsigned)missing;
    cells[COLUMN_TWICE].value.uint_value = (unsigned)row->twice;
    cells[COLUMN_DISORDERED].value.uint_value = (unsigned)row->disordered;
    cells[COLUMN_CERTAIN].value.uint_value = (unsigned)row->certain;
    fill_times(cells, row);
    stat_tap_init_table_row(open_deliveries.table, index, DELIVERY_COLUMNS, cells);
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
    struct delivery_row *total = (struct delivery_row *)g_ptr_array_index(open_deliveries.book->rows, 0);

    total->published = total->delivered = open_deliveries.book->not_counted;
    total->twice = total->disordered = total->certain = 0;
    g_clear_pointer(&total->broker, g_free);
    g_clear_pointer(&total->end_to_end, g_free);
    for (unsigned i = 1; i < open_deliveries.book->rows->len; i++) {
        const struct delivery_row *row = row_at(i);
        total->published += MAX(row->published, row->delivered);
        total->delivered += row->delivered;
        total->twice += row->twice;
        total->disordered += row->disordered;
        total->certain += row->certain;
        add_histogram(&total->broker, row->broker);
        add_histogram(&total->end_to_end, row->end_to_end);
    }
    uint64_t left_out = open_deliveries.book->left_out + open_deliveries.book->subscriptions->not_followed;
    g_free(total->subscriber);
    if (open_deliveries.book->not_counted > 0 || left_out > 0)
        total->subscriber = g_strdup_printf("(all; %" G_GUINT64_FORMAT " deliveries have no row, %" G_GUINT64_FORMAT
                                            " topics or subscriptions left out)",
                                            open_deliveries.book->not_counted, left_out);
    else
        total->subscriber = g_strdup("(all)");
}

static tap_packet_status ignore_delivery(void *tapdata _U_, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                         const void *queued _U_, tap_flags_t flags _U_)
{
    return TAP_PACKET_DONT_REDRAW;
}

static void draw_deliveries(void *tapdata _U_)
{
    if (open_deliveries.table == NULL)
        return;
    add_up();
    for (unsigned i = 0; i < open_deliveries.book->rows->len; i++)
        fill_delivery_cells(i);
    tap_columns_pad(&columns, open_deliveries.book->rows->len, delivery_cell_text);
}

static void add_delivery_completer(void)
{
    GString *error =
        register_tap_listener(TAP_NAME, &open_deliveries, NULL, 0, NULL, ignore_delivery, draw_deliveries, NULL);

    if (error != NULL)
        g_string_free(error, TRUE);
    open_deliveries.has_completer = error == NULL;
}

static tap_packet_status deliveries_on_packet(void *tapdata _U_, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                                              const void *queued, tap_flags_t flags _U_)
{
    if (open_deliveries.table == NULL)
        return TAP_PACKET_DONT_REDRAW;
    if (!open_deliveries.has_completer)
        add_delivery_completer();
    delivery_book_count(open_deliveries.book, (const struct tap_record *)queued);
    return TAP_PACKET_REDRAW;
}

static void begin_delivery_rows(void)
{
    delivery_book_free(open_deliveries.book);
    open_deliveries.book = delivery_book_new(TOPIC_CHARACTERS, NAME_CHARACTERS);
    tap_columns_reset(&columns);
}

/** Opens the table; where one is open already, empties it. */
static void deliveries_on_init(stat_tap_table_ui *statistics)
{
    stat_tap_table *table = stat_tap_find_table(statistics, TITLE);

    if (table != NULL) {
        statistics->stat_tap_reset_table_cb(table);
        return;
    }
    begin_delivery_rows();
    open_deliveries.table = stat_tap_init_table(TITLE, DELIVERY_COLUMNS, 0, NULL);
    stat_tap_add_table(statistics, open_deliveries.table);
}

static void deliveries_on_reset(stat_tap_table *table)
{
    tap_table_clear(table);
    begin_delivery_rows();
}

/** Called for each cell when the table is closed; the first one ends it all. */
static void deliveries_on_free_cell(stat_tap_table *table, unsigned row, unsigned column,
                                    stat_tap_table_item_type *cell _U_)
{
    if (table != open_deliveries.table || row != 0 || column != 0)
        return;
    if (open_deliveries.has_completer)
        remove_tap_listener(&open_deliveries);
    open_deliveries.has_completer = false;
    open_deliveries.table = NULL;
    delivery_book_free(open_deliveries.book);
    open_deliveries.book = NULL;
    tap_columns_reset(&columns);
}

void tap_register_deliveries(void)
{
    static tap_param parameters[] = {{PARAM_FILTER, "filter", "Filter", NULL, TRUE}};
    static stat_tap_table_ui statistics = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = COMPAT_TABLE_MENU "Deliveries",
        .tap_name = TAP_NAME,
        .cli_string = TAP_NAME ",deliveries",
        .stat_tap_init_cb = deliveries_on_init,
        .packet_func = deliveries_on_packet,
        .stat_tap_reset_table_cb = deliveries_on_reset,
        .stat_tap_free_table_item_cb = deliveries_on_free_cell,
        .nfields = DELIVERY_COLUMNS,
        .fields = fields,
        .nparams = G_N_ELEMENTS(parameters),
        .params = parameters,
    };

    tap_columns_reset(&columns);
    register_stat_tap_table_ui(&statistics);
}
