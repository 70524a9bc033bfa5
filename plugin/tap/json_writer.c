/* json_writer.c - objects of JSON, one a line, and bytes off the wire in them.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include "../compat.h"
#include "../wire/utf8.h"
#include "json.h"

void json_open(struct json_writer *writer, const char *type)
{
    memset(&writer->dumper, 0, sizeof writer->dumper);
    g_string_truncate(writer->line, 0);
    writer->dumper.output_string = writer->line;
    json_dumper_begin_object(&writer->dumper);
    json_string(writer, "type", type);
}

void json_close(struct json_writer *writer)
{
    json_dumper_end_object(&writer->dumper);
    json_dumper_finish(&writer->dumper); /* ends the line */
    fwrite(writer->line->str, 1, writer->line->len, writer->file);
}

static void name_member(struct json_writer *writer, const char *name)
{
    if (name != NULL)
        json_dumper_set_member_name(&writer->dumper, name);
}

void json_element_string(struct json_writer *writer, const char *text)
{
    if (g_utf8_validate(text, -1, NULL)) {
        json_dumper_value_string(&writer->dumper, text);
        return;
    }
    char *printable = tap_printable((const uint8_t *)text, (uint32_t)strlen(text), 4 * JSON_TEXT_CHARACTERS);
    json_dumper_value_string(&writer->dumper, printable);
    g_free(printable);
}

void json_string(struct json_writer *writer, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    name_member(writer, name);
    json_element_string(writer, text);
}

void json_element_unsigned(struct json_writer *writer, uint64_t value)
{
    json_dumper_value_anyf(&writer->dumper, "%" G_GUINT64_FORMAT, value);
}

void json_unsigned(struct json_writer *writer, const char *name, uint64_t value)
{
    name_member(writer, name);
    json_element_unsigned(writer, value);
}

void json_bool(struct json_writer *writer, const char *name, bool value)
{
    name_member(writer, name);
    json_dumper_value_anyf(&writer->dumper, value ? "true" : "false");
}

void json_ready(struct json_writer *writer, const char *name, const char *value)
{
    name_member(writer, name);
    json_dumper_value_anyf(&writer->dumper, "%s", value);
}

void json_time(struct json_writer *writer, const char *name, const nstime_t *time)
{
    bool is_negative = time->secs < 0 || time->nsecs < 0;

    name_member(writer, name);
    json_dumper_value_anyf(&writer->dumper, "%s%" G_GINT64_FORMAT ".%09d", is_negative ? "-" : "",
                           (int64_t)(time->secs < 0 ? -time->secs : time->secs),
                           time->nsecs < 0 ? -time->nsecs : time->nsecs);
}

void json_begin_array(struct json_writer *writer, const char *name)
{
    name_member(writer, name);
    json_dumper_begin_array(&writer->dumper);
}

void json_end_array(struct json_writer *writer)
{
    json_dumper_end_array(&writer->dumper);
}

void json_begin_member(struct json_writer *writer, const char *name)
{
    name_member(writer, name);
    json_dumper_begin_object(&writer->dumper);
}

void json_end_member(struct json_writer *writer)
{
    json_dumper_end_object(&writer->dumper);
}

/** Two digits for each byte; `**` for those of `secret`, where it is not NULL and not 0. */
static char *hex_of(const uint8_t *bytes, uint32_t length, const uint8_t *secret)
{
    GString *hex = g_string_sized_new(2 * (size_t)length + 1);

    for (uint32_t i = 0; i < length; i++)
        if (secret != NULL && secret[i])
            g_string_append(hex, "**");
        else
            g_string_append_printf(hex, "%02x", bytes[i]);
    return g_string_free(hex, FALSE);
}

void json_wire_text(struct json_writer *writer, const char *name, const uint8_t *bytes, uint32_t length)
{
    char *text = tap_printable(bytes, length, JSON_TEXT_CHARACTERS);
    char *hex = tap_hex_unless_text(bytes, length, text);
    char *hex_name = g_strconcat(name, "_hex", NULL);

    name_member(writer, name);
    json_element_string(writer, text);
    json_string(writer, hex_name, hex);
    g_free(hex_name);
    g_free(hex);
    g_free(text);
}

/* --- What must not be shown ------------------------------------------------------------------------------------- */

/** Marks the bytes of a span that are among the first JSON_HEX_BYTES. */
static void hide(uint8_t secret[JSON_HEX_BYTES], uint32_t from, uint32_t to)
{
    if (from < JSON_HEX_BYTES)
        memset(secret + from, 1, MIN(to, JSON_HEX_BYTES) - from);
}

/** Marks the Authentication Data of a property block, as often as it is there. */
static void hide_authentication(uint8_t secret[JSON_HEX_BYTES], const struct mqtt_packet *packet)
{
    struct mqtt_property property;
    uint32_t at = 0;

    if (packet->properties.length_at.at == 0)
        return;
    while (mqtt_properties_next(packet, &packet->properties, &at, &property))
        if (property.index == MQTT_PROPERTY_AUTHENTICATION_DATA)
            hide(secret, property.text.at, property.text.at + property.text.length);
}

/** Where the part of a packet begins that could hold a secret, if what was read of it cannot be relied on. */
static uint32_t doubtful_from(const struct mqtt_packet *packet)
{
    uint32_t header_end = packet->remaining_length_at.at + packet->remaining_length_at.length;

    switch (packet->type) {
    case MQTT_TYPE_CONNECT:
        return packet->connect.keep_alive_at != 0 ? packet->connect.keep_alive_at : header_end;
    case MQTT_TYPE_CONNACK:
    case MQTT_TYPE_AUTH:
        return header_end;
    default:
        return packet->length;
    }
}

void json_packet_bytes(struct json_writer *writer, const struct mqtt_packet *packet, bool is_sure)
{
    uint8_t secret[JSON_HEX_BYTES] = {0};
    uint32_t length = MIN(packet->captured, JSON_HEX_BYTES);

    if (!is_sure)
        hide(secret, 1, UINT32_MAX);
    else if (packet->fault.kind != MQTT_FAULT_NONE)
        hide(secret, doubtful_from(packet), UINT32_MAX);
    else if (packet->type == MQTT_TYPE_CONNECT)
        hide(secret, packet->connect.password.at, packet->connect.password.at + packet->connect.password.length);
    hide_authentication(secret, packet);
    char *hex = hex_of(packet->bytes, length, secret);
    json_string(writer, "bytes", hex);
    g_free(hex);
    json_unsigned(writer, "packet_length", packet->length);
}

void json_severities(struct json_writer *writer, const char *name, const uint32_t counts[CHECK_SEVERITIES])
{
    json_begin_member(writer, name);
    for (unsigned severity = CHECK_SEVERITIES; severity > 0; severity--)
        json_unsigned(writer, check_severity_name((enum check_severity)(severity - 1)), counts[severity - 1]);
    json_end_member(writer);
}

void json_by_qos(struct json_writer *writer, const char *name, const uint32_t messages[4])
{
    json_begin_array(writer, name);
    for (unsigned qos = 0; qos < 4; qos++)
        json_element_unsigned(writer, messages[qos]);
    json_end_array(writer);
}
