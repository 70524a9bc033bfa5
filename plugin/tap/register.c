/* register.c - registers the statistics, and what they share.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Statistics are registered along with the protocol: tshark and the menus collect them when all protocols are there.
 */
#include <glib.h>

#include "../compat.h"
#include "tap.h"

void tap_register(int proto)
{
    tap_register_sessions();
    tap_register_rules_table();
    tap_register_packets_tree();
    tap_register_topics_tree();
    tap_register_clients_tree();
    tap_register_srt(proto);
}

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

enum tap_direction tap_direction_of(const struct tap_record *record)
{
    if (record->epoch.broker == TRACK_END_UNKNOWN)
        return TAP_DIRECTION_UNKNOWN;
    return record->epoch.broker == record->facts.sender ? TAP_TO_CLIENT : TAP_TO_BROKER;
}

const char *tap_client_of(const struct tap_record *record)
{
    switch (tap_direction_of(record)) {
    case TAP_TO_BROKER:
        return record->sender_name;
    case TAP_TO_CLIENT:
        return record->receiver_name;
    default:
        return NULL;
    }
}
