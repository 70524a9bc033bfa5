/* findings.c - what a finding says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <stdio.h>
#include <string.h>

#include "predicates.h"
#include "rule-functions.h"

void check_finding_ids(const struct check_finding *finding, struct check_ids *ids)
{
    const struct check_rule_functions *functions = &check_rule_functions[finding->rule];

    ids->count = 0;
    ids->one_of = 0;
    if (finding->column != CHECK_COLUMNS) {
        functions->add_ids(finding, finding->column, ids);
        return;
    }
    for (unsigned each = 0; each < CHECK_COLUMNS; each++)
        functions->add_ids(finding, (enum check_column)each, ids);
}

const char *check_finding_side(const struct check_finding *finding)
{
    const struct track_facts *facts = finding->subject.facts;
    enum check_side side = check_rule_info(finding->rule)->side;

    if (side == CHECK_SIDE_CLIENT || (side == CHECK_SIDE_SENDER && is_from_client(facts)))
        return "client";
    if (side == CHECK_SIDE_BROKER || (side == CHECK_SIDE_SENDER && is_from_server(facts)))
        return "broker";
    return "unknown";
}

/** What the capture lacks that a finding rests on. */
static enum track_lack evidence_lack_of(const struct check_finding *finding)
{
    const struct track_anomaly *anomaly = finding->subject.anomaly;
    return anomaly != NULL ? (enum track_lack)anomaly->lack : TRACK_LACK_NOTHING;
}

/** Writes what is not known and would have to be. */
static void write_missing(const struct check_finding *finding, char buffer[CHECK_DOUBT_SIZE])
{
    static const char *const lacks[TRACK_LACKS] = {
#define LACK(symbol, words) words,
#include "../model/facts/lacks.def"
#undef LACK
    };
    static const char *const words[CHECK_NEED_BITS] = {
#define NEED(symbol, words) words,
#include "needs.def"
#undef NEED
    };
    const char *lack = lacks[evidence_lack_of(finding)];
    uint32_t missing = finding->missing;
    size_t length = (size_t)snprintf(buffer, CHECK_DOUBT_SIZE, "needs");

    for (unsigned bit = 0; bit < CHECK_NEED_BITS && length < CHECK_DOUBT_SIZE; bit++)
        if (missing & 1u << bit)
            length += (size_t)snprintf(buffer + length, CHECK_DOUBT_SIZE - length, "%s %s",
                                       missing & ((1u << bit) - 1) ? "," : "",
                                       bit == CHECK_NEED_BIT_ANY_VERSION ? "protocol version known" : words[bit]);
    /* Some have the same words. */
    if (strstr(buffer, lack) == NULL && length < CHECK_DOUBT_SIZE)
        snprintf(buffer + length, CHECK_DOUBT_SIZE - length, "%s %s", missing != 0 ? "," : "", lack);
}

void check_finding_doubt(const struct check_finding *finding, char buffer[CHECK_DOUBT_SIZE])
{
    static const char *const words[TRACK_DOUBTS] = {
#define DOUBT(symbol, steps, words) words,
#include "../model/facts/doubts.def"
#undef DOUBT
    };
    size_t length = 0;

    buffer[0] = '\0';
    if (finding->missing != 0 || evidence_lack_of(finding) != TRACK_LACK_NOTHING) {
        write_missing(finding, buffer);
        return;
    }
    for (unsigned doubt = TRACK_DOUBT_NONE + 1; doubt < TRACK_DOUBTS && length < CHECK_DOUBT_SIZE; doubt++)
        /* Some have the same words. */
        if (finding->doubts & 1u << doubt && strstr(buffer, words[doubt]) == NULL)
            length += (size_t)snprintf(buffer + length, CHECK_DOUBT_SIZE - length, "%s%s", length > 0 ? ", " : "",
                                       words[doubt]);
}

unsigned check_finding_frames(const struct check_finding *finding, uint32_t frames[CHECK_FRAMES_MAX])
{
    const struct track_anomaly *anomaly = finding->subject.anomaly;
    char detail[CHECK_MESSAGE_SIZE / 2];
    unsigned count = 0;

    if (anomaly == NULL)
        return 0;
    const uint32_t candidates[CHECK_FRAMES_MAX] = {anomaly->frame, anomaly->value, anomaly->other};
    check_rule_functions[finding->rule].write_detail(&finding->subject, detail, sizeof detail);
    /* Which of an anomaly's numbers are frames, the rule's words tell. */
    for (unsigned i = 0; i < CHECK_FRAMES_MAX; i++) {
        char words[32];
        int length = snprintf(words, sizeof words, "frame %u", candidates[i]);
        const char *found = strstr(detail, words);
        bool is_whole = found != NULL && (found[length] < '0' || found[length] > '9');
        if (candidates[i] != 0 && is_whole && (count == 0 || frames[count - 1] != candidates[i]))
            frames[count++] = candidates[i];
    }
    return count;
}

/** True where a title begins with the actor, "Client" or "Server", and not with "Client Identifier". */
static bool is_actor(const char *title, const char *actor)
{
    size_t length = strlen(actor);
    return strncmp(title, actor, length) == 0 && title[length] == ' ' &&
           strncmp(title + length, " Identifier", 11) != 0;
}

/** Writes "Client at fault", "Server at fault", or "" where the title says so or the capture does not tell. */
static const char *fault_words(const struct check_finding *finding)
{
    const char *title = check_rule_info(finding->rule)->title;
    const char *side = check_finding_side(finding);

    if (check_is_hint(check_rule_info(finding->rule)))
        return "";
    if (strcmp(side, "client") == 0)
        return is_actor(title, "Client") ? "" : "Client at fault";
    if (strcmp(side, "broker") == 0)
        return is_actor(title, "Server") ? "" : "Server at fault";
    return "";
}

/** How long a message may be: Wireshark ends a label at 240 bytes, and severity and group come first. */
enum { MESSAGE_LENGTH = 205 };

/** Adds statement ids in brackets, "or" between those of which one is broken: the first, and of the others as many as there is
 *  room for after the `before` bytes that come first. */
static void write_ids(const struct check_ids *ids, size_t before, char *buffer, size_t size)
{
    size_t length = strlen(buffer);

    for (unsigned i = 0; i < ids->count; i++) {
        bool has_room = i == 0 || before + length + strlen(ids->list[i]) + sizeof " or ]" <= MESSAGE_LENGTH;
        bool is_other = i > 0 && (ids->one_of >> (i - 1) & 3) == 3;
        snprintf(buffer + length, size - length, "%s%s",
                 i == 0     ? " ["
                 : is_other ? " or "
                            : ", ",
                 has_room ? ids->list[i] : "...");
        length = strlen(buffer);
        if (!has_room)
            break;
    }
    if (ids->count > 0)
        snprintf(buffer + length, size - length, "]");
}

/** Writes what comes after the `before` bytes of title and detail: how many more there are, who is at fault, why the severity
 *  is lower, and the statements. */
static void write_end(const struct check_finding *finding, size_t before, char *buffer, size_t size)
{
    const char *fault = fault_words(finding);
    struct check_ids ids;
    char doubt[CHECK_DOUBT_SIZE];
    size_t length = 0;

    buffer[0] = '\0';
    if (finding->further > 0)
        snprintf(buffer, size, ", and %u more in this packet", (unsigned)finding->further);
    check_finding_doubt(finding, doubt);
    length = strlen(buffer);
    if (fault[0] != '\0' || doubt[0] != '\0')
        snprintf(buffer + length, size - length, " (%s%s%s)", fault, fault[0] != '\0' && doubt[0] != '\0' ? "; " : "",
                 doubt);
    check_finding_ids(finding, &ids);
    write_ids(&ids, before, buffer, size);
}

/** Cuts a text before a character, so that with an ellipsis it has `most` bytes at most. */
static void cut_text(char *text, size_t most)
{
    static const char ellipsis[] = "...";
    size_t end = most > strlen(ellipsis) ? most - strlen(ellipsis) : 0;

    if (strlen(text) <= most)
        return;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    memcpy(text + end, ellipsis, sizeof ellipsis);
}

void check_message(const struct check_finding *finding, char *buffer, size_t size)
{
    const char *title = check_rule_info(finding->rule)->title;
    char detail[CHECK_MESSAGE_SIZE / 2];
    char end[CHECK_MESSAGE_SIZE];

    check_rule_functions[finding->rule].write_detail(&finding->subject, detail, sizeof detail);
    snprintf(buffer, size, "%s%s%s", title, detail[0] != '\0' ? ": " : "", detail);
    write_end(finding, strlen(buffer), end, sizeof end);
    size_t end_length = strlen(end);
    /* The evidence is cut rather than the statement and the doubt about it. */
    cut_text(buffer, end_length < MESSAGE_LENGTH ? MESSAGE_LENGTH - end_length : 0);
    size_t length = strlen(buffer);
    snprintf(buffer + length, size - length, "%s", end);
}
