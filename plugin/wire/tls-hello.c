/* tls-hello.c - reads which protocols a TLS client offers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tls-hello.h"

#include "tls-record.h"

enum { CLIENT_HELLO = 1, VERSION_AND_RANDOM = 2 + 32, EXTENSION_ALPN = 16 };

/** Bytes that are still to be read. */
struct rest {
    const uint8_t *bytes;
    size_t length;
};

/** Takes so many bytes, or as many as there are. */
static struct rest take(struct rest *from, size_t length)
{
    struct rest taken = {from->bytes, length < from->length ? length : from->length};

    from->bytes += taken.length;
    from->length -= taken.length;
    return taken;
}

static size_t take_number(struct rest *from, size_t size)
{
    struct rest taken = take(from, size);
    size_t number = 0;

    for (size_t i = 0; i < taken.length; i++)
        number = number << 8 | taken.bytes[i];
    return number;
}

/** A vector: its length in so many bytes, and what it holds (RFC 8446 section 3.4). */
static struct rest take_vector(struct rest *from, size_t size)
{
    size_t length = take_number(from, size);
    return take(from, length);
}

bool mqtt_tls_find_offer(const uint8_t *bytes, size_t captured, struct mqtt_tls_offer *offer)
{
    struct rest record = {bytes, captured};

    if (captured <= MQTT_TLS_HEADER || bytes[0] != MQTT_TLS_HANDSHAKE || !mqtt_is_tls_record(bytes, captured) ||
        bytes[MQTT_TLS_HEADER] != CLIENT_HELLO)
        return false;
    take(&record, MQTT_TLS_HEADER - 2);
    struct rest handshake = take_vector(&record, 2);
    take(&handshake, 1);
    struct rest hello = take_vector(&handshake, 3);
    take(&hello, VERSION_AND_RANDOM);
    take_vector(&hello, 1); /* session id */
    take_vector(&hello, 2); /* cipher suites */
    take_vector(&hello, 1); /* compression methods */
    struct rest extensions = take_vector(&hello, 2);
    while (extensions.length > 0) {
        size_t type = take_number(&extensions, 2);
        struct rest extension = take_vector(&extensions, 2);
        if (type != EXTENSION_ALPN)
            continue;
        struct rest names = take_vector(&extension, 2);
        *offer = (struct mqtt_tls_offer){names.bytes, names.length};
        return true;
    }
    return false;
}

bool mqtt_tls_next_name(struct mqtt_tls_offer *offer, const uint8_t **name, size_t *length)
{
    if (offer->length == 0 || offer->bytes[0] > offer->length - 1)
        return false;
    *length = offer->bytes[0];
    *name = offer->bytes + 1;
    offer->bytes += 1 + *length;
    offer->length -= 1 + *length;
    return true;
}
