/* test-journey.c - from which publication a delivery stems, and where that is certain.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../../model/protocol/publications.h"
#include "story.h"

static const struct track_options following = {.max_inflight = 65535, .follows_messages = true};

#define CONNECT(id) "10 { s'MQTT' 04 02 003c s'" id "' }"
#define CONNACK "20 { 00 00 }"
#define SUBSCRIBE_T "82 { 0001 s't' 02 }"
#define SUBACK "90 { 0001 02 }"
#define SAME "30 { s't' '21.5' }"
#define OTHER "30 { s't' '22.0' }"

/** One publisher and one subscriber of the topic `t`. */
struct two {
    struct story story;
    struct track_connection *publisher;
    struct track_connection *subscriber;
};

static struct two two_begin(const struct track_options *options)
{
    struct two two = {.story = story_begin(options)};

    two.subscriber = story_open(&two.story, CONNECT("sub"), CONNACK);
    story_send(&two.story, two.subscriber, CLIENT, SUBSCRIBE_T);
    story_send(&two.story, two.subscriber, BROKER, SUBACK);
    two.publisher = story_open(&two.story, CONNECT("pub"), CONNACK);
    return two;
}

static struct track_journey publish(struct two *two, const char *notation)
{
    return story_send(&two->story, two->publisher, CLIENT, notation)->journey;
}

static struct track_journey deliver(struct two *two, const char *notation)
{
    return story_send(&two->story, two->subscriber, BROKER, notation)->journey;
}

static void equal_messages_are_told_apart_by_order(void)
{
    struct two two = two_begin(&following);

    for (uint32_t i = 1; i <= 100; i++) {
        struct track_journey published = publish(&two, SAME);
        uint32_t frame = story_frame(&two.story);
        struct track_journey delivered = deliver(&two, SAME);
        CHECK_EQ(published.part, TRACK_JOURNEY_PUBLICATION);
        CHECK_EQ(published.message, i);
        CHECK_EQ(delivered.part, TRACK_JOURNEY_DELIVERY);
        CHECK_EQ(delivered.message, i);
        CHECK_EQ(delivered.published_in, frame);
        CHECK(delivered.is_certain);
        CHECK_EQ(delivered.kind, TRACK_JOURNEY_LIVE);
        CHECK_EQ(delivered.broker_ns, MILLISECOND);
    }
    story_end(&two.story);
}

/** After one that never comes the next equal one may be it; another value settles the order. */
static void a_lost_delivery_leaves_doubt_until_the_value_changes(void)
{
    struct two two = two_begin(&following);

    publish(&two, SAME);
    CHECK(deliver(&two, SAME).is_certain);
    publish(&two, SAME); /* lost on its way */
    two.story.now_ns += 10000 * (int64_t)MILLISECOND;
    publish(&two, SAME);
    struct track_journey third = deliver(&two, SAME);
    CHECK(!third.is_certain);
    CHECK_EQ(third.message, 3); /* the delay ranks */
    CHECK(third.broker_ns == TRACK_TIME_UNKNOWN);
    publish(&two, SAME);
    CHECK(!deliver(&two, SAME).is_certain);
    publish(&two, OTHER);
    CHECK(deliver(&two, OTHER).is_certain);
    publish(&two, SAME);
    struct track_journey last = deliver(&two, SAME);
    CHECK(last.is_certain);
    CHECK_EQ(last.message, 6);
    story_end(&two.story);
}

/** A burst: nobody can tell, and a likely link excludes nothing. QoS 1 is not dropped, so they are taken in their order. */
static void a_burst_of_equal_messages_is_likely(void)
{
    struct two two = two_begin(&following);

    for (uint32_t i = 1; i <= 5; i++) {
        story_send_id(&two.story, two.publisher, CLIENT, "32 { s't' 0000 '21.5' }", 5, (uint16_t)i);
        story_send_id(&two.story, two.publisher, BROKER, "40 { 0000 }", 2, (uint16_t)i);
    }
    for (uint32_t i = 1; i <= 5; i++) {
        struct track_journey delivered =
            story_send_id(&two.story, two.subscriber, BROKER, "32 { s't' 0000 '21.5' }", 5, (uint16_t)i)->journey;
        CHECK(!delivered.is_certain);
        CHECK_EQ(delivered.message, i);
        struct track_journey acknowledged =
            story_send_id(&two.story, two.subscriber, CLIENT, "40 { 0000 }", 2, (uint16_t)i)->journey;
        CHECK_EQ(acknowledged.part, TRACK_JOURNEY_ACKNOWLEDGEMENT);
        CHECK_EQ(acknowledged.message, i);
        CHECK(acknowledged.end_to_end_ns == TRACK_TIME_UNKNOWN);
    }
    story_end(&two.story);
}

static void two_publishers_of_the_same_are_not_told_apart(void)
{
    struct two two = two_begin(&following);
    struct track_connection *other = story_open(&two.story, CONNECT("other"), CONNACK);

    publish(&two, SAME);
    story_send(&two.story, other, CLIENT, SAME);
    CHECK(!deliver(&two, SAME).is_certain);
    CHECK(!deliver(&two, SAME).is_certain);
    story_end(&two.story);
}

static void acknowledgements_belong_to_the_message(void)
{
    struct two two = two_begin(&following);

    CHECK_EQ(publish(&two, "34 { s't' 0007 'hi' }").message, 1);
    CHECK_EQ(story_send(&two.story, two.publisher, BROKER, "50 { 0007 }")->journey.message, 1);
    CHECK_EQ(story_send(&two.story, two.publisher, CLIENT, "62 { 0007 }")->journey.message, 1);
    CHECK_EQ(story_send(&two.story, two.publisher, BROKER, "70 { 0007 }")->journey.message, 1);
    struct track_journey delivered = deliver(&two, "34 { s't' 0001 'hi' }");
    CHECK(delivered.is_certain);
    CHECK_EQ(delivered.broker_ns, 4 * MILLISECOND);
    CHECK(delivered.end_to_end_ns == TRACK_TIME_UNKNOWN);
    CHECK_EQ(story_send(&two.story, two.subscriber, CLIENT, "50 { 0001 }")->journey.message, 1);
    CHECK_EQ(story_send(&two.story, two.subscriber, BROKER, "62 { 0001 }")->journey.message, 1);
    struct track_journey completed = story_send(&two.story, two.subscriber, CLIENT, "70 { 0001 }")->journey;
    CHECK_EQ(completed.message, 1);
    story_end(&two.story);
}

/** What nobody published shows that not everything is in the capture. */
static void a_delivery_of_nothing_makes_all_later_ones_likely(void)
{
    struct two two = two_begin(&following);

    CHECK_EQ(deliver(&two, OTHER).part, TRACK_JOURNEY_UNKNOWN);
    publish(&two, SAME);
    CHECK(!deliver(&two, SAME).is_certain);
    story_end(&two.story);
}

static void a_connection_without_its_beginning_makes_links_likely(void)
{
    struct two two = two_begin(&following);
    struct track_connection *stranger = story_connect(&two.story);

    publish(&two, SAME);
    CHECK(deliver(&two, SAME).is_certain);
    story_send(&two.story, stranger, CLIENT, "c0 {}");
    publish(&two, SAME);
    struct track_journey delivered = deliver(&two, SAME);
    CHECK_EQ(delivered.message, 2);
    CHECK(!delivered.is_certain);
    story_end(&two.story);
}

/** The Server takes a message that the Client re-sends for the same or for another: its number stays. */
static void what_is_resent_is_the_same_message(void)
{
    struct two two = two_begin(&following);

    CHECK_EQ(publish(&two, "32 { s't' 0007 '21.5' }").message, 1);
    CHECK_EQ(publish(&two, "3a { s't' 0007 '21.5' }").message, 1);
    CHECK_EQ(publish(&two, OTHER).message, 2);
    CHECK_EQ(deliver(&two, "32 { s't' 0001 '21.5' }").message, 1);
    CHECK_EQ(deliver(&two, "3a { s't' 0001 '21.5' }").message, 1);
    CHECK_EQ(deliver(&two, OTHER).message, 2);
    story_end(&two.story);
}

/** A session is resumed after a message was delivered, which the Client acknowledged or not. */
static struct track_journey resume(bool is_acknowledged)
{
    struct two two = {.story = story_begin(&following)};

    two.subscriber = story_open(&two.story, "10 { s'MQTT' 04 00 003c s'sub' }", CONNACK);
    story_send(&two.story, two.subscriber, CLIENT, SUBSCRIBE_T);
    story_send(&two.story, two.subscriber, BROKER, SUBACK);
    two.publisher = story_open(&two.story, CONNECT("pub"), CONNACK);
    publish(&two, "32 { s't' 0001 '21.5' }");
    CHECK(deliver(&two, "32 { s't' 0001 '21.5' }").is_certain);
    if (is_acknowledged)
        story_send(&two.story, two.subscriber, CLIENT, "40 { 0001 }");
    story_send(&two.story, two.subscriber, CLIENT, "e0 {}");
    publish(&two, "32 { s't' 0002 '21.5' }");
    two.subscriber = story_open(&two.story, "10 { s'MQTT' 04 00 003c s'sub' }", "20 { 01 00 }");
    struct track_journey queued = deliver(&two, "32 { s't' 0002 '21.5' }");
    CHECK_EQ(queued.message, 2);
    CHECK_EQ(queued.kind, TRACK_JOURNEY_QUEUED);
    story_end(&two.story);
    return queued;
}

/** What is in flight may be sent again in place of what was queued. */
static void queued_messages_are_told_from_what_was_delivered_before(void)
{
    CHECK(resume(true).is_certain);
    CHECK(!resume(false).is_certain);
}

static void without_memory_nothing_is_said(void)
{
    struct track_options options = {.max_inflight = 65535, .follows_messages = true, .max_memory = 30000};
    struct two two = two_begin(&options);

    CHECK_EQ(publish(&two, SAME).part, TRACK_JOURNEY_NO_PART);
    CHECK_EQ(deliver(&two, SAME).part, TRACK_JOURNEY_NO_PART);
    story_end(&two.story);
}

static void nothing_is_followed_where_nobody_wants_it(void)
{
    struct two two = two_begin(NULL);

    CHECK_EQ(publish(&two, SAME).part, TRACK_JOURNEY_NO_PART);
    CHECK_EQ(deliver(&two, SAME).part, TRACK_JOURNEY_NO_PART);
    story_end(&two.story);
}

/** A hash as of a message: its bits are those of no other number nearby. */
static uint64_t content_of(uint32_t number)
{
    return (number + UINT64_C(1)) * UINT64_C(0x9E3779B97F4A7C15);
}

/* More than the indexes in the table's slots have room for at first, every fourth one twice. */
static void publications_are_found_by_content_however_many(void)
{
    enum { CONTENTS = 150000 };
    wmem_allocator_t *scope = wmem_allocator_new(WMEM_ALLOCATOR_BLOCK);
    struct track_file_memory memory = {.scope = scope};
    struct track_publications publications;
    unsigned wrong = 0;
    uint32_t frame = 0;

    track_publications_begin(&publications, &memory);
    for (uint32_t i = 0; i < CONTENTS; i++)
        for (unsigned copy = 0; copy <= (i % 4 == 0); copy++) {
            wrong += track_publications_latest(&publications, content_of(i)) != (copy > 0 ? frame : 0);
            track_publications_add(&publications, (struct track_pdu_ref){++frame, 1}, content_of(i), 0, 0);
        }
    for (uint32_t i = 0, last = 0; i < CONTENTS; i++) {
        last += i % 4 == 0 ? 2 : 1;
        uint32_t latest = track_publications_latest(&publications, content_of(i));
        wrong += latest != last || track_publication_at(&publications, latest - 1)->frame != last;
    }
    CHECK_EQ(wrong, 0);
    CHECK_EQ(publications.contents, CONTENTS);
    CHECK_EQ(track_publications_latest(&publications, content_of(CONTENTS)), 0);
    wmem_destroy_allocator(scope);
}

int main(void)
{
    RUN(equal_messages_are_told_apart_by_order);
    RUN(a_lost_delivery_leaves_doubt_until_the_value_changes);
    RUN(a_burst_of_equal_messages_is_likely);
    RUN(two_publishers_of_the_same_are_not_told_apart);
    RUN(acknowledgements_belong_to_the_message);
    RUN(a_delivery_of_nothing_makes_all_later_ones_likely);
    RUN(a_connection_without_its_beginning_makes_links_likely);
    RUN(what_is_resent_is_the_same_message);
    RUN(queued_messages_are_told_from_what_was_delivered_before);
    RUN(without_memory_nothing_is_said);
    RUN(nothing_is_followed_where_nobody_wants_it);
    RUN(publications_are_found_by_content_however_many);
    return FINISH();
}
