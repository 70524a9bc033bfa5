/* check-wills.c - finds Wills that are delivered though they should not be, or changed (MQTT 5.0 section 3.1.2.5).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Nothing is said where any connection's Will of this look may rightly be published.
 */
#include "check-wills.h"

#include "../evidence/report-anomaly.h"
#include "../protocol/connection.h"
#include "checks.h"

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t LONG_AGO_NS = INT64_C(60000000000);

/** Where it is remembered that something was reported of a Will. */
static uint32_t *reported_of(const struct track_context *tracking, const struct track_will *will)
{
    struct track_capture *capture = tracking->capture;
    return &track_capture_checks_of(capture)->wills.reported[will - capture->wills->kept];
}

static bool is_reported(const struct track_context *tracking, const struct track_will *will)
{
    return *reported_of(tracking, will) == will->number;
}

static void report_will(struct track_context *tracking, const struct track_will *will, struct track_anomaly anomaly)
{
    *reported_of(tracking, will) = will->number;
    track_report_anomaly(tracking, anomaly);
}

/** A Will that was removed, cancelled, or is not due yet. */
static void check_time(struct track_context *tracking, const struct track_will *will)
{
    const struct track_connection_session *session = &will->connection->session;
    struct track_anomaly found = {.at = tracking->packet->publish.topic, .frame = will->ended_in};
    int64_t end_ns = track_broken_off_ns(will->connection);
    int64_t due_s = MIN(will->delay_s, session->expiry_s);
    const struct track_clock *clock = &tracking->capture->clock;
    bool is_settled = session->connack_seen; /* it may have changed the Session Expiry Interval */

    if (will->state != TRACK_WILL_ARMED && track_most_elapsed_ns(clock, will->ended_ns, tracking->now_ns) > LONG_AGO_NS)
        return;
    if (will->state == TRACK_WILL_REMOVED) {
        found.kind = TRACK_ANOMALY_WILL_AFTER_DISCONNECT;
    } else if (will->state == TRACK_WILL_CANCELLED) {
        found.kind = TRACK_ANOMALY_WILL_AFTER_RETURN;
    } else if (will->is_v5 && is_settled && end_ns != TRACK_TIME_UNKNOWN && !session->taken_over &&
               session->is_expiry_known &&
               track_most_elapsed_ns(clock, end_ns, tracking->now_ns) < (due_s - 2) * SECOND_NS) {
        found.kind = TRACK_ANOMALY_WILL_TOO_EARLY;
        found.frame = will->frame;
        found.value = (uint32_t)due_s;
    } else {
        return;
    }
    report_will(tracking, will, found);
}

/** A Will is published with the properties that its CONNECT gave. */
static void check_properties(struct track_context *tracking, const struct track_will *will)
{
    const struct mqtt_packet *packet = tracking->packet;
    const struct track_forwarded_properties *then = &will->properties;
    struct track_anomaly found = {.at = packet->properties.length_at, .frame = will->frame};
    struct track_forwarded_properties now;

    if (packet->version != MQTT_V50 || !will->is_v5)
        return;
    track_read_forwarded(packet, &packet->properties, &now);
    if (now.user_count < then->user_count || (now.user_count == then->user_count && now.users != then->users)) {
        found.kind = TRACK_ANOMALY_WILL_USER_PROPERTIES;
        track_report_anomaly(tracking, found);
    }
    if (now.has_expiry && !then->has_expiry) {
        found.kind = TRACK_ANOMALY_WILL_WITH_EXPIRY;
        found.value = now.expiry_s;
        track_report_anomaly(tracking, found);
    }
}

void track_check_will(struct track_context *tracking, struct track_topic topic)
{
    const struct mqtt_packet *packet = tracking->packet;
    struct track_will_match match;

    if (packet->publish.dup || packet->publish.retain || !track_match_wills(tracking, topic, &match) ||
        is_reported(tracking, match.latest) || (match.armed > 0 && match.count > 1))
        return;
    check_time(tracking, match.latest);
    if (match.count == 1 && match.armed == 1)
        check_properties(tracking, match.latest);
}

void track_check_will_copies(struct track_context *tracking, struct track_topic topic)
{
    struct track_will_match match;

    if (!track_match_wills(tracking, topic, &match) || match.count != 1)
        return;
    const struct track_will *only = match.latest;
    if (is_reported(tracking, only) || only->delivered_to != tracking->connection ||
        only->delivered_in >= tracking->pdu.frame)
        return;
    report_will(tracking, only,
                (struct track_anomaly){.kind = TRACK_ANOMALY_WILL_TWICE,
                                       .at = tracking->packet->publish.topic,
                                       .frame = only->delivered_in,
                                       .doubt = track_may_keep_session(tracking->connection)
                                                    ? TRACK_DOUBT_EARLIER_SESSION
                                                    : TRACK_DOUBT_NONE});
}

void track_check_stored_will(struct track_context *tracking, struct track_topic topic)
{
    const struct track_will *published = NULL; /* or may be: a Will whose connection is open is not yet */
    struct track_will_match match;

    if (!track_match_wills(tracking, topic, &match))
        return;
    for (const struct track_will *will = NULL; (will = track_next_will(tracking, &match, will)) != NULL;) {
        if (will->retain || is_reported(tracking, will))
            return;
        if (track_broken_off_ns(will->connection) != TRACK_TIME_UNKNOWN)
            published = will;
    }
    if (published != NULL)
        report_will(tracking, published,
                    (struct track_anomaly){.kind = TRACK_ANOMALY_WILL_STORED, .at = {0, 1}, .frame = published->frame});
}
