/* test-tls.c - records of TLS, and the alerts that are sent in clear.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
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

int main(void)
{
    RUN(fatal_alerts_are_found);
    RUN(nothing_else_is_an_alert);
    RUN(every_prefix_can_be_read);
    RUN(records_have_bounds);
    RUN(alerts_have_names);
    return FINISH();
}
