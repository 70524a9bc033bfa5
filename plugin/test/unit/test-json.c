/* test-json.c - what is JSON by RFC 8259, and what is nearly.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "../../wire/json.h"
#include "check.h"

/** Judges a text in a block of its own. */
static bool is_json(const char *text, uint32_t *values)
{
    struct buffer buffer = buffer_of((const uint8_t *)text, (uint32_t)strlen(text));
    bool result = mqtt_json_check(buffer.bytes, buffer.length, values);

    free(buffer.bytes);
    return result;
}

static void good_texts_are_json(void)
{
    static const struct {
        const char *text;
        uint32_t values;
    } rows[] = {
        {"{}", 1},
        {"[]", 1},
        {" \t\r\n{ } \n", 1},
        {"[1]", 2},
        {"[ 1 , 2 ]", 3},
        {"{\"a\":1}", 2},
        {"{ \"a\" : 1 , \"b\" : [ ] }", 3},
        {"{\"\":{\"\":{}}}", 3},
        {"[[],[[]],{}]", 5},
        {"[true,false,null]", 4},
        {"[0,-0,10,-1.5,0.25,1e5,1E+05,2.5e-3]", 9},
        {"[\"\",\"a b\",\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u00e9\\uD83D\"]", 5},
        {"[\"h\xC3\xA9llo \xF0\x9F\x98\x80\"]", 2},
        {"[\"\x7F\"]", 2},
        {"{\"a\":1,\"a\":2}", 3},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t values = 0;
        if (!CHECK(is_json(rows[i].text, &values)))
            fprintf(stderr, "  %s\n", rows[i].text);
        CHECK_EQ(values, rows[i].values);
    }
}

static void others_are_not(void)
{
    static const char *const rows[] = {
        "",
        " ",
        "1",
        "true",
        "\"a\"",
        "{",
        "[",
        "}",
        "]",
        "[}",
        "{]",
        "[]]",
        "{}{}",
        "[] 1",
        "[1 2]",
        "[1,]",
        "[,1]",
        "[,]",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{1:1}",
        "{\"a\" 1}",
        "{\"a\":1 \"b\":2}",
        "[\"a\":1]",
        "{[]}",
        "[tru]",
        "[True]",
        "[truetrue]",
        "[nul",
        "[NaN]",
        "[Infinity]",
        "[01]",
        "[+1]",
        "[.5]",
        "[1.]",
        "[1e]",
        "[1e+]",
        "[-]",
        "[0x10]",
        "[--1]",
        "[\"a]",
        "[\"a\\\"]",
        "[\"\\x\"]",
        "[\"\\u12\"]",
        "[\"\\u123g\"]",
        "[\"\\u123",
        "[\"\n\"]",
        "[\"\t\"]",
        "[\"\x1F\"]",
        "[\"\xFF\"]",
        "[\"\xC3\"]",
        "[\"\xED\xA0\x80\"]",
        "[\x0B]",
        "[1]\x0C",
        "\xEF\xBB\xBF[]",
        "// remark\n[]",
        "[] # remark",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t values = 0;
        if (!CHECK(!is_json(rows[i], &values)))
            fprintf(stderr, "  %s\n", rows[i]);
    }
}

/** A null character is a byte like others, and ends no text. */
static void null_characters_are_not_json(void)
{
    static const uint8_t behind[] = {'[', ']', 0};
    static const uint8_t within[] = {'[', '"', 0, '"', ']'};
    static const uint8_t escaped[] = {'[', '"', '\\', 0, '"', ']'};
    uint32_t values;

    CHECK(!mqtt_json_check(behind, sizeof behind, &values));
    CHECK(!mqtt_json_check(within, sizeof within, &values));
    CHECK(!mqtt_json_check(escaped, sizeof escaped, &values));
}

/** Whatever is cut from the end of a text, it is no JSON then. */
static void each_prefix_is_judged(void)
{
    static const char text[] = "{\"k\":[1.5e+3,true,null,\"\\u00e9\\n\xC3\xA9\"],\"l\":{}}";
    uint32_t values;

    for (uint32_t length = 0; length < sizeof text - 1; length++) {
        struct buffer buffer = buffer_of((const uint8_t *)text, length);
        CHECK(!mqtt_json_check(buffer.bytes, buffer.length, &values));
        free(buffer.bytes);
    }
    CHECK(is_json(text, &values));
    CHECK_EQ(values, 7);
}

/** So many brackets, the half of them closing. */
static bool is_nested_json(uint32_t depth, uint32_t *values)
{
    struct buffer buffer = {(uint8_t *)malloc(2 * (size_t)depth), 2 * depth};

    if (buffer.bytes == NULL)
        abort();
    memset(buffer.bytes, '[', depth);
    memset(buffer.bytes + depth, ']', depth);
    bool result = mqtt_json_check(buffer.bytes, buffer.length, values);
    free(buffer.bytes);
    return result;
}

static void nesting_is_bounded(void)
{
    uint32_t values = 0;

    CHECK(is_nested_json(MQTT_JSON_DEPTH_MAX, &values));
    CHECK_EQ(values, MQTT_JSON_DEPTH_MAX);
    CHECK(!is_nested_json(MQTT_JSON_DEPTH_MAX + 1, &values));
    CHECK(!is_nested_json(1000000, &values));
}

/** More values than Wireshark's own check accepts, in a text of some megabytes. */
static void size_is_not_bounded(void)
{
    enum { COUNT = 1000000 };
    struct buffer buffer = {(uint8_t *)malloc(2 * COUNT + 1), 2 * COUNT + 1};
    uint32_t values = 0;

    if (buffer.bytes == NULL)
        abort();
    for (uint32_t i = 0; i < COUNT; i++) {
        buffer.bytes[2 * i] = i == 0 ? '[' : ',';
        buffer.bytes[2 * i + 1] = '7';
    }
    buffer.bytes[2 * COUNT] = ']';
    CHECK(mqtt_json_check(buffer.bytes, buffer.length, &values));
    CHECK_EQ(values, COUNT + 1);
    free(buffer.bytes);
}

int main(void)
{
    RUN(good_texts_are_json);
    RUN(others_are_not);
    RUN(null_characters_are_not_json);
    RUN(each_prefix_is_judged);
    RUN(nesting_is_bounded);
    RUN(size_is_not_bounded);
    return FINISH();
}
