/* json.c - `mqttscope,json[,file=PATH][,messages][,packets][,verdict][,FILTER]`: what is found, for machines to read.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Findings are written as their packets come; what is known only at the end of the file (connections, topics, clients, the
 * capture itself) then. Nothing else is kept. All frames are counted by a listener of the tap "frame". TCP streams that go to a
 * port of MQTT, or whose TLS handshake offers it by ALPN, are known from the taps "tcp" and TAP_OFFERS: those that turn out to have
 * none could not be read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <epan/dissectors/packet-tcp.h>
#include <epan/stat_tap_ui.h>
#include <epan/tap.h>
#include <wiretap/wtap.h>

#include "../compat.h"
#include "json.h"

enum { STREAMS_MAX = 10000, UNREAD_SHOWN = 100, INTERFACES_MAX = 32 };

/** A stream with data that goes to a port of MQTT, or offers it by ALPN. */
struct seen_stream {
    uint32_t stream;
    uint32_t first_frame;
    uint16_t port;
    const char *alpn; /**< what it offers; NULL where that was not seen */
};

/** One `-z mqttscope,json`. Lives until tshark removes its listeners. */
struct json_tap {
    struct json_writer writer;
    bool has_messages;
    bool has_packets;
    enum json_extent extent;
    bool has_header;
    struct json_counts *counts;
    uint32_t frames;
    uint32_t truncated; /**< frames of which the capture has only a part */
    nstime_t first;
    nstime_t last;
    GPtrArray *interfaces; /**< their names, INTERFACES_MAX at most */
    GHashTable *seen;      /**< of struct seen_stream, by its number: its place in `streams`, + 1 */
    GArray *streams;       /**< struct seen_stream, STREAMS_MAX at most */
};

/** Writes the object that comes before all others, once. */
static void write_header(struct json_tap *tap)
{
    struct json_writer *writer = &tap->writer;

    if (tap->has_header)
        return;
    tap->has_header = true;
    json_open(writer, "mqttscope");
    json_string(writer, "schema", JSON_SCHEMA);
    json_string(writer, "version", MQTTSCOPE_VERSION);
    json_string(writer, "wireshark", compat_wireshark_version());
    json_close(writer);
}

static tap_packet_status json_on_packet(void *given, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued,
                                        tap_flags_t flags _U_)
{
    struct json_tap *tap = (struct json_tap *)given;
    const struct tap_record *record = (const struct tap_record *)queued;

    write_header(tap);
    json_count(tap->counts, record, pinfo);
    for (unsigned i = 0; record->findings != NULL && i < record->findings->count; i++)
        json_finding(&tap->writer, record, pinfo, &record->findings->list[i]);
    for (unsigned i = 0; i < record->events.count; i++)
        json_event(&tap->writer, record, pinfo, &record->events.list[i]);
    if (tap->has_messages && record->subject == TAP_PACKET && record->packet.type == MQTT_TYPE_PUBLISH)
        json_message(&tap->writer, record, pinfo);
    if (tap->has_packets && record->subject == TAP_PACKET && record->packet.type != MQTT_TYPE_PUBLISH)
        json_packet(&tap->writer, record, pinfo);
    return TAP_PACKET_DONT_REDRAW;
}

/** Takes in the name of the interface that a frame was captured at. */
static void add_interface(struct json_tap *tap, packet_info *pinfo)
{
    if (!(pinfo->rec->presence_flags & WTAP_HAS_INTERFACE_ID) || tap->interfaces->len == INTERFACES_MAX)
        return;
    const char *name = compat_interface_name(pinfo, pinfo->rec->rec_header.packet_header.interface_id);
    if (name != NULL && !g_ptr_array_find_with_equal_func(tap->interfaces, name, g_str_equal, NULL))
        g_ptr_array_add(tap->interfaces, g_strdup(name));
}

static tap_packet_status json_on_frame(void *given, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued _U_,
                                       tap_flags_t flags _U_)
{
    struct json_tap *tap = (struct json_tap *)given;

    if (tap->frames++ == 0)
        tap->first = pinfo->abs_ts;
    tap->last = pinfo->abs_ts;
    tap->truncated += pinfo->fd->cap_len < pinfo->fd->pkt_len;
    add_interface(tap, pinfo);
    return TAP_PACKET_DONT_REDRAW;
}

static bool is_handle_of_mqtt(dissector_handle_t handle)
{
    int protocol = handle != NULL ? dissector_handle_get_protocol_index(handle) : -1;
    return protocol >= 0 && strcmp(proto_get_protocol_filter_name(protocol), "mqtt") == 0;
}

/** True where a port is MQTT's, over TCP or TLS, by what Wireshark has registered or the user has decided. */
static bool is_port_of_mqtt(uint32_t port)
{
    static const char *const tables[] = {"tcp.port", "tls.port"};

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
        dissector_table_t table = find_dissector_table(tables[i]);
        if (table != NULL && is_handle_of_mqtt(dissector_get_uint_handle(table, port)))
            return true;
    }
    return false;
}

/** The record of a stream, made where it is new. NULL where there are too many. */
static struct seen_stream *see_stream(struct json_tap *tap, uint32_t number, uint32_t frame, uint16_t port)
{
    gpointer key = GUINT_TO_POINTER(number);
    unsigned place = GPOINTER_TO_UINT(g_hash_table_lookup(tap->seen, key));

    if (place == 0 && tap->streams->len == STREAMS_MAX)
        return NULL;
    if (place == 0) {
        const struct seen_stream stream = {number, frame, port, NULL};
        g_array_append_val(tap->streams, stream);
        place = tap->streams->len;
        g_hash_table_insert(tap->seen, key, GUINT_TO_POINTER(place));
    }
    return &g_array_index(tap->streams, struct seen_stream, place - 1);
}

static tap_packet_status json_on_offer(void *given, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued,
                                       tap_flags_t flags _U_)
{
    struct json_tap *tap = (struct json_tap *)given;
    const struct tap_offer *offer = (const struct tap_offer *)queued;
    dissector_table_t table = find_dissector_table("tls.alpn");
    struct seen_stream *stream = NULL;

    if (table != NULL && is_handle_of_mqtt(dissector_get_string_handle(table, offer->protocol)))
        stream = see_stream(tap, offer->stream, pinfo->num, (uint16_t)pinfo->destport);
    if (stream != NULL)
        stream->alpn = g_intern_string(offer->protocol);
    return TAP_PACKET_DONT_REDRAW;
}

static tap_packet_status json_on_segment(void *given, packet_info *pinfo, epan_dissect_t *edt _U_, const void *queued,
                                         tap_flags_t flags _U_)
{
    struct json_tap *tap = (struct json_tap *)given;
    const struct tcpheader *tcp = (const struct tcpheader *)queued;

    if (!tcp->th_have_seglen || tcp->th_seglen == 0 ||
        g_hash_table_contains(tap->seen, GUINT_TO_POINTER(tcp->th_stream)))
        return TAP_PACKET_DONT_REDRAW;
    bool is_to_port = is_port_of_mqtt(tcp->th_dport);
    if (is_to_port || is_port_of_mqtt(tcp->th_sport))
        see_stream(tap, tcp->th_stream, pinfo->num, is_to_port ? tcp->th_dport : tcp->th_sport);
    return TAP_PACKET_DONT_REDRAW;
}

/** The streams that go to MQTT's ports, or offer it, and have nothing that could be read as MQTT. */
static void write_unread(struct json_writer *writer, const struct json_tap *tap)
{
    unsigned count = 0;

    json_begin_array(writer, "unread_streams");
    for (unsigned i = 0; i < tap->streams->len; i++) {
        const struct seen_stream *stream = &g_array_index(tap->streams, struct seen_stream, i);
        if (json_has_stream(tap->counts, stream->stream) || count++ >= UNREAD_SHOWN)
            continue;
        json_begin_member(writer, NULL);
        json_unsigned(writer, "stream", stream->stream);
        json_unsigned(writer, "frame", stream->first_frame);
        json_unsigned(writer, "port", stream->port);
        json_string(writer, "alpn", stream->alpn);
        json_end_member(writer);
    }
    json_end_array(writer);
    json_unsigned(writer, "unread_streams_total", count);
}

static void write_capture(struct json_writer *writer, const struct json_tap *tap)
{
    nstime_t duration;

    nstime_delta(&duration, &tap->last, &tap->first);
    json_open(writer, "capture");
    json_unsigned(writer, "frames", tap->frames);
    json_unsigned(writer, "frames_truncated", tap->truncated);
    json_time(writer, "first", &tap->first);
    json_time(writer, "duration", &duration);
    json_begin_array(writer, "interfaces");
    for (unsigned i = 0; i < tap->interfaces->len; i++)
        json_element_string(writer, (const char *)g_ptr_array_index(tap->interfaces, i));
    json_end_array(writer);
    json_summarise_counts(writer, tap->counts);
    write_unread(writer, tap);
    json_close(writer);
}

/** Ends the program as Wireshark's own statistics do where they cannot go on. */
static void give_up(const char *about, const char *why)
{
    fprintf(stderr, "mqttscope,json: %s: %s\n", about, why);
    exit(1);
}

static void json_on_draw(void *given)
{
    struct json_tap *tap = (struct json_tap *)given;

    write_header(tap);
    json_write_counts(&tap->writer, tap->counts);
    write_capture(&tap->writer, tap);
    if (fflush(tap->writer.file) != 0 || ferror(tap->writer.file))
        give_up("output", "it could not all be written");
    json_counts_free(tap->counts);
    tap->counts = json_counts_new(tap->extent);
}

static void json_on_finish(void *given)
{
    struct json_tap *tap = (struct json_tap *)given;

    json_counts_free(tap->counts);
    g_ptr_array_unref(tap->interfaces);
    g_hash_table_destroy(tap->seen);
    g_array_free(tap->streams, TRUE);
    g_string_free(tap->writer.line, TRUE);
    if (tap->writer.file != stdout)
        fclose(tap->writer.file);
    g_free(tap);
}

/** A word of the argument up to the next comma, which `*argument` is moved past; the caller's, for g_free(). NULL where the
 *  argument does not begin with `prefix`. */
static char *take_word(const char **argument, const char *prefix)
{
    size_t length = strlen(prefix);

    if (!g_str_has_prefix(*argument, prefix))
        return NULL;
    const char *word = *argument + length;
    const char *end = word + strcspn(word, ",");
    *argument = *end == ',' ? end + 1 : end;
    return g_strndup(word, (size_t)(end - word));
}

/** True where the argument begins with a word, which `*argument` is moved past. */
static bool take_option(const char **argument, const char *word)
{
    size_t length = strlen(word);

    if (!g_str_has_prefix(*argument, word) || ((*argument)[length] != '\0' && (*argument)[length] != ','))
        return false;
    *argument += length + ((*argument)[length] == ',');
    return true;
}

/** Reads `,file=PATH,messages,packets,verdict,FILTER`; what is left is the filter. */
static const char *read_argument(struct json_tap *tap, const char *argument)
{
    const char *rest = argument + strlen(TAP_NAME ",json");

    tap->writer.file = stdout;
    if (*rest != '\0' && *rest != ',')
        give_up(argument, "no such statistic");
    if (*rest == ',')
        rest++;
    char *path = take_word(&rest, "file=");
    if (path != NULL) {
        tap->writer.file = fopen(path, "wb");
        if (tap->writer.file == NULL)
            give_up(path, g_strerror(errno));
        g_free(path);
    }
    tap->has_messages = take_option(&rest, "messages");
    tap->has_packets = take_option(&rest, "packets");
    tap->extent = take_option(&rest, "verdict") ? JSON_VERDICT : JSON_ALL;
    return *rest != '\0' ? rest : NULL;
}

static void listen(const char *tap_name, void *data, const char *filter, tap_packet_cb on_packet, tap_draw_cb on_end,
                   tap_finish_cb on_finished)
{
    GString *error =
        register_tap_listener(tap_name, data, filter, TL_REQUIRES_NOTHING, NULL, on_packet, on_end, on_finished);
    if (error != NULL)
        give_up(filter != NULL ? filter : tap_name, error->str);
}

static COMPAT_TAP_INIT_RESULT json_init(const char *argument, void *data _U_)
{
    struct json_tap *tap = g_new0(struct json_tap, 1);
    const char *filter = read_argument(tap, argument);

    tap->writer.line = g_string_new(NULL);
    tap->counts = json_counts_new(tap->extent);
    tap->interfaces = g_ptr_array_new_with_free_func(g_free);
    tap->seen = g_hash_table_new(NULL, NULL);
    tap->streams = g_array_new(FALSE, FALSE, sizeof(struct seen_stream));
    listen(TAP_NAME, tap, filter, json_on_packet, json_on_draw, json_on_finish);
    listen("frame", tap, NULL, json_on_frame, NULL, NULL);
    listen("tcp", tap, NULL, json_on_segment, NULL, NULL);
    listen(TAP_OFFERS, tap, NULL, json_on_offer, NULL, NULL);
    COMPAT_TAP_INIT_RETURN;
}

void tap_register_json(int proto _U_)
{
    static stat_tap_ui statistic = {
        .group = REGISTER_STAT_GROUP_GENERIC,
        .title = NULL,
        .cli_string = TAP_NAME ",json",
        .tap_init_cb = json_init,
    };

    register_stat_tap_ui(&statistic, NULL);
}
