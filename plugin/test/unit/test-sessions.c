/* test-sessions.c - what outlives a connection: transactions in flight, subscriptions, and which connection takes over.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story.h"

#define BEGIN_50 "10 { s'MQTT' 05 02 003c { 11 0000003c } s'me' }" /* Clean Start */
#define RESUME_50 "10 { s'MQTT' 05 00 003c { 11 0000003c } s'me' }"
#define RESUME_31 "10 { s'MQIsdp' 03 00 003c s'me' }"
#define NEW_50 "20 { 00 00 {} }"
#define PRESENT_50 "20 { 01 00 {} }"
#define REFUSED_50 "20 { 00 87 {} }"
#define PUBLISH_1 "32 { s'a' 0007 {} 'x' }"
#define PUBLISH_1_AGAIN "3a { s'a' 0007 {} 'x' }"
#define PUBLISH_2 "34 { s'a' 0008 {} 'x' }"
#define PUBACK "40 { 0007 }"
#define PUBREC "50 { 0008 }"
#define PUBREL "62 { 0008 }"
#define PUBCOMP "70 { 0008 }"
#define DISCONNECT "e0 {}"

/** Deliveries that a client began and did not finish: one of QoS 1, one of QoS 2 whose PUBREC came. */
static struct track_connection *broken_off(struct story *story, const struct track_facts **publish,
                                           const struct track_facts **pubrec)
{
    struct track_connection *connection = story_open(story, BEGIN_50, NEW_50);

    *publish = story_send(story, connection, CLIENT, PUBLISH_1);
    story_send(story, connection, CLIENT, PUBLISH_2);
    *pubrec = story_send(story, connection, BROKER, PUBREC);
    story_send(story, connection, CLIENT, "82 { 0009 {} s'a' 00 }"); /* does not outlive its connection */
    return connection;
}

static void transactions_continue_where_the_session_is_present(void)
{
    struct story story = story_begin(NULL);
    const struct track_facts *publish, *pubrec;
    broken_off(&story, &publish, &pubrec);
    struct track_connection *connection = story_open(&story, RESUME_50, PRESENT_50);
    const struct track_facts *suback = story_send(&story, connection, BROKER, "90 { 0009 {} 00 }");
    const struct track_facts *again = story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN);
    const struct track_facts *puback = story_send(&story, connection, BROKER, PUBACK);
    const struct track_facts *pubrel = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *pubcomp = story_send(&story, connection, BROKER, PUBCOMP);

    CHECK(suback->record == NULL);
    CHECK(again->snapshot->session_known);
    CHECK_EQ(again->record->first_sent_in, publish->pdu.frame);
    CHECK_EQ(puback->record->request_in, again->pdu.frame);
    CHECK_EQ(puback->record->delivery_ns, (puback->pdu.frame - publish->pdu.frame) * (int64_t)MILLISECOND);
    CHECK_EQ(pubrel->record->request_in, pubrec->pdu.frame);
    CHECK_EQ(pubcomp->record->request_in, pubrel->pdu.frame);
    CHECK(pubcomp->record->completes_delivery);
    story_end(&story);
}

/** The PUBREC was captured but did not arrive: the PUBLISH comes again, and waits for a PUBREC of its own. */
static void delivery_begins_again_where_the_pubrec_was_lost(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *first = story_open(&story, RESUME_50, NEW_50);
    const struct track_facts *publish = story_send(&story, first, CLIENT, "34 { s'a' 0007 {} 'x' }");
    story_send(&story, first, BROKER, "50 { 0007 }");
    struct track_connection *second = story_open(&story, RESUME_50, PRESENT_50);
    const struct track_facts *again = story_send(&story, second, CLIENT, "3c { s'a' 0007 {} 'x' }");
    const struct track_facts *pubrec = story_send(&story, second, BROKER, "50 { 0007 }");
    const struct track_facts *pubrel = story_send(&story, second, CLIENT, "62 { 0007 }");

    CHECK_EQ(again->record->first_sent_in, publish->pdu.frame);
    CHECK_EQ(again->record->inflight, 1);
    CHECK_EQ(pubrec->record->request_in, again->pdu.frame);
    CHECK_EQ(pubrel->record->request_in, pubrec->pdu.frame);
    story_end(&story);
}

/** Section 4.9: each connection has a send quota of its own, and what was not sent again takes nothing of it. */
static void what_was_inherited_counts_when_it_is_sent_again(void)
{
    struct story story = story_begin(NULL);
    const struct track_facts *publish, *pubrec;
    broken_off(&story, &publish, &pubrec);
    struct track_connection *connection = story_open(&story, RESUME_50, "20 { 01 00 { 21 0001 } }");
    const struct track_facts *pubrel = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *again = story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN);

    CHECK_EQ(pubrec->record->inflight, 2);
    CHECK_EQ(pubrel->record->inflight, 0);
    CHECK_EQ(again->record->inflight, 1);
    CHECK_EQ(again->record->inflight_max, 1);
    CHECK_EQ(story_send(&story, connection, BROKER, PUBACK)->record->inflight, 0);
    CHECK_EQ(story_send(&story, connection, BROKER, PUBCOMP)->record->inflight, 0);
    story_end(&story);
}

/** The new connection's ends may be met in the other order. */
static void transactions_go_to_the_same_role(void)
{
    struct story story = story_begin(NULL);
    const struct track_facts *publish, *pubrec;
    broken_off(&story, &publish, &pubrec);
    struct track_transport usual = story_transport();
    struct track_transport swapped = {
        {usual.ends[1], usual.ends[0]}, 0, TRACK_EVIDENCE_HANDSHAKE, NULL, {0, 0}, TRACK_TIME_UNKNOWN};
    struct track_connection *connection = story_connect_by(&story, &swapped);
    story_send(&story, connection, 1, RESUME_50);
    story_send(&story, connection, 0, PRESENT_50);
    const struct track_facts *again = story_send(&story, connection, 1, PUBLISH_1_AGAIN);

    CHECK_EQ(again->record->first_sent_in, publish->pdu.frame);
    story_end(&story);
}

static void transactions_end_with_the_session(void)
{
    static const char *const connects[] = {RESUME_50, BEGIN_50};

    for (size_t i = 0; i < 2; i++) {
        struct story story = story_begin(NULL);
        const struct track_facts *publish, *pubrec;
        broken_off(&story, &publish, &pubrec);
        struct track_connection *connection = story_open(&story, connects[i], NEW_50);
        const struct track_facts *again = story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN);
        CHECK(again->snapshot->session_known);
        CHECK_EQ(again->record->first_sent_in, 0);
        CHECK_EQ(again->record->inflight, 1);
        CHECK_EQ(story_send(&story, connection, BROKER, PUBREC)->record->request_in, 0);
        story_end(&story);
    }
}

/** What an earlier connection left over is not known where it was not captured, or not all of it. */
static void session_of_an_unseen_past_is_not_known(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, RESUME_50, PRESENT_50);
    const struct track_facts *facts = story_send(&story, connection, CLIENT, PUBLISH_1);

    CHECK(!facts->snapshot->session_known);
    CHECK(!facts->record->has_inflight);
    connection = story_open(&story, RESUME_50, PRESENT_50);
    CHECK(!story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN)->snapshot->session_known);
    connection = story_open(&story, BEGIN_50, NEW_50);
    track_gap(connection, (struct track_pdu_ref){story_frame(&story) + 1, 1});
    connection = story_open(&story, RESUME_50, PRESENT_50);
    CHECK(!story_send(&story, connection, CLIENT, PUBLISH_1)->snapshot->session_known);
    story_end(&story);
}

/** MQTT 3.1 has no Session Present: what was in flight may go on. */
static void mqtt_31_says_nothing_of_the_session(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, "10 { s'MQIsdp' 03 02 003c s'me' }", "20 { 00 00 }");
    const struct track_facts *publish = story_send(&story, connection, CLIENT, "32 { s'a' 0007 'x' }");
    connection = story_open(&story, RESUME_31, "20 { 00 00 }");
    const struct track_facts *again = story_send(&story, connection, CLIENT, "3a { s'a' 0007 'x' }");

    CHECK_EQ(again->record->first_sent_in, publish->pdu.frame);
    story_end(&story);
}

/** What the test's transport says of a connection that has one: the struct that it hangs on. */
static struct track_transport_state ask_transport(const void *handle)
{
    return *(const struct track_transport_state *)handle;
}

static struct track_summary summary_of(const struct track_connection *connection)
{
    struct track_summary summary;
    track_summarise(connection, &summary);
    return summary;
}

static void taking_over_needs_a_connection_that_lives(void)
{
    static const struct {
        struct track_transport_state state;
        const char *last_packet; /**< sent by the client; NULL for none */
        bool takes_over;
    } rows[] = {
        {{.is_finished = false, .is_reset = false, .last_ns = 5}, NULL, true},
        {{.is_finished = true, .is_reset = false, .last_ns = 5}, NULL, false},
        {{.is_finished = false, .is_reset = true, .last_ns = 5}, NULL, false},
        {{.is_finished = false, .is_reset = false, .last_ns = 5}, DISCONNECT, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct track_options options = {.max_inflight = 10, .state_of = ask_transport};
        struct story story = story_begin(&options);
        struct track_transport transport = story_transport();
        transport.handle = &rows[i].state;
        struct track_connection *first = story_connect_by(&story, &transport);
        story_send(&story, first, CLIENT, BEGIN_50);
        story_send(&story, first, BROKER, NEW_50);
        if (rows[i].last_packet != NULL)
            story_send(&story, first, CLIENT, rows[i].last_packet);
        struct track_connection *second = story_connect(&story);
        const struct track_facts *connect = story_send(&story, second, CLIENT, BEGIN_50);
        CHECK_EQ(connect->record->takes_over, rows[i].takes_over ? 1 : 0);
        CHECK_EQ(summary_of(first).taken_over, rows[i].takes_over);
        CHECK_EQ(summary_of(first).transport.last_ns, 5);
        CHECK_EQ(summary_of(second).transport.last_ns, TRACK_TIME_UNKNOWN);
        CHECK(!summary_of(second).taken_over);
        /* A third meets the second, not the first again. */
        connect = story_send(&story, story_connect(&story), CLIENT, BEGIN_50);
        CHECK_EQ(connect->record->takes_over, 2);
        story_end(&story);
    }
}

static void only_the_same_client_at_the_same_broker_takes_over(void)
{
    struct story story = story_begin(NULL);
    struct track_transport elsewhere = story_transport();
    struct track_transport other_port = story_transport();
    elsewhere.ends[BROKER].address[3] = 9;
    other_port.ends[BROKER].port = 1884;

    story_open(&story, BEGIN_50, NEW_50);
    struct track_connection *connection = story_connect_by(&story, &elsewhere);
    CHECK_EQ(story_send(&story, connection, CLIENT, BEGIN_50)->record->takes_over, 0);
    connection = story_connect_by(&story, &other_port);
    CHECK_EQ(story_send(&story, connection, CLIENT, BEGIN_50)->record->takes_over, 0);
    connection = story_connect(&story);
    CHECK_EQ(story_send(&story, connection, CLIENT, "10 { s'MQTT' 05 02 003c {} s'you' }")->record->takes_over, 0);
    connection = story_connect(&story);
    CHECK_EQ(story_send(&story, connection, CLIENT, "10 { s'MQTT' 05 02 003c {} s'' }")->record->takes_over, 0);
    story_end(&story);
}

/** Who is refused takes nothing over: the connection that lives goes on with its session. */
static void refused_connect_changes_nothing(void)
{
    static const char *const connects[] = {RESUME_50, BEGIN_50};

    for (size_t i = 0; i < 2; i++) {
        struct story story = story_begin(NULL);
        struct track_connection *first = story_open(&story, BEGIN_50, NEW_50);
        story_send(&story, first, CLIENT, "82 { 0001 {} s'kept' 00 }");
        story_send(&story, first, BROKER, "90 { 0001 {} 00 }");
        const struct track_facts *publish = story_send(&story, first, CLIENT, PUBLISH_1);
        struct track_connection *refused = story_connect(&story);
        story_send(&story, refused, CLIENT, connects[i]);
        const struct track_facts *meanwhile = story_send(&story, first, CLIENT, PUBLISH_2);
        story_send(&story, refused, BROKER, REFUSED_50);
        CHECK(!summary_of(first).taken_over);
        const struct track_facts *puback = story_send(&story, first, BROKER, PUBACK);
        CHECK_EQ(puback->record->request_in, publish->pdu.frame);
        CHECK_EQ(story_send(&story, first, BROKER, PUBREC)->record->request_in, meanwhile->pdu.frame);
        CHECK(summary_of(first).subscriptions != NULL);
        const struct track_facts *third = story_send(&story, story_connect(&story), CLIENT, BEGIN_50);
        CHECK_EQ(third->record->takes_over, 1);
        story_end(&story);
    }
}

static void assigned_identifier_names_the_session(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *connect = story_send(&story, connection, CLIENT, "10 { s'MQTT' 05 02 003c {} s'' }");
    const struct track_facts *connack = story_send(&story, connection, BROKER, "20 { 00 00 { 12 s'auto' } }");

    CHECK(story_says(connect->snapshot->client_id, NULL));
    CHECK(story_says(connack->snapshot->client_id, "auto"));
    connection = story_connect(&story);
    connect = story_send(&story, connection, CLIENT, "10 { s'MQTT' 05 02 003c {} s'auto' }");
    CHECK_EQ(connect->record->takes_over, 1);
    story_end(&story);
}

/** Writes the filters of a connection's session, the latest first, with the code each was granted. */
static const char *filters_of(const struct track_connection *connection)
{
    static char text[256];
    size_t at = 0;

    text[0] = '\0';
    for (const struct track_subscription *one = summary_of(connection).subscriptions; one != NULL; one = one->next)
        at += (size_t)snprintf(text + at, sizeof text - at, "%s%s:%u", at > 0 ? " " : "",
                               (const char *)one->filter->bytes, one->granted);
    return text;
}

static void subscriptions_are_in_force_as_granted(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, BEGIN_50, NEW_50);

    story_send(&story, connection, CLIENT, "82 { 0001 {} s'a' 02 s'no' 00 s'b/#' 01 }");
    CHECK_TEXT(filters_of(connection), "");
    story_send(&story, connection, BROKER, "90 { 0001 {} 01 87 01 }");
    CHECK_TEXT(filters_of(connection), "b/#:1 a:1");
    story_send(&story, connection, CLIENT, "82 { 0002 {} s'a' 2d }"); /* replaces the first */
    story_send(&story, connection, BROKER, "90 { 0002 {} 00 }");
    CHECK_TEXT(filters_of(connection), "a:0 b/#:1");
    CHECK_EQ(summary_of(connection).subscriptions->options, 0x2D);
    story_send(&story, connection, CLIENT, "82 { 0003 {} s'a' 02 }");
    story_send(&story, connection, BROKER, "90 { 0003 {} 80 }"); /* refused: the one in force stays */
    CHECK_TEXT(filters_of(connection), "a:0 b/#:1");
    story_send(&story, connection, CLIENT, "a2 { 0004 {} s'b/#' s'c' }");
    CHECK_TEXT(filters_of(connection), "a:0 b/#:1");
    story_send(&story, connection, BROKER, "b0 { 0004 {} 00 11 }");
    CHECK_TEXT(filters_of(connection), "a:0");
    story_send(&story, connection, CLIENT, "a2 { 0005 {} s'a' }");
    story_send(&story, connection, BROKER, "b0 { 0005 {} 87 }"); /* not authorized: it stays */
    CHECK_TEXT(filters_of(connection), "a:0");
    story_end(&story);
}

/** An UNSUBACK before 5.0 has no codes: it ends them all. */
static void unsuback_of_311_ends_all_that_was_asked_for(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, "10 { s'MQTT' 04 02 003c s'me' }", "20 { 00 00 }");

    story_send(&story, connection, CLIENT, "82 { 0001 s'a' 00 s'b' 00 s'c' 00 }");
    story_send(&story, connection, BROKER, "90 { 0001 00 00 00 }");
    story_send(&story, connection, CLIENT, "a2 { 0002 s'c' s'a' }");
    story_send(&story, connection, BROKER, "b0 { 0002 }");
    CHECK_TEXT(filters_of(connection), "b:0");
    story_end(&story);
}

/** The answer that was not seen must not put what was asked for before in force. */
static void identifier_of_a_request_used_anew_has_new_filters(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, BEGIN_50, NEW_50);

    story_send(&story, connection, CLIENT, "82 { 0001 {} s'old' 00 }");
    const struct track_facts *other = story_send(&story, connection, CLIENT, "82 { 0001 {} s'new' 00 }");
    CHECK_EQ(other->record->first_sent_in, 0);
    story_send(&story, connection, BROKER, "90 { 0001 {} 00 }");
    CHECK_TEXT(filters_of(connection), "new:0");
    story_end(&story);
}

static void subscriptions_live_as_long_as_their_session(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, BEGIN_50, NEW_50);
    struct track_connection *other = story_open(&story, "10 { s'MQTT' 05 02 003c {} s'you' }", NEW_50);

    story_send(&story, connection, CLIENT, "82 { 0001 {} s'a' 01 }");
    story_send(&story, connection, BROKER, "90 { 0001 {} 01 }");
    story_send(&story, other, CLIENT, "82 { 0001 {} s'a' 00 }");
    story_send(&story, other, BROKER, "90 { 0001 {} 00 }");
    connection = story_open(&story, RESUME_50, PRESENT_50);
    CHECK_TEXT(filters_of(connection), "a:1");
    connection = story_open(&story, RESUME_50, NEW_50); /* Session Present 0 */
    CHECK_TEXT(filters_of(connection), "");
    story_send(&story, connection, CLIENT, "82 { 0001 {} s'a' 01 }");
    story_send(&story, connection, BROKER, "90 { 0001 {} 01 }");
    CHECK_TEXT(filters_of(connection), "a:1");
    connection = story_open(&story, BEGIN_50, NEW_50); /* Clean Start */
    CHECK_TEXT(filters_of(connection), "");
    CHECK_TEXT(filters_of(other), "a:0");
    story_end(&story);
}

/** A second CONNECT without a Client Identifier: the first one's session is not compared with anything. */
static void connect_again_leaves_the_session(void)
{
    struct track_options options = {.max_inflight = 65535, .has_rules = true};
    struct story story = story_begin(&options);
    struct track_connection *missing_connect = story_connect(&story);
    story_send(&story, missing_connect, CLIENT, "c0 {}");
    story_open(&story, RESUME_50, NEW_50);
    struct track_connection *connection = story_open(&story, RESUME_50, PRESENT_50);
    story_send(&story, connection, CLIENT, "10 { s'MQTT' 05 00 003c {} s'' }");
    story_send(&story, connection, BROKER, NEW_50);

    CHECK(!summary_of(connection).session_present);
    CHECK(summary_of(connection).subscriptions == NULL);
    story_end(&story);
}

static void summary_says_how_it_stands(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    struct track_summary before = summary_of(connection);
    story_send(&story, connection, CLIENT, RESUME_50);
    story_send(&story, connection, BROKER, PRESENT_50);
    story_send(&story, connection, BROKER, "e0 { 8e }");
    story_send(&story, connection, CLIENT, DISCONNECT);
    struct track_summary after = summary_of(connection);

    CHECK(!before.connack_seen && !before.disconnected && before.subscriptions == NULL);
    CHECK_EQ(before.last_client_ns, TRACK_TIME_UNKNOWN);
    CHECK(after.connack_seen && after.session_present && !after.clean_start && after.disconnected);
    CHECK_EQ(after.connack_code, 0);
    CHECK_EQ(after.disconnected_by, BROKER);
    CHECK_EQ(after.disconnect_reason, 0x8E);
    story_end(&story);
}

int main(void)
{
    wmem_init();
    RUN(transactions_continue_where_the_session_is_present);
    RUN(delivery_begins_again_where_the_pubrec_was_lost);
    RUN(what_was_inherited_counts_when_it_is_sent_again);
    RUN(transactions_go_to_the_same_role);
    RUN(transactions_end_with_the_session);
    RUN(session_of_an_unseen_past_is_not_known);
    RUN(mqtt_31_says_nothing_of_the_session);
    RUN(taking_over_needs_a_connection_that_lives);
    RUN(only_the_same_client_at_the_same_broker_takes_over);
    RUN(refused_connect_changes_nothing);
    RUN(assigned_identifier_names_the_session);
    RUN(subscriptions_are_in_force_as_granted);
    RUN(unsuback_of_311_ends_all_that_was_asked_for);
    RUN(identifier_of_a_request_used_anew_has_new_filters);
    RUN(subscriptions_live_as_long_as_their_session);
    RUN(connect_again_leaves_the_session);
    RUN(summary_says_how_it_stands);
    wmem_cleanup();
    return FINISH();
}
