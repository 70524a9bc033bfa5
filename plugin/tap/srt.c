/* srt.c - `mqttscope,srt`: how long answers and deliveries took.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <epan/srt_table.h>

#include "tap.h"

/** The rows of the table of exchanges. */
enum exchange {
    EXCHANGE_CONNECT,
    EXCHANGE_PUBACK,
    EXCHANGE_PUBREC,
    EXCHANGE_PUBREL,
    EXCHANGE_PUBCOMP,
    EXCHANGE_SUBSCRIBE,
    EXCHANGE_UNSUBSCRIBE,
    EXCHANGE_PING,
    EXCHANGE_AUTH,
    EXCHANGES,
};

static const char *const exchange_names[EXCHANGES] = {
    [EXCHANGE_CONNECT] = "CONNECT-CONNACK",
    [EXCHANGE_PUBACK] = "PUBLISH-PUBACK",
    [EXCHANGE_PUBREC] = "PUBLISH-PUBREC",
    [EXCHANGE_PUBREL] = "PUBREC-PUBREL",
    [EXCHANGE_PUBCOMP] = "PUBREL-PUBCOMP",
    [EXCHANGE_SUBSCRIBE] = "SUBSCRIBE-SUBACK",
    [EXCHANGE_UNSUBSCRIBE] = "UNSUBSCRIBE-UNSUBACK",
    [EXCHANGE_PING] = "PINGREQ-PINGRESP",
    [EXCHANGE_AUTH] = "AUTH-AUTH",
};

/** The tables, in their order: an exchange is in the one of the side that answered. */
enum { TABLE_OF_BROKER, TABLE_OF_CLIENTS, TABLE_OF_UNKNOWN, TABLE_DELIVERIES, TABLES };

/** The rows of the last one: by direction, that of the acknowledgement being the opposite, and QoS. */
enum { DELIVERY_DIRECTIONS = 3, DELIVERY_QOS = 2, DELIVERIES = DELIVERY_DIRECTIONS * DELIVERY_QOS };

/** The exchange that a packet answers in; EXCHANGES where it is no answer. */
static enum exchange exchange_of(enum mqtt_packet_type answer)
{
    switch (answer) {
    case MQTT_TYPE_CONNACK:
        return EXCHANGE_CONNECT;
    case MQTT_TYPE_PUBACK:
        return EXCHANGE_PUBACK;
    case MQTT_TYPE_PUBREC:
        return EXCHANGE_PUBREC;
    case MQTT_TYPE_PUBREL:
        return EXCHANGE_PUBREL;
    case MQTT_TYPE_PUBCOMP:
        return EXCHANGE_PUBCOMP;
    case MQTT_TYPE_SUBACK:
        return EXCHANGE_SUBSCRIBE;
    case MQTT_TYPE_UNSUBACK:
        return EXCHANGE_UNSUBSCRIBE;
    case MQTT_TYPE_PINGRESP:
        return EXCHANGE_PING;
    case MQTT_TYPE_AUTH:
        return EXCHANGE_AUTH;
    default:
        return EXCHANGES;
    }
}

/** Adds a span of time that ends with this packet; the table wants to know when it began. */
static void add_span(const srt_data_t *data, unsigned table, int row, int64_t span_ns, packet_info *pinfo)
{
    const int64_t second_ns = 1000000000;
    nstime_t span = {.secs = (time_t)(span_ns / second_ns), .nsecs = (int)(span_ns % second_ns)};
    nstime_t begun;

    nstime_delta(&begun, &pinfo->abs_ts, &span);
    add_srt_table_data(g_array_index(data->srt_array, srt_stat_table *, table), row, &begun, pinfo);
}

static tap_packet_status srt_on_packet(void *tapdata, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued,
                                       tap_flags_t flags _U_)
{
    const srt_data_t *data = (const srt_data_t *)tapdata;
    static const unsigned table_of[] = {
        [TAP_TO_CLIENT] = TABLE_OF_BROKER,
        [TAP_TO_BROKER] = TABLE_OF_CLIENTS,
        [TAP_DIRECTION_UNKNOWN] = TABLE_OF_UNKNOWN,
    };
    const struct tap_record *record = (const struct tap_record *)queued;
    const struct track_packet_record *packet_record = record->facts.record;
    enum exchange exchange = exchange_of(record->packet.type);

    if (packet_record == NULL || exchange == EXCHANGES)
        return TAP_PACKET_DONT_REDRAW;
    enum tap_direction direction = tap_direction_of(record);
    if (packet_record->request_in != 0)
        add_span(data, table_of[direction], (int)exchange, packet_record->response_ns, pinfo);
    if (packet_record->completes_delivery) {
        int row = DELIVERY_QOS * (int)direction + (record->packet.type == MQTT_TYPE_PUBACK ? 0 : 1);
        add_span(data, TABLE_DELIVERIES, row, packet_record->delivery_ns, pinfo);
    }
    return TAP_PACKET_REDRAW;
}

static void make_exchanges(GArray *tables, const char *name, const char *short_name)
{
    srt_stat_table *exchanges = init_srt_table(name, short_name, tables, EXCHANGES, "Exchange", NULL, NULL);

    for (int i = 0; i < EXCHANGES; i++)
        init_srt_table_row(exchanges, i, exchange_names[i]);
}

static void make_tables(register_srt_t *srt _U_, GArray *tables)
{
    static const char *const delivery_names[DELIVERIES] = {
        [DELIVERY_QOS * TAP_TO_CLIENT] = "QoS 1 to broker",
        [DELIVERY_QOS * TAP_TO_CLIENT + 1] = "QoS 2 to broker",
        [DELIVERY_QOS * TAP_TO_BROKER] = "QoS 1 to client",
        [DELIVERY_QOS * TAP_TO_BROKER + 1] = "QoS 2 to client",
        [DELIVERY_QOS * TAP_DIRECTION_UNKNOWN] = "QoS 1, direction unknown",
        [DELIVERY_QOS * TAP_DIRECTION_UNKNOWN + 1] = "QoS 2, direction unknown",
    };

    make_exchanges(tables, "MQTT: answers of the broker", "Broker");
    make_exchanges(tables, "MQTT: answers of clients", "Clients");
    make_exchanges(tables, "MQTT: answers of unknown role", "Unknown");
    srt_stat_table *deliveries =
        init_srt_table("MQTT: deliveries", "Deliveries", tables, DELIVERIES, "Delivery", NULL, NULL);
    for (int i = 0; i < DELIVERIES; i++)
        init_srt_table_row(deliveries, i, delivery_names[i]);
}

void tap_register_srt(int proto)
{
    register_srt_table(proto, TAP_NAME, TABLES, srt_on_packet, make_tables, NULL);
}
