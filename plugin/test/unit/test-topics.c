/* test-topics.c - which Topic Names match which Topic Filters (MQTT 5.0 sections 4.7 and 4.8.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "../../model/protocol/topic-match.h"
#include "check.h"

static struct track_text *text_of(const char *chars)
{
    size_t length = strlen(chars);
    struct track_text *text = (struct track_text *)malloc(sizeof *text + length + 1);

    text->length = (uint32_t)length;
    memcpy(text->bytes, chars, length + 1);
    return text;
}

static int match(const char *filter, const char *topic)
{
    struct track_text *text = text_of(filter);
    struct track_topic name = {(const uint8_t *)topic, (uint32_t)strlen(topic)};
    int kind = track_match_topic(text, name, true);
    int strict = track_match_topic(text, name, false);

    /* What nearly matches is told apart only where that is asked for. */
    CHECK((kind == TRACK_MATCHES) == (strict == TRACK_MATCHES));
    free(text);
    return kind;
}

static void levels_match_one_by_one(void)
{
    CHECK_EQ(match("a/b", "a/b"), TRACK_MATCHES);
    CHECK_EQ(match("a/b", "a/bc"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("a/bc", "a/b"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("a/b", "a/b/c"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("a/b/c", "a/b"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("/a", "/a"), TRACK_MATCHES);
    CHECK_EQ(match("a//b", "a//b"), TRACK_MATCHES);
}

static void plus_matches_one_level_also_an_empty_one(void)
{
    CHECK_EQ(match("+", "a"), TRACK_MATCHES);
    CHECK_EQ(match("+", "a/b"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("a/+", "a/b"), TRACK_MATCHES);
    CHECK_EQ(match("a/+", "a/"), TRACK_MATCHES);
    CHECK_EQ(match("a/+", "a"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("+/+", "/a"), TRACK_MATCHES);
    CHECK_EQ(match("/+", "/a"), TRACK_MATCHES);
    CHECK_EQ(match("a/+/c", "a/b/c"), TRACK_MATCHES);
    CHECK_EQ(match("a/+/c", "a/b/b/c"), TRACK_MATCHES_NOT);
}

static void hash_matches_all_below_and_its_parent(void)
{
    CHECK_EQ(match("#", "a/b/c"), TRACK_MATCHES);
    CHECK_EQ(match("#", "/"), TRACK_MATCHES);
    CHECK_EQ(match("a/#", "a"), TRACK_MATCHES);
    CHECK_EQ(match("a/#", "a/"), TRACK_MATCHES);
    CHECK_EQ(match("a/#", "a/b/c"), TRACK_MATCHES);
    CHECK_EQ(match("a/#", "ab"), TRACK_MATCHES_NOT);
    CHECK_EQ(match("+/#", "a"), TRACK_MATCHES);
    CHECK_EQ(match("a/+/#", "a"), TRACK_MATCHES_NOT);
}

static void wildcards_in_front_do_not_match_dollar(void)
{
    CHECK_EQ(match("#", "$SYS/a"), TRACK_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("+/a", "$SYS/a"), TRACK_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("$SYS/#", "$SYS/a"), TRACK_MATCHES);
    CHECK_EQ(match("a/#", "a/$b"), TRACK_MATCHES);
}

static void prefixes_do_not_count(void)
{
    CHECK_EQ(match("$share/g/a/+", "a/b"), TRACK_MATCHES);
    CHECK_EQ(match("$share/g/#", "$SYS/a"), TRACK_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("$share/g/$SYS/#", "$SYS/a"), TRACK_MATCHES);
    CHECK_EQ(match("$queue/a", "a"), TRACK_MATCHES);
    CHECK_EQ(match("$share/g/a", "b"), TRACK_MATCHES_NOT);
}

static void what_nearly_matches_is_told(void)
{
    CHECK_EQ(match("Home/Door", "home/door"), TRACK_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("home/door/", "home/door"), TRACK_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("/hall/door", "hall/door"), TRACK_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("home[", "home{"), TRACK_MATCHES_NOT); /* a bit apart, but no letters */
}

static int is_clear(const char *filter)
{
    struct track_text *text = text_of(filter);
    int clear = track_is_clear_filter(text);
    free(text);
    return clear;
}

static void wildcards_stand_for_whole_levels(void)
{
    CHECK(is_clear("a/+/b/#"));
    CHECK(is_clear("#"));
    CHECK(!is_clear(""));
    CHECK(!is_clear("a+"));
    CHECK(!is_clear("+a"));
    CHECK(!is_clear("a#"));
    CHECK(!is_clear("#/a"));
}

int main(void)
{
    RUN(levels_match_one_by_one);
    RUN(plus_matches_one_level_also_an_empty_one);
    RUN(hash_matches_all_below_and_its_parent);
    RUN(wildcards_in_front_do_not_match_dollar);
    RUN(prefixes_do_not_count);
    RUN(what_nearly_matches_is_told);
    RUN(wildcards_stand_for_whole_levels);
    return FINISH();
}
