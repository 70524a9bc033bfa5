/* rivals.c - connections of one Client Identifier that follow each other too fast, or displace each other.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "rivals.h"

#include <string.h>

#include "../evidence/report-event.h"
#include "connection.h"

static const int64_t SECOND_NS = INT64_C(1000000000);
static const int64_t ROW_NS = INT64_C(60000000000);

/** The Client's address on a connection. */
static const struct track_endpoint *client_of(const struct track_connection *connection)
{
    unsigned broker = track_latest_snapshot(connection)->broker;
    return broker == TRACK_END_UNKNOWN ? NULL : &connection->transport.ends[1 - broker];
}

/** Two connections come from the same address, whatever the port. */
static bool is_from_same_address(const struct track_connection *one, const struct track_connection *other)
{
    const struct track_endpoint *a = client_of(one);
    const struct track_endpoint *b = client_of(other);

    return a == NULL || b == NULL || (a->length == b->length && memcmp(a->address, b->address, a->length) == 0);
}

static void report_two_devices(struct track_context *tracking, const struct track_connection *other)
{
    struct track_rivals *rivals = &other->session.stored->rivals;

    if (rivals->is_reported)
        return;
    rivals->is_reported = true;
    track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_two_devices,
                                                      .by = (uint8_t)tracking->sender,
                                                      .frame = other->ending.connect_in,
                                                      .other = other->number});
}

/** The connection that took this one over, where the Server accepted it; NULL where there is none. */
static struct track_connection *accepted_successor(const struct track_connection *connection)
{
    struct track_connection *successor = connection->session.stored != NULL ? connection->session.stored->last : NULL;

    if (connection->ending.taken_over_in == 0 || successor == NULL || successor == connection ||
        successor->session.previous != connection || !successor->session.connack_seen ||
        successor->session.connack_code != 0)
        return NULL;
    return successor;
}

/** The Client of a connection that was taken over is seen alive. */
static void see_alive(struct track_context *tracking, const struct track_connection *successor)
{
    struct track_connection *connection = tracking->connection;
    struct track_rivals *rivals = &connection->session.stored->rivals;

    if (connection->is_seen_alive)
        return;
    connection->is_seen_alive = true;
    rivals->lives += rivals->lives < UINT8_MAX;
    if (rivals->lives > 1 || !is_from_same_address(connection, successor))
        report_two_devices(tracking, successor);
}

void track_rival_sends(struct track_context *tracking)
{
    const struct track_connection *successor = accepted_successor(tracking->connection);

    /* What was under way is no sign. */
    if (successor != NULL && track_is_from_client(tracking) &&
        track_least_elapsed_ns(&tracking->capture->clock, successor->session.connack.ns, tracking->now_ns) >
            2 * SECOND_NS)
        see_alive(tracking, successor);
}

/** The Client closes after the Server did: it has received the Server's FIN or DISCONNECT. */
void track_rival_closes(struct track_context *tracking, const struct track_closing *closing)
{
    const struct track_event *end = tracking->connection->ending.end;
    const struct track_connection *successor = accepted_successor(tracking->connection);
    const struct track_arrival *arrival = tracking->arrival;
    bool has_received = arrival->has_numbers && arrival->has_other && arrival->got_to == arrival->other_sent_to;

    if (successor != NULL && end != NULL && !closing->is_reset && track_is_from_client(tracking) &&
        end->by != tracking->sender && has_received)
        see_alive(tracking, successor);
}

/** A connection displaces the one before, `old`, which may have displaced one itself. */
static void count_displacement(struct track_context *tracking, const struct track_connection *old)
{
    const struct track_connection *connection = tracking->connection;
    const struct track_connection *older = old->session.takes_over ? old->session.previous : NULL;
    struct track_rivals *rivals = &connection->session.stored->rivals;

    if (older == NULL || !older->is_seen_alive)
        rivals->lives = 0;
    bool is_return = older != NULL && is_from_same_address(older, connection) && !is_from_same_address(old, connection);
    rivals->returns = is_return ? (uint8_t)MIN(rivals->returns + 1, UINT8_MAX) : 0;
    if (rivals->returns > 1)
        report_two_devices(tracking, old);
}

/** A connection ended so that its Client has a reason to come again. */
static bool has_failed(const struct track_connection *connection)
{
    const struct track_event *end = connection->ending.end;
    unsigned broker = track_latest_snapshot(connection)->broker;

    if (!connection->ending.is_over)
        return connection->ending.taken_over_in != 0;
    return end != NULL && (end->how != TRACK_ENDED_BY_DISCONNECT || end->by == broker);
}

/** Failures in a row; reported at the fifth, and each time that they have doubled. */
static void count_failure(struct track_context *tracking, struct track_rivals *rivals,
                          const struct track_connection *last)
{
    enum { LEAST = 5 };
    bool is_at_once = tracking->now_ns - last->ending.last_ns <= ROW_NS && last->ending.last_ns <= tracking->now_ns;

    if (!has_failed(last) || !is_at_once) {
        rivals->failures = 0;
        return;
    }
    rivals->failures += rivals->failures < UINT16_MAX;
    unsigned times = rivals->failures / LEAST;
    if (rivals->failures % LEAST != 0 || (times & (times - 1)) != 0 || rivals->first_ns > tracking->now_ns)
        return;
    track_report_event(tracking, (struct track_event){.kind = TRACK_EVENT_reconnect_loop,
                                                      .by = (uint8_t)tracking->sender,
                                                      .value = rivals->failures,
                                                      .ns = tracking->now_ns - rivals->first_ns});
}

void track_update_reconnects(struct track_context *tracking)
{
    struct track_connection *connection = tracking->connection;
    struct track_session *session = connection->session.stored;

    if (session == NULL || session->client_id == NULL || tracking->snapshot.is_copy)
        return;
    struct track_connection *last = session->rivals.latest;
    session->rivals.latest = connection;
    if (connection->session.takes_over)
        count_displacement(tracking, connection->session.previous);
    if (last != NULL && last != connection)
        count_failure(tracking, &session->rivals, last);
    if (session->rivals.failures == 0)
        session->rivals.first_ns = tracking->now_ns;
}
