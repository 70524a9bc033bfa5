/* text.c - text off the wire as statistics keep it: printable and short.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <string.h>

#include <glib.h>

#include "../compat.h"
#include "../model/facts/own-names.h"
#include "tap.h"

char *tap_shorten(const char *text, unsigned characters)
{
    const char *end = text;

    for (unsigned i = 0; i < characters && *end != '\0'; i++)
        end += g_utf8_skip[*(const guchar *)end];
    if (*end == '\0')
        return g_strdup(text);
    return g_strdup_printf("%.*s...", (int)(end - text), text);
}

char *tap_printable(const uint8_t *bytes, uint32_t length, unsigned characters)
{
    /* No character has more than four bytes; one that is cut here is cut again below. */
    uint32_t enough = MIN(length, 4 * (characters + 1));
    char *printable = compat_format_text(NULL, bytes, enough);
    char *text = tap_shorten(printable, characters);

    wmem_free(NULL, printable);
    return text;
}

char *tap_hex_unless_text(const uint8_t *bytes, uint32_t length, const char *text)
{
    if (strlen(text) == length && memcmp(text, bytes, length) == 0)
        return NULL;
    GString *hex = g_string_sized_new(2 * (size_t)MIN(length, TAP_HEX_BYTES) + 1);
    for (uint32_t i = 0; i < MIN(length, TAP_HEX_BYTES); i++)
        g_string_append_printf(hex, "%02x", bytes[i]);
    return g_string_free(hex, FALSE);
}

char *tap_client_name(const uint8_t *client_id, uint32_t length, unsigned characters)
{
    char *printable = tap_printable(client_id, length, characters);

    if (!track_reads_like_own_name(client_id, length))
        return printable;
    char *quoted = g_strdup_printf("\"%s\"", printable);
    g_free(printable);
    return quoted;
}

char *tap_filter_text(const char *text)
{
    GString *filter = g_string_new(NULL);

    while (*text != '\0') {
        gunichar character = g_utf8_get_char(text);
        const char *next = text + g_unichar_to_utf8(character, NULL);

        if (*text == '"' || *text == '\\')
            g_string_append_printf(filter, "\\%c", *text);
        else if (g_unichar_isprint(character))
            g_string_append_len(filter, text, next - text);
        else
            for (const char *byte = text; byte < next; byte++)
                g_string_append_printf(filter, "\\x%02x", (unsigned char)*byte);
        text = next;
    }
    return g_string_free(filter, FALSE);
}

const char *tap_version_name(unsigned version)
{
    switch (version) {
    case MQTT_V31:
        return "3.1";
    case MQTT_V311:
        return "3.1.1";
    case MQTT_V50:
        return "5.0";
    default:
        return "";
    }
}
