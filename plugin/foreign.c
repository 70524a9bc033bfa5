/* foreign.c - recognises what is no MQTT where MQTT is expected.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A Client that speaks plain MQTT to a TLS port gets an alert, and one at an HTTP port gets a page; read as MQTT, an alert would be
 * a CONNECT and "HTTP" a PUBACK. No control packet begins with four printable characters where a stream begins. Later on some
 * do: "POST" and "PROXY" are the beginning of a PUBREC.
 */
#include "foreign.h"

#include <string.h>

#include "compat.h"
#include "wire/tls-record.h"

enum {
    TEXT_LEAST = 4,
    LINE_LONGEST = 60,
    PROXY_V1_LONGEST = 107,
    PROXY_V2_HEADER = 16,
};

static const uint8_t proxy_v2[] = {0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A};

unsigned foreign_proxy_header(tvbuff_t *tvb)
{
    unsigned captured = tvb_captured_length(tvb);
    const char *bytes = (const char *)tvb_get_ptr(tvb, 0, (int)captured);

    if (captured >= 6 && memcmp(bytes, "PROXY ", 6) == 0) {
        const char *end = (const char *)memchr(bytes, '\n', MIN(captured, PROXY_V1_LONGEST));
        return end != NULL ? (unsigned)(end - bytes) + 1 : 0;
    }
    if (captured >= PROXY_V2_HEADER && memcmp(bytes, proxy_v2, sizeof proxy_v2) == 0) {
        unsigned length = PROXY_V2_HEADER + tvb_get_ntohs(tvb, 14);
        return length <= captured ? length : 0;
    }
    return 0;
}

static bool is_text_line(const uint8_t *bytes, unsigned captured)
{
    if (captured < TEXT_LEAST)
        return false;
    for (unsigned i = 0; i < TEXT_LEAST; i++)
        if (!g_ascii_isprint(bytes[i]))
            return false;
    return true;
}

static bool is_proxy_v2(const uint8_t *bytes, unsigned captured)
{
    return captured >= sizeof proxy_v2 && memcmp(bytes, proxy_v2, sizeof proxy_v2) == 0;
}

bool foreign_is_stream(tvbuff_t *tvb)
{
    return foreign_proxy_header(tvb) == 0 && foreign_is_start(tvb, 0);
}

bool foreign_is_ssh(tvbuff_t *tvb)
{
    static const char banner[] = "SSH-";

    return tvb_memeql(tvb, 0, (const uint8_t *)banner, strlen(banner)) == 0;
}

bool foreign_is_stream_inside(tvbuff_t *tvb)
{
    unsigned captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    unsigned at = 0;

    while (at + MQTT_TLS_HEADER <= captured && mqtt_is_tls_record(bytes + at, captured - at))
        at += MQTT_TLS_HEADER + (unsigned)(bytes[at + 3] << 8 | bytes[at + 4]);
    return at > 0 && at >= captured;
}

bool foreign_is_start(tvbuff_t *tvb, int offset)
{
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, offset);
    const uint8_t *bytes = tvb_get_ptr(tvb, offset, (int)captured);

    return mqtt_is_tls_record(bytes, captured) || is_text_line(bytes, captured) || is_proxy_v2(bytes, captured);
}

bool foreign_may_start(tvbuff_t *tvb, int offset)
{
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, offset);
    const uint8_t *bytes = tvb_get_ptr(tvb, offset, (int)captured);
    bool is_tls_type = bytes[0] >= MQTT_TLS_CHANGE_CIPHER_SPEC && bytes[0] <= MQTT_TLS_APPLICATION_DATA;
    unsigned printable = 0;

    while (printable < captured && g_ascii_isprint(bytes[printable]))
        printable++;
    return captured < TEXT_LEAST && (printable == captured || is_tls_type);
}

bool foreign_is_inside(tvbuff_t *tvb, int offset)
{
    static const char *const words[] = {"HTTP/", "GET /", "HEAD /", "OPTIONS ", "DELETE /", "CONNECT ", "SSH-"};
    unsigned captured = (unsigned)tvb_captured_length_remaining(tvb, offset);
    const uint8_t *bytes = tvb_get_ptr(tvb, offset, (int)captured);

    for (unsigned i = 0; i < G_N_ELEMENTS(words); i++)
        if (captured >= strlen(words[i]) && memcmp(bytes, words[i], strlen(words[i])) == 0)
            return true;
    return mqtt_is_tls_record(bytes, captured) || is_proxy_v2(bytes, captured);
}

static const char *tls_name(wmem_allocator_t *pool, tvbuff_t *tvb)
{
    enum { ALERT_LENGTH = 2 };
    unsigned captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    bool is_plain = captured >= MQTT_TLS_HEADER + ALERT_LENGTH && bytes[3] == 0 && bytes[4] == ALERT_LENGTH;

    switch (bytes[0]) {
    case MQTT_TLS_ALERT:
        if (!is_plain)
            return "TLS alert";
        return wmem_strdup_printf(pool, "TLS alert %u (%s)", bytes[6], mqtt_tls_alert_name(bytes[6]));
    case MQTT_TLS_HANDSHAKE:
        return "TLS handshake";
    default:
        return "TLS record";
    }
}

const char *foreign_name(wmem_allocator_t *pool, tvbuff_t *tvb)
{
    unsigned captured = tvb_captured_length(tvb);
    const uint8_t *bytes = tvb_get_ptr(tvb, 0, (int)captured);
    unsigned length = 0;

    if (mqtt_is_tls_record(bytes, captured))
        return tls_name(pool, tvb);
    if (is_proxy_v2(bytes, captured) || (captured >= 6 && memcmp(bytes, "PROXY ", 6) == 0))
        return "PROXY protocol header";
    while (length < MIN(captured, LINE_LONGEST) && bytes[length] != '\r' && bytes[length] != '\n')
        length++;
    return wmem_strdup_printf(pool, "\"%s\"", compat_format_text(pool, bytes, length));
}
