/* test-transactions.c - requests and their responses, what is in flight, and what a Topic Alias stands for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "story.h"

#include "../../model/protocol/inflight.h"

#define CONNECT_50 "10 { s'MQTT' 05 02 003c {} s'me' }"
#define CONNACK_50 "20 { 00 00 {} }"
#define PUBLISH_1 "32 { s'a' 0007 {} 'x' }"
#define PUBLISH_1_AGAIN "3a { s'a' 0007 {} 'x' }"
#define PUBLISH_2 "34 { s'a' 0007 {} 'x' }"
#define PUBACK "40 { 0007 }"
#define PUBREC "50 { 0007 }"
#define PUBREL "62 { 0007 }"
#define PUBCOMP "70 { 0007 }"

/** Where the Packet Identifier stands in PUBLISH_1, and in its answers. */
enum { ID_IN_PUBLISH = 5, ID_IN_ANSWER = 2 };

/** Where in the file an answer links to, and how long it took in milliseconds. */
static void check_answer(const struct track_facts *answer, const struct track_facts *request, unsigned milliseconds)
{
    CHECK_EQ(request->record->response_in, answer->pdu.frame);
    CHECK_EQ(answer->record->request_in, request->pdu.frame);
    CHECK_EQ(answer->record->response_ns, (int64_t)milliseconds * MILLISECOND);
}

static void qos_1_ends_with_puback(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *publish = story_send(&story, connection, CLIENT, PUBLISH_1);
    story.now_ns += 4 * MILLISECOND;
    const struct track_facts *puback = story_send(&story, connection, BROKER, PUBACK);
    const struct track_facts *stray = story_send(&story, connection, BROKER, PUBACK);

    check_answer(puback, publish, 5);
    CHECK(puback->record->completes_delivery);
    CHECK_EQ(puback->record->delivery_ns, 5 * MILLISECOND);
    CHECK(publish->record->has_inflight);
    CHECK_EQ(publish->record->inflight, 1);
    CHECK_EQ(publish->record->inflight_max, 65535);
    CHECK_EQ(puback->record->inflight, 0);
    CHECK_EQ(stray->record->request_in, 0);
    CHECK(!stray->record->completes_delivery);
    story_end(&story);
}

static void qos_2_goes_through_four_packets(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *publish = story_send(&story, connection, CLIENT, PUBLISH_2);
    const struct track_facts *wrong = story_send(&story, connection, BROKER, PUBACK);
    const struct track_facts *early = story_send(&story, connection, BROKER, PUBCOMP);
    const struct track_facts *pubrec = story_send(&story, connection, BROKER, PUBREC);
    const struct track_facts *pubrel = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *again = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *pubcomp = story_send(&story, connection, BROKER, PUBCOMP);

    CHECK_EQ(wrong->record->request_in, 0);
    CHECK_EQ(early->record->request_in, 0);
    CHECK_EQ(early->record->inflight, 1);
    check_answer(pubrec, publish, 3);
    check_answer(pubrel, pubrec, 1);
    CHECK_EQ(again->record->first_sent_in, pubrel->pdu.frame);
    check_answer(pubcomp, again, 1);
    CHECK_EQ(pubrel->record->response_in, 0);
    CHECK_EQ(pubrel->record->inflight, 1);
    CHECK(!pubrel->record->completes_delivery);
    CHECK(pubcomp->record->completes_delivery);
    CHECK_EQ(pubcomp->record->delivery_ns, 6 * MILLISECOND);
    CHECK_EQ(pubcomp->record->inflight, 0);
    story_end(&story);
}

/** The two ends' identifiers are separate spaces; equal numbers run through each other. */
static void equal_identifiers_of_both_directions_stay_apart(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *up = story_send(&story, connection, CLIENT, PUBLISH_2);
    const struct track_facts *down = story_send(&story, connection, BROKER, PUBLISH_2);
    const struct track_facts *rec_up = story_send(&story, connection, BROKER, PUBREC);
    const struct track_facts *rec_down = story_send(&story, connection, CLIENT, PUBREC);
    const struct track_facts *rel_down = story_send(&story, connection, BROKER, PUBREL);
    const struct track_facts *rel_up = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *comp_up = story_send(&story, connection, BROKER, PUBCOMP);
    const struct track_facts *comp_down = story_send(&story, connection, CLIENT, PUBCOMP);

    check_answer(rec_up, up, 2);
    check_answer(rec_down, down, 2);
    check_answer(rel_up, rec_up, 3);
    check_answer(rel_down, rec_down, 1);
    check_answer(comp_up, rel_up, 1);
    check_answer(comp_down, rel_down, 3);
    CHECK_EQ(down->record->inflight, 1);
    CHECK_EQ(comp_up->record->inflight, 0);
    story_end(&story);
}

static void resent_publish_is_answered_by_its_copy(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *first = story_send(&story, connection, CLIENT, PUBLISH_1);
    const struct track_facts *second = story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN);
    const struct track_facts *third = story_send(&story, connection, CLIENT, PUBLISH_1); /* DUP forgotten */
    const struct track_facts *puback = story_send(&story, connection, BROKER, PUBACK);

    CHECK_EQ(first->record->first_sent_in, 0);
    CHECK_EQ(second->record->first_sent_in, first->pdu.frame);
    CHECK_EQ(third->record->first_sent_in, first->pdu.frame);
    CHECK_EQ(third->record->inflight, 1);
    CHECK_EQ(first->record->response_in, 0);
    check_answer(puback, third, 1);
    CHECK_EQ(puback->record->delivery_ns, 3 * MILLISECOND);
    story_end(&story);
}

/** The copy was on its way when the PUBREC came: the delivery continues from there. */
static void publish_sent_again_may_cross_its_pubrec(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, "10 { s'MQTT' 04 02 003c s'me' }", "20 { 00 00 }");
    const struct track_facts *first = story_send(&story, connection, CLIENT, "34 { s'a' 0007 'x' }");
    story_send(&story, connection, BROKER, PUBREC);
    const struct track_facts *second = story_send(&story, connection, CLIENT, "3c { s'a' 0007 'x' }");
    const struct track_facts *pubrel = story_send(&story, connection, CLIENT, PUBREL);
    story_send(&story, connection, BROKER, PUBREC);
    const struct track_facts *pubcomp = story_send(&story, connection, BROKER, PUBCOMP);

    CHECK_EQ(second->record->first_sent_in, first->pdu.frame);
    CHECK_EQ(second->record->inflight, 1);
    check_answer(pubcomp, pubrel, 2);
    CHECK_EQ(pubcomp->record->delivery_ns, 5 * MILLISECOND);
    CHECK_EQ(pubcomp->record->inflight, 0);
    story_end(&story);
}

static void identifier_used_anew_begins_an_exchange(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *lost = story_send(&story, connection, CLIENT, PUBLISH_1);
    const struct track_facts *other = story_send(&story, connection, CLIENT, "32 { s'a' 0007 {} 'y' }");
    const struct track_facts *puback = story_send(&story, connection, BROKER, PUBACK);

    CHECK_EQ(other->record->first_sent_in, 0);
    CHECK_EQ(other->record->inflight, 1);
    check_answer(puback, other, 1);
    CHECK_EQ(puback->record->delivery_ns, MILLISECOND);
    CHECK_EQ(lost->record->response_in, 0);
    /* Behind a gap the first may have been answered unseen: equal content proves nothing there, DUP does. */
    story_send(&story, connection, CLIENT, PUBLISH_1);
    track_gap(connection, (struct track_pdu_ref){story_frame(&story) + 1, 1});
    CHECK_EQ(story_send(&story, connection, CLIENT, PUBLISH_1)->record->first_sent_in, 0);
    CHECK(story_send(&story, connection, CLIENT, PUBLISH_1_AGAIN)->record->first_sent_in != 0);
    story_end(&story);
}

static void failing_pubrec_ends_the_exchange(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *publish = story_send(&story, connection, CLIENT, PUBLISH_2);
    const struct track_facts *failed = story_send(&story, connection, BROKER, "50 { 0007 97 }");
    const struct track_facts *puback = story_send(&story, connection, CLIENT, PUBLISH_1);

    check_answer(failed, publish, 1);
    CHECK(!failed->record->completes_delivery);
    CHECK_EQ(failed->record->inflight, 0);
    puback = story_send(&story, connection, BROKER, "40 { 0007 97 }");
    CHECK(puback->record->request_in != 0 && !puback->record->completes_delivery);
    CHECK_EQ(puback->record->inflight, 0);
    story_end(&story);
}

/** Begun before the capture: its PUBCOMP can be linked, how long the delivery took is not known. */
static void pubrel_of_an_unknown_exchange_is_followed(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *pubrel = story_send(&story, connection, CLIENT, PUBREL);
    const struct track_facts *pubcomp = story_send(&story, connection, BROKER, PUBCOMP);

    CHECK_EQ(pubrel->record->request_in, 0);
    CHECK(!pubrel->record->has_inflight);
    check_answer(pubcomp, pubrel, 1);
    CHECK(!pubcomp->record->completes_delivery);
    connection = story_open(&story, CONNECT_50, CONNACK_50);
    pubrel = story_send(&story, connection, CLIENT, PUBREL);
    CHECK(pubrel->record->has_inflight);
    CHECK_EQ(pubrel->record->inflight, 0); /* it takes nothing of this connection's quota */
    story_end(&story);
}

/** All identifiers at once, answered from the middle on. */
static void all_identifiers_may_be_in_flight(void)
{
    enum { ALL = 65535 };
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *facts = NULL;

    for (uint32_t id = 1; id <= ALL; id++)
        facts = story_send_id(&story, connection, CLIENT, PUBLISH_1, ID_IN_PUBLISH, (uint16_t)id);
    CHECK_EQ(facts->record->inflight, ALL);
    for (uint32_t i = 0; i < ALL; i++) {
        uint32_t id = 1 + (i + 30000) % ALL;
        facts = story_send_id(&story, connection, BROKER, PUBACK, ID_IN_ANSWER, (uint16_t)id);
        CHECK_EQ(facts->record->request_in, 2 + id);
        CHECK_EQ(facts->record->inflight, ALL - 1 - i);
    }
    story_end(&story);
}

static void what_is_beyond_the_bound_is_not_followed(void)
{
    struct track_options options = {.max_inflight = 3};
    struct story story = story_begin(&options);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);

    for (uint16_t id = 1; id <= 3; id++)
        story_send_id(&story, connection, CLIENT, PUBLISH_1, ID_IN_PUBLISH, id);
    const struct track_facts *fourth = story_send_id(&story, connection, CLIENT, PUBLISH_1, ID_IN_PUBLISH, 4);
    const struct track_facts *answer = story_send_id(&story, connection, BROKER, PUBACK, ID_IN_ANSWER, 4);
    CHECK_EQ(fourth->record->response_in, 0);
    CHECK_EQ(answer->record->request_in, 0);
    CHECK_EQ(answer->record->inflight, 3);
    answer = story_send_id(&story, connection, BROKER, PUBACK, ID_IN_ANSWER, 2);
    CHECK(answer->record->request_in != 0);
    fourth = story_send_id(&story, connection, CLIENT, PUBLISH_1, ID_IN_PUBLISH, 4);
    CHECK_EQ(fourth->record->inflight, 3);
    story_end(&story);
}

/** From 16 entries on a table has many lists: the same below and above that. */
static void table_is_the_same_with_many_lists(void)
{
    for (uint16_t most = 15; most <= 18; most++) {
        wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_SIMPLE);
        struct track_file_memory memory = {.scope = scope};
        struct track_inflight inflight, successor;
        track_inflight_begin(&inflight, most);
        track_inflight_begin(&successor, 100);
        for (uint16_t id = 1; id <= most; id++)
            CHECK(track_inflight_open(&memory, &inflight, id, id == 5 ? MQTT_TYPE_SUBSCRIBE : MQTT_TYPE_PUBLISH, 1) !=
                  NULL);
        CHECK(!inflight.is_incomplete);
        CHECK(track_inflight_open(&memory, &inflight, 100, MQTT_TYPE_PUBLISH, 1) == NULL);
        CHECK(inflight.is_incomplete);
        CHECK(track_inflight_find(&inflight, 100) == NULL);
        CHECK_EQ(inflight.entries.mask != 0, most > 16);
        track_inflight_close(&memory, &inflight, track_inflight_find(&inflight, 1));
        track_inflight_close(&memory, &inflight, track_inflight_find(&inflight, 9));
        CHECK(track_inflight_find(&inflight, 9) == NULL);
        CHECK_EQ(inflight.entries.count, most - 2u);
        CHECK_EQ(inflight.publishes, most - 3u);
        CHECK_EQ(track_inflight_find(&inflight, 5)->state, TRACK_INFLIGHT_REQUESTED);
        track_inflight_inherit(&memory, &successor, &inflight);
        CHECK_EQ(inflight.entries.count, 0);
        CHECK_EQ(successor.entries.count, most - 3u);
        CHECK_EQ(successor.publishes, 0);
        CHECK(track_inflight_find(&successor, 5) == NULL);
        CHECK_EQ(track_inflight_find(&successor, most)->by_id.id, most);
        track_inflight_set_inherited(&successor, track_inflight_find(&successor, 2), false);
        CHECK_EQ(successor.publishes, 1);
        track_inflight_clear(&memory, &successor, true);
        CHECK_EQ(successor.entries.count, 1);
        track_inflight_clear(&memory, &successor, false);
        CHECK_EQ(successor.entries.count + successor.publishes, 0);
        CHECK_EQ(memory.used, 0);
        wmem_destroy_allocator(scope);
    }
}

static void receive_maximum_is_that_of_the_receiver(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection =
        story_open(&story, "10 { s'MQTT' 05 02 003c { 21 0014 } s'me' }", "20 { 00 00 { 21 0005 } }");
    const struct track_facts *up = story_send(&story, connection, CLIENT, PUBLISH_1);
    const struct track_facts *down = story_send(&story, connection, BROKER, PUBLISH_1);
    const struct track_facts *answer = story_send(&story, connection, BROKER, PUBACK);

    CHECK_EQ(up->record->inflight_max, 5);
    CHECK_EQ(down->record->inflight_max, 20);
    CHECK_EQ(answer->record->inflight_max, 5);
    connection = story_connect(&story);
    CHECK_EQ(story_send(&story, connection, CLIENT, PUBLISH_1)->record->inflight_max, 0);
    story_end(&story);
}

static void gap_makes_counts_unknown(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *before = story_send(&story, connection, CLIENT, PUBLISH_1);
    track_gap(connection, (struct track_pdu_ref){story_frame(&story) + 1, 1});
    const struct track_facts *after = story_send(&story, connection, BROKER, PUBACK);

    CHECK(before->record->has_inflight && !before->snapshot->has_gap);
    CHECK(!after->record->has_inflight && after->snapshot->has_gap && !after->snapshot->session_known);
    check_answer(after, before, 1);
    story_end(&story);
}

static void requests_wait_for_their_own_answer(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *subscribe = story_send(&story, connection, CLIENT, "82 { 0007 {} s'a' 00 }");
    const struct track_facts *wrong = story_send(&story, connection, BROKER, "b0 { 0007 {} 00 }");
    const struct track_facts *again = story_send(&story, connection, CLIENT, "82 { 0007 {} s'a' 00 }");
    const struct track_facts *suback = story_send(&story, connection, BROKER, "90 { 0007 {} 00 }");
    const struct track_facts *ping = story_send(&story, connection, CLIENT, "c0 {}");
    const struct track_facts *pong = story_send(&story, connection, BROKER, "d0 {}");
    const struct track_facts *stray = story_send(&story, connection, BROKER, "d0 {}");

    CHECK(wrong->record == NULL);
    CHECK_EQ(again->record->first_sent_in, subscribe->pdu.frame);
    check_answer(suback, again, 1);
    check_answer(pong, ping, 1);
    CHECK(stray->record == NULL);
    story_end(&story);
}

static void connack_answers_the_connect_past_any_auth(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_connect(&story);
    const struct track_facts *connect = story_send(&story, connection, CLIENT, CONNECT_50);
    const struct track_facts *challenge = story_send(&story, connection, BROKER, "f0 { 18 { 15 s'S' } }");
    const struct track_facts *response = story_send(&story, connection, CLIENT, "f0 { 18 { 15 s'S' } }");
    const struct track_facts *connack = story_send(&story, connection, BROKER, CONNACK_50);

    CHECK_EQ(challenge->record->request_in, connect->pdu.frame);
    check_answer(response, challenge, 1);
    check_answer(connack, connect, 3);
    story_end(&story);
}

#define SETS_1(topic) "30 { s'" topic "' { 23 0001 } 'x' }"
#define USES_1 "30 { s'' { 23 0001 } 'x' }"

static void aliases_of_the_two_directions_are_apart(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);
    const struct track_facts *never_set = story_send(&story, connection, CLIENT, USES_1);
    const struct track_facts *up = story_send(&story, connection, CLIENT, SETS_1("up"));
    const struct track_facts *not_set = story_send(&story, connection, BROKER, USES_1);
    const struct track_facts *down = story_send(&story, connection, BROKER, SETS_1("down"));
    const struct track_facts *uses_up = story_send(&story, connection, CLIENT, USES_1);
    const struct track_facts *uses_down = story_send(&story, connection, BROKER, USES_1);
    const struct track_facts *again_set = story_send(&story, connection, CLIENT, SETS_1("other"));
    const struct track_facts *uses_again = story_send(&story, connection, CLIENT, USES_1);

    CHECK(never_set->record->uses_alias && track_alias_topic(never_set) == NULL);
    CHECK(not_set->record->uses_alias && track_alias_topic(not_set) == NULL);
    CHECK(track_alias_topic(up) == NULL);
    CHECK(story_says(track_alias_topic(uses_up), "up"));
    CHECK_EQ(uses_up->record->alias_set_in, up->pdu.frame);
    CHECK(story_says(track_alias_topic(uses_down), "down"));
    CHECK_EQ(uses_down->record->alias_set_in, down->pdu.frame);
    CHECK(story_says(track_alias_topic(uses_again), "other"));
    CHECK_EQ(uses_again->record->alias_set_in, again_set->pdu.frame);
    story_send(&story, connection, CLIENT, CONNECT_50);
    CHECK(track_alias_topic(story_send(&story, connection, CLIENT, USES_1)) == NULL);
    story_end(&story);
}

/** A topic that the snap length cut is not taken for the whole. */
static void cut_topic_sets_no_alias(void)
{
    struct story story = story_begin(NULL);
    struct track_connection *connection = story_open(&story, CONNECT_50, CONNACK_50);

    story_send_cut(&story, connection, CLIENT, "30 { s'a/long/topic' { 23 0001 } 'x' }", 8);
    CHECK(track_alias_topic(story_send(&story, connection, CLIENT, USES_1)) == NULL);
    story_end(&story);
}

int main(void)
{
    wmem_init();
    RUN(qos_1_ends_with_puback);
    RUN(qos_2_goes_through_four_packets);
    RUN(equal_identifiers_of_both_directions_stay_apart);
    RUN(resent_publish_is_answered_by_its_copy);
    RUN(publish_sent_again_may_cross_its_pubrec);
    RUN(identifier_used_anew_begins_an_exchange);
    RUN(failing_pubrec_ends_the_exchange);
    RUN(pubrel_of_an_unknown_exchange_is_followed);
    RUN(all_identifiers_may_be_in_flight);
    RUN(what_is_beyond_the_bound_is_not_followed);
    RUN(table_is_the_same_with_many_lists);
    RUN(receive_maximum_is_that_of_the_receiver);
    RUN(gap_makes_counts_unknown);
    RUN(requests_wait_for_their_own_answer);
    RUN(connack_answers_the_connect_past_any_auth);
    RUN(aliases_of_the_two_directions_are_apart);
    RUN(cut_topic_sets_no_alias);
    wmem_cleanup();
    return FINISH();
}
