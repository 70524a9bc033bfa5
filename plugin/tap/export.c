/* export.c - saves the payloads of PUBLISH packets: one file each, named by topic and frame.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The topic is whatever a stranger on the network chose, and becomes the name of a file. Of it only letters, digits, `-`
 * and `_` of ASCII remain, a bounded number of them; the frame and the packet's number within it, which follow, keep
 * names apart, also on file systems that take `a` and `A` for the same. No such name begins with a dot or a dash, means a
 * folder, or is one that Windows reserves.
 *
 * Wireshark keeps every object in memory until it is saved; here a checksum of each is kept besides. A message that was published is
 * not saved again where it is delivered or re-sent, unless the user asks for each copy; a delivery whose PUBLISH was not captured is
 * saved once.
 */
#include <stdio.h>
#include <string.h>

#include <epan/export_object.h>
#include <epan/packet.h>

#include "../compat.h"
#include "../wire/json.h"
#include "../wire/utf8.h"
#include "exports.h"

enum { TOPIC_CHARACTERS = 64 }; /* how many of the topic a name begins with */

/** Content types by which a file gets an ending that other programs know. */
static const struct {
    const char *content_type;
    const char *ending;
} endings[] = {
    {"application/cbor", "cbor"}, {"application/json", "json"}, {"application/xml", "xml"}, {"image/jpeg", "jpg"},
    {"image/png", "png"},         {"text/csv", "csv"},          {"text/plain", "txt"},      {"text/xml", "xml"},
};

static bool is_safe(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '-';
}

/** Writes the topic's beginning with every other character than the safe ones as `_`; one for each character. */
static void put_topic(char *name, const char *topic)
{
    size_t length = 0;

    for (size_t i = 0; topic[i] != '\0' && length < TOPIC_CHARACTERS; i++)
        if (is_safe(topic[i]))
            name[length++] = topic[i];
        else if (((unsigned char)topic[i] & 0xC0) != 0x80)
            name[length++] = '_';
    name[length] = '\0';
    if (name[0] == '-')
        name[0] = '_';
}

/** The file's ending: what the content type says, without its parameters, else whether the payload is JSON or text. */
static const char *ending_of(const char *content_type, const uint8_t *payload, uint32_t length)
{
    size_t type_length = strcspn(content_type, "; ");
    uint32_t values;

    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (type_length == strlen(endings[i].content_type) &&
            g_ascii_strncasecmp(content_type, endings[i].content_type, type_length) == 0)
            return endings[i].ending;
    if (mqtt_json_check(payload, length, &values))
        return "json";
    return mqtt_utf8_judge(payload, length, NULL) < MQTT_UTF8_NULL ? "txt" : "bin";
}

static char *file_name(const struct tap_record *record, const char *ending)
{
    struct track_pdu_ref pdu = record->facts.pdu;
    char topic[TOPIC_CHARACTERS + 1];

    put_topic(topic, record->topic[0] != '\0' ? record->topic : "unknown-topic");
    if (pdu.pdu > 1)
        return g_strdup_printf("%s-frame%u-%u.%s", topic, pdu.frame, pdu.pdu, ending);
    return g_strdup_printf("%s-frame%u.%s", topic, pdu.frame, ending);
}

/** The Content Type as printable text; "" where there is none. In the packet's pool. */
static const char *content_type_of(packet_info *pinfo, const struct mqtt_packet *packet)
{
    const struct mqtt_property *type = mqtt_properties_find(&packet->properties, MQTT_PROPERTY_CONTENT_TYPE);

    if (type == NULL || type->text.length > packet->captured || type->text.at > packet->captured - type->text.length)
        return "";
    return compat_format_text(pinfo->pool, packet->bytes + type->text.at, type->text.length);
}

/* Checksums of what was saved of the file so far, and the frame that they go to: an earlier one begins another list. */
static GHashTable *saved;
static uint32_t saved_to;

/** Forgets what was saved. */
static void forget_saved(void)
{
    g_clear_pointer(&saved, g_hash_table_destroy);
    saved_to = 0;
}

/** Keeps the message; true where the same topic and payload were saved before. */
static bool was_saved(const struct tap_record *record, const uint8_t *payload, uint32_t length)
{
    GChecksum *checksum = g_checksum_new(G_CHECKSUM_SHA256);

    g_checksum_update(checksum, (const guchar *)record->topic, (gssize)strlen(record->topic) + 1);
    g_checksum_update(checksum, payload, (gssize)length);
    if (saved == NULL)
        saved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool is_new = g_hash_table_add(saved, g_strdup(g_checksum_get_string(checksum)));
    g_checksum_free(checksum);
    return !is_new;
}

/** True for what was saved already: the delivery of a message, or a PUBLISH that is re-sent. */
static bool is_copy(const struct tap_record *record, const uint8_t *payload, uint32_t length)
{
    const struct track_packet_record *packet_record = record->facts.record;

    if (record->facts.pdu.frame < saved_to)
        forget_saved();
    saved_to = record->facts.pdu.frame;
    bool has_twin = was_saved(record, payload, length);
    bool is_resent = packet_record != NULL && packet_record->first_sent_in != 0;
    return has_twin && (is_resent || tap_direction_of(record) == TAP_TO_CLIENT);
}

/** Adds one payload to the list of objects; empty ones and those that the capture holds in part only are left out. */
static tap_packet_status add(void *list_given, packet_info *pinfo, epan_dissect_t *dissection _U_,
                             const void *record_given, tap_flags_t flags _U_)
{
    export_object_list_t *list = (export_object_list_t *)list_given;
    const struct tap_record *record = (const struct tap_record *)record_given;
    const struct mqtt_packet *packet = &record->packet;
    struct mqtt_span payload = packet->publish.payload;

    if (packet->type != MQTT_TYPE_PUBLISH || payload.at == 0 || payload.length == 0 || payload.at > packet->captured ||
        payload.length > packet->captured - payload.at)
        return TAP_PACKET_DONT_REDRAW;
    const uint8_t *bytes = packet->bytes + payload.at;
    if (!record->exports_copies && is_copy(record, bytes, payload.length))
        return TAP_PACKET_DONT_REDRAW;
    const char *content_type = content_type_of(pinfo, packet);
    export_object_entry_t *entry = g_new0(export_object_entry_t, 1);

    entry->pkt_num = pinfo->num;
    entry->hostname = g_strdup(record->sender_name);
    entry->content_type = g_strdup(content_type);
    entry->filename = file_name(record, ending_of(content_type, bytes, payload.length));
    entry->payload_len = payload.length;
    entry->payload_data = (uint8_t *)g_memdup2(bytes, payload.length);
    list->add_entry(list->gui_data, entry);
    return TAP_PACKET_REDRAW;
}

int tap_register_export(int proto)
{
    return register_export_object(proto, add, forget_saved);
}
