/* tls-record.c - recognises TLS by the header of a record, and reads alerts that are sent in clear.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "tls-record.h"

enum {
    LEAST = 4, /* bytes that tell */
    MAJOR_VERSION = 3,
    LAST_MINOR_VERSION = 4,
    LONGEST = 16384 + 2048,
    ALERT_LENGTH = 2,
    FATAL = 2,
};

static size_t content_length(const uint8_t *header)
{
    return (size_t)header[3] << 8 | header[4];
}

bool mqtt_is_tls_record(const uint8_t *bytes, size_t captured)
{
    if (captured < LEAST || bytes[0] < MQTT_TLS_CHANGE_CIPHER_SPEC || bytes[0] > MQTT_TLS_APPLICATION_DATA ||
        bytes[1] != MAJOR_VERSION || bytes[2] > LAST_MINOR_VERSION)
        return false;
    return captured < MQTT_TLS_HEADER || content_length(bytes) <= LONGEST;
}

int mqtt_find_fatal_alert(const uint8_t *bytes, size_t captured)
{
    size_t at = 0;

    while (captured - at >= MQTT_TLS_HEADER + ALERT_LENGTH && mqtt_is_tls_record(bytes + at, captured - at)) {
        const uint8_t *record = bytes + at;
        if (record[0] == MQTT_TLS_ALERT && content_length(record) == ALERT_LENGTH && record[MQTT_TLS_HEADER] == FATAL)
            return record[MQTT_TLS_HEADER + 1];
        if (content_length(record) > captured - at - MQTT_TLS_HEADER)
            break;
        at += MQTT_TLS_HEADER + content_length(record);
    }
    return -1;
}

/* RFC 8446 section 6, and what TLS 1.2 and its extensions have beside. */
const char *mqtt_tls_alert_name(uint8_t description)
{
    static const char *const names[UINT8_MAX + 1] = {
        [0] = "close_notify",
        [10] = "unexpected_message",
        [20] = "bad_record_mac",
        [21] = "decryption_failed",
        [22] = "record_overflow",
        [30] = "decompression_failure",
        [40] = "handshake_failure",
        [42] = "bad_certificate",
        [43] = "unsupported_certificate",
        [44] = "certificate_revoked",
        [45] = "certificate_expired",
        [46] = "certificate_unknown",
        [47] = "illegal_parameter",
        [48] = "unknown_ca",
        [49] = "access_denied",
        [50] = "decode_error",
        [51] = "decrypt_error",
        [60] = "export_restriction",
        [70] = "protocol_version",
        [71] = "insufficient_security",
        [80] = "internal_error",
        [86] = "inappropriate_fallback",
        [90] = "user_canceled",
        [100] = "no_renegotiation",
        [109] = "missing_extension",
        [110] = "unsupported_extension",
        [111] = "certificate_unobtainable",
        [112] = "unrecognized_name",
        [113] = "bad_certificate_status_response",
        [114] = "bad_certificate_hash_value",
        [115] = "unknown_psk_identity",
        [116] = "certificate_required",
        [120] = "no_application_protocol",
    };
    const char *name = names[description];

    return name != NULL ? name : "unknown";
}
