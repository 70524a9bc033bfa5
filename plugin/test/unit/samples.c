/* samples.c - well-formed packets of each type and version, and the notation that they are written in.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <ctype.h>

#include "check.h"

enum { LONGEST = 4096 };

/** What is left of the notation, and the bytes it has made. */
struct writer {
    const char *rest;
    uint8_t bytes[LONGEST];
    uint32_t length;
};

static void put(struct writer *writer, unsigned byte)
{
    if (writer->length == LONGEST)
        abort();
    writer->bytes[writer->length++] = (uint8_t)byte;
}

/** 'text', or s'text' with its length in front. */
static void put_text(struct writer *writer, bool with_length)
{
    const char *end = strchr(writer->rest, '\'');
    if (end == NULL)
        abort();
    uint32_t length = (uint32_t)(end - writer->rest);
    if (with_length) {
        put(writer, length >> 8);
        put(writer, length & 0xFF);
    }
    while (writer->rest < end)
        put(writer, (uint8_t)*writer->rest++);
    writer->rest = end + 1;
}

static void put_items(struct writer *writer);

/** { ... }: its length as a Variable Byte Integer, then the content. */
static void put_group(struct writer *writer)
{
    struct writer inner = {.rest = writer->rest};
    put_items(&inner);
    if (*inner.rest != '}')
        abort();
    uint32_t length = inner.length;
    do {
        put(writer, (length & 0x7F) | (length > 0x7F ? 0x80 : 0));
        length >>= 7;
    } while (length > 0);
    for (uint32_t i = 0; i < inner.length; i++)
        put(writer, inner.bytes[i]);
    writer->rest = inner.rest + 1;
}

static void put_items(struct writer *writer)
{
    while (*writer->rest != '\0' && *writer->rest != '}') {
        char first = *writer->rest++;
        if (first == '\'') {
            put_text(writer, false);
        } else if (first == 's' && *writer->rest == '\'') {
            writer->rest++;
            put_text(writer, true);
        } else if (first == '{') {
            put_group(writer);
        } else if (isxdigit((unsigned char)first)) {
            char digits[] = {first, *writer->rest++, '\0'};
            put(writer, (unsigned)strtoul(digits, NULL, 16));
        } else if (first != ' ') {
            abort();
        }
    }
}

struct buffer buffer_from(const char *notation)
{
    struct writer writer = {.rest = notation};
    put_items(&writer);
    return buffer_of(writer.bytes, writer.length);
}

const struct sample samples[] = {
    {MQTT_V31, "10 { s'MQIsdp' 03 02 003c s'client-1' }"},
    {MQTT_V31, "10 { s'MQIsdp' 03 c2 003c s'client-1' }"},
    {MQTT_V31, "10 { s'MQIsdp' 83 ce 003c s'client-1' s'will' s'gone' s'user' s'word' }"},
    {MQTT_V31, "20 { 00 00 }"},
    {MQTT_V31, "3b { s'a/b' 0001 'hello' }"},
    {MQTT_V31, "8a { 0001 s'a/b' 01 s'c' 02 }"},
    {MQTT_V31, "90 { 0001 01 02 }"},
    {MQTT_V31, "aa { 0002 s'a/b' }"},
    {MQTT_V31, "6a { 0003 }"},
    {MQTT_V311, "10 { s'MQTT' 04 02 003c s'client-1' }"},
    {MQTT_V311, "10 { s'MQTT' 04 c6 003c s'client-1' s'will' s'gone' s'user' s'word' }"},
    {MQTT_V311, "10 { s'MQTT' 84 02 0000 s'' }"},
    {MQTT_V311, "20 { 01 00 }"},
    {MQTT_V311, "20 { 00 05 }"},
    {MQTT_V311, "30 { s'a/b' }"},
    {MQTT_V311, "31 { s'a/b' 'hello' }"},
    {MQTT_V311, "3d { s'a/b' 0007 'hello' }"},
    {MQTT_V311, "40 { 0007 }"},
    {MQTT_V311, "50 { 0007 }"},
    {MQTT_V311, "62 { 0007 }"},
    {MQTT_V311, "70 { 0007 }"},
    {MQTT_V311, "82 { 0001 s'#' 00 s'a/+' 02 }"},
    {MQTT_V311, "90 { 0001 00 80 }"},
    {MQTT_V311, "a2 { 0001 s'#' s'a/+' }"},
    {MQTT_V311, "b0 { 0001 }"},
    {MQTT_V311, "c0 {}"},
    {MQTT_V311, "d0 {}"},
    {MQTT_V311, "e0 {}"},
    {MQTT_V50, "10 { s'MQTT' 05 02 003c {} s'client-1' }"},
    {MQTT_V50, "10 { s'MQTT' 05 ee 003c { 11 0000003c 15 s'SCRAM' 16 s'xyz' 17 01 19 01 21 0014 22 000a 26 s'k' s'v' "
               "27 00010000 } s'client-1' { 01 01 02 0000003c 03 s'text' 08 s'r' 09 s'c' 18 00000005 26 s'k' s'v' } "
               "s'will' s'gone' s'user' s'word' }"},
    {MQTT_V50, "20 { 00 00 {} }"},
    {MQTT_V50, "20 { 01 00 { 11 0000003c 12 s'id' 13 001e 15 s'SCRAM' 16 s'xyz' 1a s'r' 1c s's' 1f s'why' 21 0014 "
               "22 000a 24 01 25 01 26 s'k' s'v' 27 00010000 28 01 29 01 2a 01 } }"},
    {MQTT_V50, "20 { 00 87 { 1f s'no' } }"},
    {MQTT_V50, "30 { s'a/b' {} 'hello' }"},
    {MQTT_V50, "30 { s'' { 23 0001 } 'hello' }"},
    {MQTT_V50, "3d { s'a/b' 0007 { 01 01 02 0000003c 03 s'text' 08 s'r' 09 s'c' 0b 01 0b 8001 23 0002 26 s'k' s'v' "
               "26 s'k' s'w' } 'hello' }"},
    {MQTT_V50, "40 { 0007 }"},
    {MQTT_V50, "40 { 0007 10 }"},
    {MQTT_V50, "40 { 0007 10 { 1f s'nobody' 26 s'k' s'v' } }"},
    {MQTT_V50, "50 { 0007 87 {} }"},
    {MQTT_V50, "62 { 0007 92 {} }"},
    {MQTT_V50, "70 { 0007 00 { 1f s'ok' } }"},
    {MQTT_V50, "82 { 0001 { 0b 05 26 s'k' s'v' } s'#' 2e s'a/+' 01 }"},
    {MQTT_V50, "90 { 0001 { 1f s'ok' } 00 01 02 9e }"},
    {MQTT_V50, "a2 { 0001 {} s'#' s'a/+' }"},
    {MQTT_V50, "b0 { 0001 {} 00 11 }"},
    {MQTT_V50, "c0 {}"},
    {MQTT_V50, "d0 {}"},
    {MQTT_V50, "e0 {}"},
    {MQTT_V50, "e0 { 04 }"},
    {MQTT_V50, "e0 { 8e { 11 00000000 1c s'other' 1f s'why' } }"},
    {MQTT_V50, "f0 {}"},
    {MQTT_V50, "f0 { 18 { 15 s'SCRAM' 16 s'xyz' 1f s'go on' 26 s'k' s'v' } }"},
    {MQTT_VERSION_UNKNOWN, NULL},
};
