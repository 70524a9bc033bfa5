/* own-names.c - tells Client Identifiers from the names that are shown for ends without one.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "own-names.h"

#include <string.h>

static bool is_digit(uint8_t character)
{
    return character >= '0' && character <= '9';
}

/** The bytes before a colon and a number at the end; 0 where there is none. */
static uint32_t length_before_port(const uint8_t *name, uint32_t length)
{
    uint32_t end = length;

    while (end > 0 && is_digit(name[end - 1]))
        end--;
    return end < length && end > 0 && name[end - 1] == ':' ? end - 1 : 0;
}

/** True for digits and dots. */
static bool is_like_ipv4(const uint8_t *text, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++)
        if (!is_digit(text[i]) && text[i] != '.')
            return false;
    return length > 0;
}

static bool is_like_endpoint(const uint8_t *name, uint32_t length)
{
    uint32_t host = length_before_port(name, length);

    if (host == 0)
        return false;
    return is_like_ipv4(name, host) || (name[0] == '[' && name[host - 1] == ']');
}

static bool begins_with(const uint8_t *name, uint32_t length, const char *text)
{
    return length >= strlen(text) && memcmp(name, text, strlen(text)) == 0;
}

static bool is_word(const uint8_t *name, uint32_t length, const char *word)
{
    return length == strlen(word) && begins_with(name, length, word);
}

bool track_reads_like_own_name(const uint8_t *client_id, uint32_t length)
{
    if (length == 0)
        return true;
    switch (client_id[0]) {
    case '"':
        return true;
    case '(':
        return client_id[length - 1] == ')';
    case 'b':
        return is_word(client_id, length, "broker") || begins_with(client_id, length, "broker ");
    case 'c':
        return begins_with(client_id, length, "client:") && length_before_port(client_id, length) == strlen("client");
    case 'o':
        return is_word(client_id, length, "others");
    case 't':
        return is_word(client_id, length, "their peers");
    case 'u':
        return is_word(client_id, length, "unknown");
    default:
        return (client_id[0] == '[' || is_digit(client_id[0])) && is_like_endpoint(client_id, length);
    }
}
