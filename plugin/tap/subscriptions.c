/* subscriptions.c - which subscriptions are in force, for tables that count what is published for them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A table may be opened when the whole capture was read, and the model knows its end by then. So it is followed here,
 * packet by packet.
 */
#include "subscriptions.h"

#include <string.h>

#include "tap.h"

enum {
    SUBSCRIPTIONS_MOST = 100000, /**< kept in all */
    REQUESTS_MOST = 10000,       /**< requests that have no response yet */
    FILTER_MOST = 1024,          /**< bytes of a filter; a longer one is not followed */
    NO_LOCAL = 0x04,             /**< of the Subscription Options (MQTT 5.0 section 3.8.3.1) */
};

/** A filter of a request. */
struct requested_filter {
    struct track_text *text; /**< NULL: it is not followed */
    uint8_t options;
};

static void free_requested(void *data)
{
    g_free(((struct requested_filter *)data)->text);
}

static void free_subscription(void *data)
{
    struct tap_subscription *subscription = (struct tap_subscription *)data;

    g_free(subscription->subscriber);
    g_free(subscription->filter);
    g_free(subscription);
}

static void free_pointers(void *list)
{
    g_ptr_array_unref((GPtrArray *)list);
}

static void free_filters(void *list)
{
    g_array_unref((GArray *)list);
}

struct tap_subscriptions *tap_subscriptions_new(void)
{
    struct tap_subscriptions *subscriptions = g_new0(struct tap_subscriptions, 1);

    subscriptions->all = g_ptr_array_new_with_free_func(free_subscription);
    subscriptions->of_connection = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, free_pointers);
    subscriptions->of_client = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_pointers);
    subscriptions->requests = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, free_filters);
    return subscriptions;
}

void tap_subscriptions_free(struct tap_subscriptions *subscriptions)
{
    g_hash_table_destroy(subscriptions->of_connection);
    g_hash_table_destroy(subscriptions->of_client);
    g_hash_table_destroy(subscriptions->requests);
    g_ptr_array_unref(subscriptions->all);
    g_free(subscriptions);
}

static uint64_t request_key(const struct tap_record *record)
{
    bool removes = record->packet.type == MQTT_TYPE_UNSUBSCRIBE || record->packet.type == MQTT_TYPE_UNSUBACK;

    return (uint64_t)record->facts.connection << 17 | (uint64_t)record->packet.packet_id << 1 | removes;
}

/** Whom the sessions of a Client are kept by. */
static char *client_key(const struct tap_record *record)
{
    return g_strdup_printf("%u\n%s", track_journey_broker(record->connection), record->receiver_name);
}

/** Keeps what a SUBSCRIBE or UNSUBSCRIBE lists. */
static void keep_request(struct tap_subscriptions *subscriptions, const struct tap_record *record)
{
    const struct mqtt_packet *packet = &record->packet;
    GArray *filters = g_array_new(FALSE, FALSE, sizeof(struct requested_filter));
    struct mqtt_filter filter;
    uint32_t at = 0;
    uint64_t *key = g_new(uint64_t, 1);

    g_array_set_clear_func(filters, free_requested);
    while (mqtt_filters_next(packet, &at, &filter)) {
        struct requested_filter requested = {.options = filter.options};
        const uint8_t *bytes = packet->bytes + filter.text.at;
        /* What begins with $ is shared, or of the Server's own topics, which nobody publishes to. */
        if (filter.text.length > 0 && filter.text.length <= FILTER_MOST && bytes[0] != '$') {
            requested.text = (struct track_text *)g_malloc0(sizeof *requested.text + filter.text.length + 1);
            requested.text->length = filter.text.length;
            memcpy(requested.text->bytes, bytes, filter.text.length);
        }
        g_array_append_val(filters, requested);
    }
    *key = request_key(record);
    if (g_hash_table_size(subscriptions->requests) < REQUESTS_MOST) {
        g_hash_table_replace(subscriptions->requests, key, filters);
    } else {
        subscriptions->not_followed += packet->type == MQTT_TYPE_SUBSCRIBE ? filters->len : 0;
        free_filters(filters);
        g_free(key);
    }
}

static bool is_same_text(const struct track_text *one, const struct track_text *other)
{
    return one->length == other->length && memcmp(one->bytes, other->bytes, one->length) == 0;
}

/** Ends the connection's subscription to a filter. */
static void remove_one(GPtrArray *list, const struct track_text *filter)
{
    for (unsigned i = 0; list != NULL && i < list->len; i++) {
        struct tap_subscription *each = (struct tap_subscription *)g_ptr_array_index(list, i);
        if (is_same_text(each->filter, filter)) {
            each->is_open = false;
            g_ptr_array_remove_index_fast(list, i);
            return;
        }
    }
}

/** The list of the connection's open subscriptions; made where there is none. */
static GPtrArray *open_list_of(struct tap_subscriptions *subscriptions, uint32_t connection)
{
    GPtrArray *list = (GPtrArray *)g_hash_table_lookup(subscriptions->of_connection, GUINT_TO_POINTER(connection));

    if (list == NULL) {
        list = g_ptr_array_new();
        g_hash_table_insert(subscriptions->of_connection, GUINT_TO_POINTER(connection), list);
    }
    return list;
}

/** Adds a subscription; `filter` becomes its own. */
static void add_subscription(struct tap_subscriptions *subscriptions, const struct tap_record *record,
                             struct track_text *filter, uint8_t granted, bool has_no_local)
{
    if (subscriptions->all->len == SUBSCRIPTIONS_MOST) {
        subscriptions->not_followed++;
        g_free(filter);
        return;
    }
    struct tap_subscription *subscription = g_new0(struct tap_subscription, 1);
    *subscription = (struct tap_subscription){
        .subscriber = g_strdup(record->receiver_name),
        .filter = filter,
        .connection = record->facts.connection,
        .broker = track_journey_broker(record->connection),
        .granted = granted,
        .has_no_local = has_no_local,
        .is_open = true,
    };
    g_ptr_array_add(subscriptions->all, subscription);
    g_ptr_array_add(open_list_of(subscriptions, record->facts.connection), subscription);
}

/** A SUBACK or UNSUBACK: what was requested is in force, or removed, where its code says so. */
static void take_response(struct tap_subscriptions *subscriptions, const struct tap_record *record)
{
    const struct mqtt_packet *packet = &record->packet;
    uint64_t key = request_key(record);
    GArray *filters = (GArray *)g_hash_table_lookup(subscriptions->requests, &key);
    bool grants = packet->type == MQTT_TYPE_SUBACK;
    /* An UNSUBACK of MQTT 3 has no codes. */
    bool has_codes = grants || packet->version == MQTT_V50;

    for (unsigned i = 0; filters != NULL && i < filters->len; i++) {
        struct requested_filter *filter = &g_array_index(filters, struct requested_filter, i);
        uint32_t at = packet->list.at + i;
        bool is_there = i < packet->list.length && at < packet->captured;
        uint8_t code = has_codes && is_there ? packet->bytes[at] : 0;
        if (filter->text == NULL || (has_codes && (!is_there || code >= MQTT_REASON_UNSPECIFIED_ERROR)))
            continue;
        remove_one(open_list_of(subscriptions, record->facts.connection), filter->text);
        if (grants)
            add_subscription(subscriptions, record, g_steal_pointer(&filter->text), code,
                             packet->version == MQTT_V50 && filter->options & NO_LOCAL);
    }
    g_hash_table_remove(subscriptions->requests, &key);
}

/** A session is resumed with the subscriptions that it had, or a new one begins. */
static void resume_subscriptions(struct tap_subscriptions *subscriptions, const struct tap_record *record)
{
    bool is_resumed = record->packet.reason == 0 && record->packet.ack_flags & 1;
    char *key = client_key(record);
    const GPtrArray *before = (const GPtrArray *)g_hash_table_lookup(subscriptions->of_client, key);

    for (unsigned i = 0; is_resumed && before != NULL && i < before->len; i++) {
        const struct tap_subscription *each = (const struct tap_subscription *)g_ptr_array_index(before, i);
        size_t size = sizeof *each->filter + each->filter->length + 1;
        struct track_text *filter = (struct track_text *)g_malloc(size);
        memcpy(filter, each->filter, size);
        add_subscription(subscriptions, record, filter, each->granted, each->has_no_local);
    }
    g_hash_table_remove(subscriptions->of_client, key);
    g_free(key);
}

/** The connection ends, and its session keeps its subscriptions, maybe. */
static void end_subscriptions(struct tap_subscriptions *subscriptions, uint32_t connection)
{
    void *key = GUINT_TO_POINTER(connection);
    GPtrArray *list = (GPtrArray *)g_hash_table_lookup(subscriptions->of_connection, key);

    if (list == NULL)
        return;
    for (unsigned i = 0; i < list->len; i++)
        ((struct tap_subscription *)g_ptr_array_index(list, i))->is_open = false;
    if (list->len > 0) {
        const struct tap_subscription *first = (const struct tap_subscription *)g_ptr_array_index(list, 0);
        g_hash_table_replace(subscriptions->of_client, g_strdup_printf("%u\n%s", first->broker, first->subscriber),
                             g_ptr_array_ref(list));
    }
    g_hash_table_remove(subscriptions->of_connection, key);
}

void tap_subscriptions_follow(struct tap_subscriptions *subscriptions, const struct tap_record *record)
{
    enum tap_direction direction = tap_direction_of(record);

    if (record->subject == TAP_CLOSING) {
        end_subscriptions(subscriptions, record->facts.connection);
        return;
    }
    if (record->subject != TAP_PACKET || record->packet.fault.kind != MQTT_FAULT_NONE || record->snapshot.is_copy)
        return;
    switch (record->packet.type) {
    case MQTT_TYPE_SUBSCRIBE:
    case MQTT_TYPE_UNSUBSCRIBE:
        if (direction == TAP_TO_BROKER)
            keep_request(subscriptions, record);
        break;
    case MQTT_TYPE_SUBACK:
    case MQTT_TYPE_UNSUBACK:
        if (direction == TAP_TO_CLIENT)
            take_response(subscriptions, record);
        break;
    case MQTT_TYPE_CONNACK:
        if (direction == TAP_TO_CLIENT)
            resume_subscriptions(subscriptions, record);
        break;
    case MQTT_TYPE_DISCONNECT:
        end_subscriptions(subscriptions, record->facts.connection);
        break;
    default:
        break;
    }
}
