/* test-topics.c - which Topic Names match which Topic Filters (MQTT 5.0 sections 4.7 and 4.8.2).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdlib.h>
#include <string.h>

#include "../../model/topic-match.h"
#include "check.h"

static struct mqtt_text *text_of(const char *chars)
{
    size_t length = strlen(chars);
    struct mqtt_text *text = (struct mqtt_text *)malloc(sizeof *text + length + 1);

    text->length = (uint32_t)length;
    memcpy(text->bytes, chars, length + 1);
    return text;
}

static int match(const char *filter, const char *topic)
{
    struct mqtt_text *text = text_of(filter);
    struct mqtt_topic name = {(const uint8_t *)topic, (uint32_t)strlen(topic)};
    int kind = mqtt_match_topic(text, name, true);
    int strict = mqtt_match_topic(text, name, false);

    /* What nearly matches is told apart only where that is asked for. */
    CHECK((kind == MQTT_MATCHES) == (strict == MQTT_MATCHES));
    free(text);
    return kind;
}

static void levels_match_one_by_one(void)
{
    CHECK_EQ(match("a/b", "a/b"), MQTT_MATCHES);
    CHECK_EQ(match("a/b", "a/bc"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("a/bc", "a/b"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("a/b", "a/b/c"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("a/b/c", "a/b"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("/a", "/a"), MQTT_MATCHES);
    CHECK_EQ(match("a//b", "a//b"), MQTT_MATCHES);
}

static void plus_matches_one_level_also_an_empty_one(void)
{
    CHECK_EQ(match("+", "a"), MQTT_MATCHES);
    CHECK_EQ(match("+", "a/b"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("a/+", "a/b"), MQTT_MATCHES);
    CHECK_EQ(match("a/+", "a/"), MQTT_MATCHES);
    CHECK_EQ(match("a/+", "a"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("+/+", "/a"), MQTT_MATCHES);
    CHECK_EQ(match("/+", "/a"), MQTT_MATCHES);
    CHECK_EQ(match("a/+/c", "a/b/c"), MQTT_MATCHES);
    CHECK_EQ(match("a/+/c", "a/b/b/c"), MQTT_MATCHES_NOT);
}

static void hash_matches_all_below_and_its_parent(void)
{
    CHECK_EQ(match("#", "a/b/c"), MQTT_MATCHES);
    CHECK_EQ(match("#", "/"), MQTT_MATCHES);
    CHECK_EQ(match("a/#", "a"), MQTT_MATCHES);
    CHECK_EQ(match("a/#", "a/"), MQTT_MATCHES);
    CHECK_EQ(match("a/#", "a/b/c"), MQTT_MATCHES);
    CHECK_EQ(match("a/#", "ab"), MQTT_MATCHES_NOT);
    CHECK_EQ(match("+/#", "a"), MQTT_MATCHES);
    CHECK_EQ(match("a/+/#", "a"), MQTT_MATCHES_NOT);
}

static void wildcards_in_front_do_not_match_dollar(void)
{
    CHECK_EQ(match("#", "$SYS/a"), MQTT_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("+/a", "$SYS/a"), MQTT_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("$SYS/#", "$SYS/a"), MQTT_MATCHES);
    CHECK_EQ(match("a/#", "a/$b"), MQTT_MATCHES);
}

static void prefixes_do_not_count(void)
{
    CHECK_EQ(match("$share/g/a/+", "a/b"), MQTT_MATCHES);
    CHECK_EQ(match("$share/g/#", "$SYS/a"), MQTT_MATCHES_BUT_FOR_DOLLAR);
    CHECK_EQ(match("$share/g/$SYS/#", "$SYS/a"), MQTT_MATCHES);
    CHECK_EQ(match("$queue/a", "a"), MQTT_MATCHES);
    CHECK_EQ(match("$share/g/a", "b"), MQTT_MATCHES_NOT);
}

static void what_nearly_matches_is_told(void)
{
    CHECK_EQ(match("Home/Door", "home/door"), MQTT_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("home/door/", "home/door"), MQTT_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("/hall/door", "hall/door"), MQTT_MATCHES_BUT_FOR_CASE);
    CHECK_EQ(match("home[", "home{"), MQTT_MATCHES_NOT); /* a bit apart, but no letters */
}

static int is_clear(const char *filter)
{
    struct mqtt_text *text = text_of(filter);
    int clear = mqtt_is_clear_filter(text);
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
