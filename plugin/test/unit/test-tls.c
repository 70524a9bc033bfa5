/* test-tls.c - records of TLS, the alerts that are sent in clear, and what a ClientHello offers.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../../wire/tls-hello.h"
#include "../../wire/tls-record.h"
#include "check.h"

/** Looks for an alert in a block of its own. */
static int find_alert(const uint8_t *bytes, uint32_t length)
{
    struct buffer buffer = buffer_of(bytes, length);
    int description = mqtt_find_fatal_alert(buffer.bytes, buffer.length);

    free(buffer.bytes);
    return description;
}

#define FIND(...) find_alert((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void fatal_alerts_are_found(void)
{
    CHECK_EQ(FIND(21, 3, 3, 0, 2, 2, 48), 48);
    CHECK_EQ(FIND(21, 3, 0, 0, 2, 2, 255), 255);
    CHECK_EQ(FIND(20, 3, 3, 0, 1, 1, 21, 3, 4, 0, 2, 2, 0), 0);
    CHECK_EQ(FIND(21, 3, 3, 0, 2, 1, 112, 21, 3, 3, 0, 2, 2, 40), 40);
    CHECK_EQ(FIND(22, 3, 3, 0, 0, 21, 3, 3, 0, 2, 2, 70, 21, 3, 3, 0, 2, 2, 80), 70);
}

static void nothing_else_is_an_alert(void)
{
    CHECK_EQ(find_alert(NULL, 0), -1);
    CHECK_EQ(FIND(21, 3, 3, 0, 2, 2), -1);
    CHECK_EQ(FIND(21, 3, 3, 0, 2, 1, 0), -1);
    CHECK_EQ(FIND(21, 3, 3, 0, 3, 2, 48, 0), -1);
    CHECK_EQ(FIND(21, 3, 5, 0, 2, 2, 48), -1);
    CHECK_EQ(FIND(21, 2, 3, 0, 2, 2, 48), -1);
    CHECK_EQ(FIND(23, 3, 3, 0, 2, 2, 48), -1);
    CHECK_EQ(FIND(22, 3, 3, 0, 9, 21, 3, 3, 0, 2, 2, 48), -1);
    CHECK_EQ(FIND(16, 12, 0, 4, 'M', 'Q', 'T', 'T', 21, 3, 3, 0, 2, 2, 48), -1);
}

static void every_prefix_can_be_read(void)
{
    static const uint8_t records[] = {20, 3, 3, 0, 1, 1, 22, 3, 3, 0, 2, 0, 0, 21, 3, 3, 0, 2, 2, 40};

    for (uint32_t length = 0; length < sizeof records; length++)
        CHECK_EQ(find_alert(records, length), -1);
    CHECK_EQ(find_alert(records, sizeof records), 40);
}

static void records_have_bounds(void)
{
    CHECK(mqtt_is_tls_record((const uint8_t[]){22, 3, 1, 0x48}, 4));
    CHECK(mqtt_is_tls_record((const uint8_t[]){23, 3, 3, 0x48, 0x00}, 5));
    CHECK(!mqtt_is_tls_record((const uint8_t[]){23, 3, 3, 0x48, 0x01}, 5));
    CHECK(!mqtt_is_tls_record((const uint8_t[]){22, 3, 1}, 3));
    CHECK(!mqtt_is_tls_record((const uint8_t[]){19, 3, 1, 0}, 4));
    CHECK(!mqtt_is_tls_record((const uint8_t[]){24, 3, 1, 0}, 4));
}

static void alerts_have_names(void)
{
    CHECK_TEXT(mqtt_tls_alert_name(48), "unknown_ca");
    CHECK_TEXT(mqtt_tls_alert_name(120), "no_application_protocol");
    CHECK_TEXT(mqtt_tls_alert_name(1), "unknown");
    CHECK_TEXT(mqtt_tls_alert_name(255), "unknown");
}

/* A ClientHello with a session id, two cipher suites, and the extensions supported_versions and ALPN. */
static const uint8_t client_hello[] = {
    22, 3,  1,  0,  86,                                               /* record */
    1,  0,  0,  82,                                                   /* handshake */
    3,  3,  0,  1,  2,  3,  4,  5,   6,   7,   8,   9,  10,  11,  12, /* version and random */
    13, 14, 15, 16, 17, 18, 19, 20,  21,  22,  23,  24, 25,  26,  27,  28,  29,  30,  31,  4,
    9,  9,  9,  9,                      /* session id */
    0,  4,  19, 1,  19, 2,              /* cipher suites */
    1,  0,                              /* compression methods */
    0,  29,                             /* extensions */
    0,  43, 0,  5,  4,  3,  4,  3,   3, /* supported_versions */
    0,  16, 0,  16, 0,  14, 4,  'm', 'q', 't', 't', 8,  'h', 't', 't', 'p', '/', '1', '.', '1',
};

/** The names that a block of its own offers, a space behind each; "-" where there is no offer. */
static const char *offers_of(const uint8_t *bytes, uint32_t length)
{
    static char text[512];
    struct buffer buffer = buffer_of(bytes, length);
    struct mqtt_tls_offer offer;
    const uint8_t *name;
    size_t name_length;
    size_t used = 0;

    bool is_offer = mqtt_tls_find_offer(buffer.bytes, buffer.length, &offer);
    while (is_offer && mqtt_tls_next_name(&offer, &name, &name_length)) {
        memcpy(text + used, name, name_length);
        used += name_length;
        text[used++] = ' ';
    }
    text[used] = '\0';
    free(buffer.bytes);
    return is_offer ? text : "-";
}

/** The same where a byte of the ClientHello is another. */
static const char *offers_with(unsigned at, uint8_t byte)
{
    uint8_t changed[sizeof client_hello];

    memcpy(changed, client_hello, sizeof changed);
    changed[at] = byte;
    return offers_of(changed, sizeof changed);
}

static void offers_are_read(void)
{
    CHECK_TEXT(offers_of(client_hello, sizeof client_hello), "mqtt http/1.1 ");
}

static void an_offer_that_is_cut_is_read_as_far_as_it_goes(void)
{
    enum { EXTENSION = sizeof client_hello - 20, FIRST_NAME = sizeof client_hello - 14 };

    for (uint32_t length = 0; length < sizeof client_hello; length++)
        CHECK_TEXT(offers_of(client_hello, length), length <= EXTENSION + 1   ? "-"
                                                    : length < FIRST_NAME + 5 ? ""
                                                                              : "mqtt ");
}

static void nothing_else_is_an_offer(void)
{
    CHECK_TEXT(offers_with(0, MQTT_TLS_APPLICATION_DATA), "-");
    CHECK_TEXT(offers_with(1, 2), "-");
    CHECK_TEXT(offers_with(MQTT_TLS_HEADER, 2), "-"); /* a ServerHello */
    CHECK_TEXT(offers_with(sizeof client_hello - 19, 17), "-");
    CHECK_TEXT(offers_with(43, 255), "-");                     /* a session id longer than the rest */
    CHECK_TEXT(offers_with(sizeof client_hello - 14, 15), ""); /* a name longer than the rest */
}

/** Whatever a length says, nothing is read past the end. */
static void each_byte_may_be_wrong(void)
{
    for (unsigned at = 0; at < sizeof client_hello; at++)
        for (unsigned byte = 0; byte <= UINT8_MAX; byte += 51)
            CHECK(strlen(offers_with(at, (uint8_t)byte)) <= sizeof client_hello);
}

int main(void)
{
    RUN(fatal_alerts_are_found);
    RUN(nothing_else_is_an_alert);
    RUN(every_prefix_can_be_read);
    RUN(records_have_bounds);
    RUN(alerts_have_names);
    RUN(offers_are_read);
    RUN(an_offer_that_is_cut_is_read_as_far_as_it_goes);
    RUN(nothing_else_is_an_offer);
    RUN(each_byte_may_be_wrong);
    return FINISH();
}
